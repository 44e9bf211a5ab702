"""Asks a question in writing and waits for the response."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rtc_widget.calls.record import CallRecord
from rtc_widget.calls.recorder import CallRecorder
from rtc_widget.calls.sender import UserMessages
from rtc_widget.conversation.turn import Turn
from rtc_widget.errors import ResponseFailed, RtcWidgetError, WaitTimeout
from rtc_widget.kernel.await_guard import AwaitGuard
from rtc_widget.kernel.main_loop import wait_with_grace
from rtc_widget.protocols.base import RequestedResponse, VoiceSession
from rtc_widget.tools.runner import ToolRunner

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip

_VOICE_SECONDS = 1.0
"""How long after its text a response may begin to be heard; a server that never reports it is not waited for longer."""
_BUFFER_SECONDS = 0.3
"""How much later than the server reports a response is heard: the page's jitter buffer delays it."""
_FLUSH_SECONDS = 3.0


class Asker:
    """Sends a question and waits until its response has ended; tools that it calls are run.

    Parameters
    ----------
    messages : UserMessages
        Makes the question's message.
    session : VoiceSession
        Asks for the response.
    runner : ToolRunner
        Knows the response that follows a tool's result.
    recorder : CallRecorder
        Records the response's audio.
    record : CallRecord
        Has the transcript.
    guard : AwaitGuard
        Knows whether waiting is possible.
    """

    def __init__(
        self,
        messages: UserMessages,
        session: VoiceSession,
        runner: ToolRunner,
        recorder: CallRecorder,
        record: CallRecord,
        guard: AwaitGuard,
    ) -> None:
        self._messages = messages
        self._session = session
        self._runner = runner
        self._recorder = recorder
        self._record = record
        self._guard = guard

    async def ask(
        self, text: str, *, image: Any, timeout: float | None, until_spoken: bool, audio: bool, interrupt: bool = False
    ) -> Turn:
        """Ask and return the finished response's turn; see `VoiceChat.ask`."""
        self._guard.require_events()
        item = self._messages.item(text, image)
        if interrupt:
            self._session.interrupt()
        if not audio or not until_spoken or find_spec("numpy") is None:
            return await self._turn_within(timeout, self._session.ask(item), until_spoken=until_spoken)
        # Recording begins before the question, so that no audio of a quick response is missing.
        with self._recorder.begin():
            turn = await self._turn_within(timeout, self._session.ask(item), until_spoken=True)
            # Outside the time limit: a finished response must not be lost because of its audio.
            return replace(turn, audio=await self._audio_of(turn))

    async def _turn_within(self, timeout: float | None, pending: RequestedResponse, *, until_spoken: bool) -> Turn:
        began: list[str] = []  # the responses so far: each one that calls tools is followed by another

        def late() -> WaitTimeout:
            return WaitTimeout(
                f"The response did not end within {timeout} s: {self._progress(pending, began)}.",
                hint="chat.events has the events that arrived.",
            )

        return await wait_with_grace(timeout, self._turn_of(pending, began, until_spoken=until_spoken), late)

    def _progress(self, pending: RequestedResponse, began: list[str]) -> str:
        """Return what the question waits for."""
        if not began:
            return self._session.progress_of(pending)
        return self._runner.progress_of(began[-1]) or self._session.progress_of_response(began[-1])

    async def _turn_of(self, pending: RequestedResponse, began: list[str], *, until_spoken: bool) -> Turn:
        response_id = await self._session.response_of(pending)
        began.append(response_id)
        ended = await self._session.end_of(response_id)
        while (follow_up := await self._runner.follow_up(response_id)) is not None:
            response_id = follow_up
            began.append(response_id)
            ended = await self._session.end_of(response_id)
        if ended.status == "failed":
            raise ResponseFailed(f"The server could not respond: {ended.reason or 'it gives no reason.'}")
        if until_spoken and ended.has_audio:
            await self._session.spoken(response_id, begins_within=_VOICE_SECONDS)
        turn = self._session.turn_of(response_id, self._record.transcript)
        if turn is None or (turn.interrupted and not turn.text):
            reason = f" ({ended.reason})" if ended.reason else ""
            status = f"; its status is {ended.status}{reason}" if ended.status else ""
            raise ResponseFailed(f"The response has no text{status}.")
        return turn

    async def _audio_of(self, turn: Turn) -> AudioClip | None:
        if turn.start is None or turn.end is None or turn.end <= turn.start:
            return None
        # The times of a response without reported audio come from its text; another response may be heard then.
        if not self._session.was_audible(turn.response_id or ""):
            return None
        try:
            _ = self._recorder.recording.start  # raises where nothing is recorded, before anything is waited for
            await asyncio.sleep(_BUFFER_SECONDS)
            await self._recorder.flush(timeout=_FLUSH_SECONDS)
            return self._recorder.recording.assistant.between(turn.start, turn.end + _BUFFER_SECONDS)
        except (RtcWidgetError, ValueError):
            # The page cannot record, or the call has ended: the text is kept.
            return None
