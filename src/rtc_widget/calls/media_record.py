"""What the kernel knows of the sound and the connection of a widget's calls."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from weakref import WeakValueDictionary

from rtc_widget.audio.pcm_store import PcmStore
from rtc_widget.audio.recording import Recording
from rtc_widget.comm.messages import Audio, Stats
from rtc_widget.webrtc.stats import StatsLog


class MediaRecord:
    """Puts each piece of sound on the tape of its call, and each look at the statistics into the log.

    Parameters
    ----------
    began_ms : callable
        When the call of an attempt began, on the page's clock; None while that is not known.
    on_loop : callable
        Runs a function on the kernel's main loop.
    """

    def __init__(
        self, began_ms: Callable[[str], float | None], on_loop: Callable[[Callable[[Stats], None], Stats], None]
    ) -> None:
        self._began_ms = began_ms
        self._on_loop = on_loop
        self._lock = Lock()
        # The attempt with which the call of an attempt began.
        self._first_of: dict[str, str] = {}
        self._latest: str | None = None
        # The calls that were measured, in their order.
        self._numbers: dict[str, int] = {}
        # In the order in which they were heard of.
        self._calls: list[str] = []
        self._store: tuple[str, PcmStore] | None = None
        # Tapes of earlier calls, as long as somebody holds their recordings.
        self._tapes: WeakValueDictionary[str, PcmStore] = WeakValueDictionary()
        self.stats = StatsLog()

    def record_attempt(self, attempt: str, *, resumes: bool) -> None:
        """Learn whether an attempt goes on with the call before it; on any thread."""
        with self._lock:
            if attempt not in self._first_of:
                self._first_of[attempt] = self._latest if resumes and self._latest is not None else attempt
                self._latest = self._first_of[attempt]
                if self._latest not in self._calls:
                    self._calls.append(self._latest)

    def keep(self, message: Audio | Stats) -> None:
        """Keep what a page has heard or measured; on any thread."""
        if isinstance(message, Stats):
            self._on_loop(self._measure, message)
            return
        self.record_attempt(message.attempt, resumes=False)
        with self._lock:
            store = self._tape_of(self._first_of[message.attempt])
        if store is not None:
            store.take(message)

    def _tape_of(self, call: str) -> PcmStore | None:
        """Return the tape of a call; None for an earlier call than the recorded one, if nobody holds its recording."""
        if self._store is None or self._calls.index(self._store[0]) < self._calls.index(call):
            # The recording of the call before lives on with whoever holds it.
            self._store = (call, PcmStore())
            self._tapes[call] = self._store[1]
        # A page may have much to say of an earlier call still; that must not take the place of this one's recording.
        return self._tapes.get(call)

    @property
    def recording(self) -> Recording:
        """The recording of the latest call that was recorded; an empty one if none was."""
        with self._lock:
            call, store = self._store or ("", PcmStore())
        return Recording(store, lambda: self._began_ms(call))

    def elapsed(self, time_ms: float) -> float:
        """Return a time of the page's clock in seconds since the latest call began."""
        with self._lock:
            call = self._latest or ""
        began = self._began_ms(call)
        return 0.0 if began is None else (time_ms - began) / 1000

    def _measure(self, message: Stats) -> None:
        with self._lock:
            call = self._first_of.get(message.attempt, message.attempt)
            number = self._numbers.setdefault(call, len(self._numbers) + 1)
        began = self._began_ms(call)
        elapsed = 0.0 if began is None else (message.time_ms - began) / 1000
        self.stats.add(message.attempt, message.time_ms, elapsed, message.reports, call=number)
