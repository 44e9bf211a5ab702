"""A question in writing, and its finished answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rtc_widget.calls.recorder import Measuring
from rtc_widget.calls.sender import Conversing
from rtc_widget.conversation.events import fields_of
from rtc_widget.conversation.turn import Turn
from rtc_widget.errors import ResponseFailed, RtcWidgetError, WaitTimeout
from rtc_widget.kernel.main_loop import within
from rtc_widget.protocols.realtime.pending_responses import PendingResponse

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip

_VOICE_SECONDS = 1.0
"""How long after its words an answer may begin to be heard; servers that never tell are not waited for longer."""
_BUFFER_SECONDS = 0.3
"""How much later than the server says a voice is heard: it waits in the page's jitter buffer."""
_FLUSH_SECONDS = 3.0


class Asking(Conversing, Measuring):
    """The part of `VoiceChat` that asks and waits for the answer."""

    async def ask(
        self,
        text: str,
        *,
        image: Any = None,
        timeout: float | None = 60,
        until_spoken: bool = True,
        audio: bool = True,
    ) -> Turn:
        """Say something in writing and wait for the finished answer; tools that the model calls on the way are run.

        For the answer's sound the call is recorded meanwhile: it is in ``chat.recording`` as well.

        Parameters
        ----------
        text : str
            What to say.
        image : PIL image, array, path or figure, optional
            A picture to go with it; see `send_image`.
        timeout : float or None
            Seconds until the answer is finished; None waits as long as it takes. Its sound may take a moment more.
        until_spoken : bool
            Wait until the answer has been spoken to its end. False: until its words are complete, which is earlier.
        audio : bool
            Record how the answer sounds. False: nothing is recorded for it.

        Returns
        -------
        Turn
            The answer; look at ``turn.interrupted`` where somebody may have spoken in between. ``turn.audio`` is how it
            sounded: None where nothing was spoken, waited for or recorded, numpy is missing, or the page cannot record.

        Raises
        ------
        ResponseFailed
            If the server could not answer, or the answer has no words.
        EventRefused
            If the server refused the question.
        MessageTooLarge
            If the data channel does not carry so much in one message.
        InvalidImage, OSError
            If the image is none, cannot be made small enough, or is a file that cannot be read.
        TypeError, ValueError
            If there is no text.
        WaitTimeout
            If it takes too long.
        NotConnected
            If there is no call, or it ends.
        AwaitUnsupported
            In a cell of ipykernel 6.

        Examples
        --------
        >>> turn = await chat.ask("What is ICE?")  # doctest: +SKIP
        >>> turn.text  # doctest: +SKIP
        'ICE is short for Interactive Connectivity Establishment. …'
        """
        self._await_news_here()
        question = self._question(text, image)
        if not audio or not until_spoken or find_spec("numpy") is None:
            return await self._answer_within(
                timeout, self._response_queue.request_response([question]), until_spoken=until_spoken
            )
        # First, so that nothing of a quick answer is missing.
        with self._begin_recording():
            turn = await self._answer_within(
                timeout, self._response_queue.request_response([question]), until_spoken=True
            )
            # After the limit: a finished answer is not lost to its sound.
            return replace(turn, audio=await self._sound_of(turn))

    async def _answer_within(self, timeout: float | None, pending: PendingResponse, *, until_spoken: bool) -> Turn:
        words = f"There was no finished answer within {timeout} s."
        late = WaitTimeout(words, hint="Look at chat.events for what came.")
        return await within(timeout, self._answer_to(pending, until_spoken=until_spoken), late)

    async def _answer_to(self, pending: PendingResponse, *, until_spoken: bool) -> Turn:
        response_id = await self._response_queue.response(pending)
        done = await self._response_queue.finished(response_id)
        while (follow_up := await self._runner.follow_up(response_id)) is not None:
            response_id = follow_up
            done = await self._response_queue.finished(response_id)
        response = fields_of(done)["response"]
        if response.get("status") == "failed":
            raise ResponseFailed(f"The server could not answer: {_reason(response)}")
        if until_spoken and _is_spoken(response):
            await self._response_queue.spoken(response_id, begins_within=_VOICE_SECONDS)
        turn = self.transcript.of_response(response_id)
        if turn is None or (turn.interrupted and not turn.text):
            raise ResponseFailed(f"The answer has no words; its response is {response.get('status')}.")
        return turn

    async def _sound_of(self, turn: Turn) -> AudioClip | None:
        if turn.start is None or turn.end is None or turn.end <= turn.start or not self._was_heard(turn):
            return None
        try:
            _ = self.recording.start  # raises where nothing is recorded, for which nobody should wait
            await asyncio.sleep(_BUFFER_SECONDS)
            await self._flush_audio(timeout=_FLUSH_SECONDS)
            return self.recording.assistant.between(turn.start, turn.end + _BUFFER_SECONDS)
        except (RtcWidgetError, ValueError):
            # The words have come; that this page records nothing, or the call is over, must not take them away.
            return None

    def _was_heard(self, turn: Turn) -> bool:
        responses = self._response_queue.responses
        # Where it waited in vain behind another voice, its time is that of its words: another's sound would be there.
        return not responses.tells_of_voices or responses.has_voice(turn.response_id or "")


def _is_spoken(response: Mapping[str, Any]) -> bool:
    items = [item for item in response.get("output") or () if isinstance(item, Mapping)]
    parts = [part for item in items for part in item.get("content") or () if isinstance(part, Mapping)]
    return any(part.get("type") in ("output_audio", "audio") for part in parts)


def _reason(response: Mapping[str, Any]) -> str:
    details = response.get("status_details")
    error = details.get("error") if isinstance(details, Mapping) else None
    if isinstance(error, Mapping) and error.get("message"):
        return str(error["message"])
    reason = details.get("reason") if isinstance(details, Mapping) else None
    return str(reason or "it does not say why.")
