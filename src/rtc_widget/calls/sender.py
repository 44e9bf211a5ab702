"""Saying something to the other side, and reading what was said."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from rtc_widget.call_widget import CallWidget
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.errors import InvalidImage, MessageTooLarge, NotConnected, PageNotFound, RtcWidgetError
from rtc_widget.protocols.realtime.pending_responses import new_id

Detail = Literal["auto", "low", "high"]

SMALLEST_CHANNEL = 65_536
"""What every data channel carries in one message (RFC 8841, section 6.1)."""
_ENVELOPE_BYTES = 1_000


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
        MessageTooLarge
            If it is larger than the data channel carries.
        ValueError, TypeError
            If it is no event, or cannot be written as JSON.
        """
        event = _with_id(event)
        self._require_room(event)
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
        MessageTooLarge
            If the data channel does not carry so much in one message.
        ValueError
            If there is no text.
        """
        return self._response_queue.request_response([self._question(text, None)]).event_id

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
        InvalidImage, OSError
            If it is none of these, cannot be made small enough, or is a file that cannot be read.
        NotConnected
            If the data channel is not open.
        ImportError
            If Pillow is needed and not installed; says how to install it.
        """
        if image is None:
            raise InvalidImage("None is no picture.")
        item = self._question(text, image, detail)
        if answer:
            return self._response_queue.request_response([item]).event_id
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
        responses = self._response_queue.responses
        is_speaking = responses.is_speaking or responses.active is not None
        events = [{"type": "response.cancel"}] if responses.active is not None else []
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
            item = message_item("" if text is None else text)
            self._require_room(_with_id({"type": "conversation.item.create", "item": item}))
            return item
        from rtc_widget.conversation.input_images import image_url

        if self.data_channel_state != "open":
            raise NotConnected(f"Nothing was sent: the data channel is {self.data_channel_state}.")
        room = (self.max_message_size or SMALLEST_CHANNEL) - len(json.dumps(text or "")) * 3 - _ENVELOPE_BYTES
        url = image_url(image, room)
        words = [{"type": "input_text", "text": text}] if text and text.strip() else []
        picture = {"type": "input_image", "image_url": url, "detail": detail}
        return {"type": "message", "role": "user", "content": [picture, *words]}

    def _require_room(self, event: Mapping[str, Any]) -> None:
        """Refuse at once what the page would refuse a moment later, when nobody waits for it any more."""
        limit = self.max_message_size
        if limit is None or self.data_channel_state != "open":
            return
        size = len(_text_of(event).encode())
        if size > limit:
            raise MessageTooLarge(
                f"The message has {size} bytes, more than the {limit} that the data channel carries.",
                hint="Send it in smaller parts; images can be scaled down.",
            )

    def _send_events(
        self, events: Sequence[Mapping[str, Any]], failed: Callable[[RtcWidgetError], None] | None = None
    ) -> str:
        if self.data_channel_state != "open":
            raise NotConnected(f"Nothing was sent: the data channel is {self.data_channel_state}.")
        prepared = [_with_id(event) for event in events]
        texts = [_text_of(event) for event in prepared]

        def fault(error: RtcWidgetError) -> None:
            self._record.fault(error)
            if failed is not None:
                failed(error)

        try:
            self._bridge.post("send", fault, events=texts)
        except PageNotFound as error:
            # The page has left; that its call is over comes to the traits in a moment.
            raise NotConnected("Nothing was sent: the page with the call has left.") from error
        return str(prepared[0]["event_id"])


def message_item(text: str) -> dict[str, Any]:
    """Return what a person has written as an item of the conversation.

    Raises
    ------
    TypeError, ValueError
        If it is no text, or empty.
    """
    if not isinstance(text, str):
        raise TypeError(f"What is said in writing is a str, not {type(text).__name__}.")
    if not text.strip():
        raise ValueError("There is no text to send.")
    content = [{"type": "input_text", "text": text}]
    return {"id": new_id("item"), "type": "message", "role": "user", "content": content}


def _checked(event: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(event, Mapping):
        raise TypeError(
            f"An event is a mapping such as {{'type': 'response.create'}}, not {type(event).__name__}; "
            "to say something in writing there is send_text."
        )
    raw = dict(event.raw if isinstance(event, Event) else event)
    if not isinstance(raw.get("type"), str):
        raise ValueError(f"An event needs a 'type', such as 'response.create'; this one has only {sorted(raw)}.")
    return raw


def _with_id(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"event_id": new_id("event"), **_checked(event)}


def _text_of(event: Mapping[str, Any]) -> str:
    try:
        return json.dumps(event, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"The event cannot be written as JSON: {error}") from None
