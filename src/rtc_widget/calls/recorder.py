"""Records the audio of calls."""

from __future__ import annotations

import contextlib
import weakref
from types import TracebackType

from rtc_widget.audio.recording import Recording
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.calls.record import CallRecord
from rtc_widget.calls.settings import SettingsWriter
from rtc_widget.comm.bridge import Bridge
from rtc_widget.errors import PageError
from rtc_widget.kernel.await_guard import AwaitGuard
from rtc_widget.kernel.operation import operations_of
from rtc_widget.optional import require_numpy

_FLUSH_SECONDS = 10.0


class CallRecorder:
    """Starts and stops recordings; the page records while at least one runs.

    Parameters
    ----------
    bridge : Bridge
        The way to the page.
    settings : SettingsWriter
        Tells the page whether to record.
    record : CallRecord
        Knows the state of the data channel.
    media : MediaRecord
        Keeps the audio.
    guard : AwaitGuard
        Knows whether waiting is possible.
    """

    def __init__(
        self, bridge: Bridge, settings: SettingsWriter, record: CallRecord, media: MediaRecord, guard: AwaitGuard
    ) -> None:
        self._bridge = bridge
        self._settings = settings
        self._record = record
        self._media = media
        self._guard = guard
        self._running: set[Recorder] = set()

    def start(self) -> Recorder:
        """Start a recording; see `VoiceChat.record`."""
        require_numpy()
        recorder = self.begin()
        if self._record.is_open:
            # A browser that cannot record says so here.
            self._bridge.post("flush_audio", self._record.fault)
        return recorder

    def begin(self) -> Recorder:
        """Start a recording, and do not ask the page whether it can record."""
        recorder = Recorder(self, self._media)
        self._running.add(recorder)
        self._settings.change(record=True)
        return recorder

    def stop(self, recorder: Recorder) -> None:
        """Stop a recording; harmless to repeat."""
        self._running.discard(recorder)
        if not self._running:
            self._settings.change(record=False)

    def is_running(self, recorder: Recorder | None = None) -> bool:
        """Whether a recording runs: this one, or any."""
        return bool(self._running) if recorder is None else recorder in self._running

    @property
    def recording(self) -> Recording:
        """The audio of the call that was recorded last."""
        return self._media.recording

    async def flush(self, timeout: float = _FLUSH_SECONDS) -> None:
        """Wait until the recording has all audio up to now."""
        self._guard.require_page()
        await self._bridge.request("flush_audio", timeout=timeout)


class Recorder:
    """A recording in progress, as `VoiceChat.record` returns it."""

    def __init__(self, calls: CallRecorder, media: MediaRecord) -> None:
        # Weak: a recorder that is kept must not keep the widget, whose call ends after `del chat`.
        self._calls = weakref.ref(calls)
        self._media = media

    @property
    def recording(self) -> Recording:
        """The audio, as `VoiceChat.recording`."""
        return self._media.recording

    def stop(self) -> None:
        """Stop recording; harmless to repeat. The last 0.2 s may arrive a moment later."""
        calls = self._calls()
        if calls is not None:
            calls.stop(self)

    @operations_of("recorder", lambda recorder: "The recording has ended.")
    async def finish(self) -> Recording:
        """Stop recording, and return the recording when all of it has arrived.

        Raises
        ------
        RecordingUnavailable
            If the browser cannot record.
        """
        calls = self._calls()
        try:
            if calls is not None:
                # Before it stops: a page that does not record reports no error.
                # Where no page can be reached, the audio that has arrived is complete.
                with contextlib.suppress(PageError):
                    await calls.flush()
        finally:
            self.stop()
        return self.recording

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Recorder:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if error is None:
            await self.finish()
        else:
            self.stop()

    def __repr__(self) -> str:
        calls = self._calls()
        state = "recording" if calls is not None and calls.is_running(self) else "stopped"
        return f"<Recorder: {state}, {repr(self.recording).strip('<>')}>"
