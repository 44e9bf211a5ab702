"""Keeps the recorded audio and the connection statistics of a widget's calls."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from weakref import WeakValueDictionary

from rtc_widget.audio.pcm_store import PcmStore
from rtc_widget.audio.recording import Recording
from rtc_widget.comm.messages import Audio, Stats
from rtc_widget.webrtc.stats import StatsLog


class MediaRecord:
    """Stores each piece of audio with its call and each statistics sample in the log.

    Parameters
    ----------
    began_ms : callable
        Returns when the call of an attempt began: milliseconds since 1970 on the page's clock, or None if unknown.
    on_loop : callable
        Runs a function on the kernel's main loop.
    """

    def __init__(
        self, began_ms: Callable[[str], float | None], on_loop: Callable[[Callable[[Stats], None], Stats], None]
    ) -> None:
        self._began_ms = began_ms
        self._on_loop = on_loop
        self._lock = Lock()
        # By attempt, the first attempt of its call: reconnecting starts another attempt of the same call.
        self._first_of: dict[str, str] = {}
        self._latest: str | None = None
        # The numbers of the calls that have statistics, in order.
        self._numbers: dict[str, int] = {}
        # The first attempts of all calls, in order.
        self._calls: list[str] = []
        self._store: tuple[str, PcmStore] | None = None
        # The stores of earlier calls, as long as their recordings are in use.
        self._stores: WeakValueDictionary[str, PcmStore] = WeakValueDictionary()
        self.stats = StatsLog()

    def record_attempt(self, attempt: str, *, resumes: bool) -> None:
        """Record whether an attempt continues the call before it; on any thread."""
        with self._lock:
            if attempt not in self._first_of:
                self._first_of[attempt] = self._latest if resumes and self._latest is not None else attempt
                self._latest = self._first_of[attempt]
                if self._latest not in self._calls:
                    self._calls.append(self._latest)

    def keep(self, message: Audio | Stats) -> None:
        """Keep audio or statistics of a page; on any thread."""
        if isinstance(message, Stats):
            self._on_loop(self._measure, message)
            return
        self.record_attempt(message.attempt, resumes=False)
        with self._lock:
            store = self._store_of(self._first_of[message.attempt])
        if store is not None:
            store.take(message)

    def _store_of(self, call: str) -> PcmStore | None:
        """Return the store of a call; None for an earlier call whose recording is no longer in use."""
        if self._store is None or self._calls.index(self._store[0]) < self._calls.index(call):
            # The store of the call before lives as long as its recording is in use.
            self._store = (call, PcmStore())
            self._stores[call] = self._store[1]
        # Late audio of an earlier call must not replace the recording of this call.
        return self._stores.get(call)

    @property
    def recording(self) -> Recording:
        """The recording of the last recorded call; an empty recording if no call was recorded."""
        with self._lock:
            call, store = self._store or ("", PcmStore())
        return Recording(store, lambda: self._began_ms(call))

    def elapsed(self, time_ms: float) -> float:
        """Convert a time in milliseconds on the page's clock to seconds since the last call began."""
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
