"""Recording a call and measuring how well it is carried."""

from __future__ import annotations

import contextlib
import weakref
from types import TracebackType

from rtc_widget.arranging import Arranging
from rtc_widget.audio.clip import require_numpy
from rtc_widget.audio.recording import Recording
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.errors import PageError
from rtc_widget.webrtc.stats import StatsLog

_FLUSH_SECONDS = 10.0


class Measuring(Arranging):
    """The part of `VoiceChat` that records sound and keeps statistics."""

    _heard: MediaRecord
    _recorders: set[Recorder]

    def record(self) -> Recorder:
        """Record what both sides say from now on, in this call and in those that follow, until it is stopped.

        Returns
        -------
        Recorder
            Has `stop`, and can be used with ``with`` or ``async with``. The sound is in `recording`.

        Raises
        ------
        ImportError
            If numpy is not installed (extra ``data``).

        Examples
        --------
        >>> async with chat.record():  # doctest: +SKIP
        ...     await chat.connect()
        ...     await chat.wait_for("output_audio_buffer.stopped")
        >>> chat.recording.assistant  # doctest: +SKIP
        <AudioClip: 9.13 s from 0.02 s at 24 kHz, peak 0.41>
        """
        require_numpy()
        recorder = self._begin_recording()
        if self.data_channel_state == "open":
            # A browser that cannot record says so here.
            self._bridge.post("flush_audio", self._record.fault)
        return recorder

    @property
    def is_recording(self) -> bool:
        """Whether calls are recorded now."""
        return bool(self._recorders)

    @property
    def recording(self) -> Recording:
        """The sound of the call that was recorded last; it grows while it is recorded.

        A new call begins a new recording; one that you hold stays as it is.
        """
        return self._heard.recording

    @property
    def stats(self) -> StatsLog:
        """How well the calls were carried: W3C ``getStats`` once a second; see `stats_interval`."""
        return self._heard.stats

    def _begin_recording(self) -> Recorder:
        recorder = Recorder(self, self._heard)
        self._recorders.add(recorder)
        self._change_settings(record=True)
        return recorder

    async def _flush_audio(self, timeout: float = _FLUSH_SECONDS) -> None:
        """Wait until everything that was heard so far is in the recording."""
        self._await_here()
        await self._bridge.request("flush_audio", timeout=timeout)

    def _stop(self, recorder: Recorder) -> None:
        self._recorders.discard(recorder)
        if not self._recorders:
            self._change_settings(record=False)


class Recorder:
    """A recording in progress, as `VoiceChat.record` has begun it."""

    def __init__(self, chat: Measuring, heard: MediaRecord) -> None:
        # Weak: who keeps a recorder does not keep the call, which ends after `del chat`.
        self._chat = weakref.ref(chat)
        self._heard = heard

    @property
    def recording(self) -> Recording:
        """The sound, as `VoiceChat.recording`."""
        return self._heard.recording

    def stop(self) -> None:
        """Record no more; harmless to repeat. The last fifth of a second may arrive a moment later."""
        chat = self._chat()
        if chat is not None:
            chat._stop(self)

    async def finish(self) -> Recording:
        """Record no more, and return the recording when all of it has arrived.

        Raises
        ------
        RecordingUnavailable
            If the browser lets the page record nothing.
        """
        chat = self._chat()
        try:
            if chat is not None:
                # Before it stops: a page that records no more has no fault to tell.
                # Where no page can be heard or none is left, what has arrived is all there is.
                with contextlib.suppress(PageError):
                    await chat._flush_audio()
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
        chat = self._chat()
        state = "recording" if chat is not None and self in chat._recorders else "stopped"
        return f"<Recorder: {state}, {repr(self.recording).strip('<>')}>"
