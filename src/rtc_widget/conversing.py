"""Saying something to the other side, and reading what was said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

from rtc_widget.answers import Wish
from rtc_widget.awaiting import require_waiting
from rtc_widget.call_widget import CallWidget
from rtc_widget.conversation import Transcript, Turn
from rtc_widget.errors import AnswerFailed, NotConnected, RtcWidgetError, WaitTimeout
from rtc_widget.events import Event

Detail = Literal["auto", "low", "high"]

SMALLEST_CHANNEL = 65_536
"""What every data channel carries in one message (RFC 8841, section 6.1)."""
_ENVELOPE_BYTES = 1_000
_VOICE_SECONDS = 1.0
"""How long after its words an answer may begin to be heard; servers that never tell are not waited for longer."""


class Conversing(CallWidget):
    """The part of `VoiceChat` that sends events and keeps the transcript."""

    def send(self, event: Mapping[str, Any]) -> str:
        """Send one client event, such as ``{"type": "response.create"}``, over the data channel.

        Parameters
        ----------
        event : mapping
            A JSON object with a ``type``.

        Returns
        -------
        str
            Its ``event_id``, made up if it had none. Servers name it in the errors that it causes.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        ValueError, TypeError
            If it is no event, or cannot be written as JSON.
        """
        return self._send_events([event])

    def send_text(self, text: str) -> str:
        """Say something in writing and ask for an answer (``conversation.item.create``, ``response.create``).

        While an answer is being made, the server would refuse to begin another: the next is asked for then.

        Returns
        -------
        str
            The ``event_id`` of the item's event.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        ValueError
            If there is no text.
        """
        return self._answers.wish([message_item(text)]).event_id

    async def ask(self, text: str, *, image: Any = None, timeout: float | None = 60, until_spoken: bool = True) -> Turn:
        """Say something in writing and wait for the finished answer; tools that the model calls on the way are run.

        Parameters
        ----------
        text : str
            What to say.
        image : PIL image, array, path or figure, optional
            A picture to go with it; see `send_image`.
        timeout : float or None
            Seconds for all of it; None waits as long as it takes.
        until_spoken : bool
            Wait until the answer has been spoken to its end. False: until its words are complete, which is earlier.

        Returns
        -------
        Turn
            The answer; look at ``turn.interrupted`` where somebody may have spoken in between.

        Raises
        ------
        AnswerFailed
            If the server could not answer, or the answer has no words.
        EventRefused
            If the server refused the question.
        WaitTimeout
            If it takes too long.
        NotConnected
            If there is no call, or it ends.
        AwaitNotPossible
            In a cell of ipykernel 6.

        Examples
        --------
        >>> turn = await chat.ask("What is ICE?")  # doctest: +SKIP
        >>> turn.text  # doctest: +SKIP
        'ICE is short for Interactive Connectivity Establishment. …'
        """
        require_waiting()
        wish = self._answers.wish([self._question(text, image)])
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return await self._answer_to(wish, until_spoken=until_spoken)
        except TimeoutError:
            if not limit.expired():
                raise
            raise WaitTimeout(
                f"There was no finished answer within {timeout:g} s.", hint="Look at chat.events for what came."
            ) from None

    def send_image(self, image: Any, text: str | None = None, *, detail: Detail = "auto", answer: bool = True) -> str:
        """Show the model a picture, made small enough for the data channel.

        Parameters
        ----------
        image : PIL image, array, path or figure
            An array is H × W, H × W × 3 or H × W × 4: numbers from 0 to 1, or bytes.
        text : str, optional
            Words to go with it.
        detail : {"auto", "low", "high"}
            How closely the model is to look.
        answer : bool
            Ask for an answer. False only adds the picture to the conversation.

        Returns
        -------
        str
            The ``event_id`` of the item's event.

        Raises
        ------
        InvalidImage
            If it is none of these, or cannot be made small enough.
        NotConnected
            If the data channel is not open.
        ImportError
            If Pillow is needed and not installed; says how to install it.
        """
        item = self._question(text, image, detail)
        if answer:
            return self._answers.wish([item]).event_id
        return self._send_events([{"type": "conversation.item.create", "item": item}])

    def interrupt(self) -> bool:
        """Stop the answer that is being made or spoken (``response.cancel``, ``output_audio_buffer.clear``).

        Returns
        -------
        bool
            Whether there was anything to stop.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        is_speaking = self._answers.is_speaking or self._answers.active is not None
        events = [{"type": "response.cancel"}] if self._answers.active is not None else []
        # The answer is made faster than it is spoken: often there is only the voice left to stop.
        events += [{"type": "output_audio_buffer.clear"}] if is_speaking else []
        if events or self.data_channel_state != "open":
            self._send_events(events)
        return bool(events)

    @property
    def transcript(self) -> Transcript:
        """What both sides said, in the order of the conversation."""
        return self._record.transcript

    def _question(self, text: str | None, image: Any, detail: Detail = "auto") -> dict[str, Any]:
        if image is None:
            return message_item(text or "")
        from rtc_widget.images import image_url

        if self.data_channel_state != "open":
            raise NotConnected(f"Nothing was sent: the data channel is {self.data_channel_state}.")
        room = (self.max_message_size or SMALLEST_CHANNEL) - len(json.dumps(text or "")) * 3 - _ENVELOPE_BYTES
        url = image_url(image, room)
        words = [{"type": "input_text", "text": text}] if text and text.strip() else []
        picture = {"type": "input_image", "image_url": url, "detail": detail}
        return {"type": "message", "role": "user", "content": [picture, *words]}

    async def _answer_to(self, wish: Wish, *, until_spoken: bool) -> Turn:
        response_id = await self._answers.response(wish)
        done = await self._answers.finished(response_id)
        while (follow_up := await self._runner.follow_up(response_id)) is not None:
            response_id = follow_up
            done = await self._answers.finished(response_id)
        response = done.raw["response"]
        if response.get("status") == "failed":
            raise AnswerFailed(f"The server could not answer: {_reason(response)}")
        if until_spoken and _is_spoken(response):
            await self._answers.spoken(response_id, begins_within=_VOICE_SECONDS)
        turn = self.transcript.of_response(response_id)
        if turn is None:
            raise AnswerFailed(f"The answer has no words; its response is {response.get('status')}.")
        return turn

    def _send_events(
        self, events: Sequence[Mapping[str, Any]], failed: Callable[[RtcWidgetError], None] | None = None
    ) -> str:
        if self.data_channel_state != "open":
            raise NotConnected(f"Nothing was sent: the data channel is {self.data_channel_state}.")
        prepared = [{"event_id": f"event_{uuid4().hex[:20]}", **_checked(event)} for event in events]
        try:
            texts = [json.dumps(event, ensure_ascii=False, allow_nan=False) for event in prepared]
        except (TypeError, ValueError) as error:
            raise type(error)(f"The event cannot be written as JSON: {error}") from None

        def fault(error: RtcWidgetError) -> None:
            self._record.fault(error)
            if failed is not None:
                failed(error)

        self._bridge.post("send", fault, events=texts)
        return str(prepared[0]["event_id"])


def message_item(text: str) -> dict[str, Any]:
    """Return what a person has written as an item of the conversation.

    Raises
    ------
    ValueError
        If there is no text.
    """
    if not text.strip():
        raise ValueError("There is no text to send.")
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


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


def _checked(event: Mapping[str, Any]) -> dict[str, Any]:
    raw = dict(event.raw if isinstance(event, Event) else event)
    if not isinstance(raw.get("type"), str):
        raise ValueError(f"An event needs a 'type', such as 'response.create'; this one has only {sorted(raw)}.")
    return raw
