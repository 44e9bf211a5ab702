"""Sends events over the data channel, and what a user writes and shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rtc_widget._unicode import json_text, well_formed
from rtc_widget.calls.record import CallRecord
from rtc_widget.comm.bridge import Bridge
from rtc_widget.conversation.events import Event
from rtc_widget.errors import InvalidImage, MessageTooLarge, NotConnected, PageNotFound, RtcWidgetError, SendQueueFull
from rtc_widget.errors.texts import text
from rtc_widget.protocols.base import ClientEvent, Detail, Item, VoiceSession, new_event_id

SMALLEST_CHANNEL = 65_536
"""What every data channel carries in one message (RFC 8841, section 6.1)."""
_ENVELOPE_BYTES = 1_000
MAX_UNCONFIRMED = 5_000
"""How many events may be on their way to the page. A flood of more would hold up the call itself."""


class EventSender:
    """Sends events through the page that has the call.

    Parameters
    ----------
    bridge : Bridge
        The way to the page.
    record : CallRecord
        Knows the state of the data channel; shows errors of the page.
    max_event_bytes : callable
        Returns how many bytes an event may have by the protocol; None if it does not limit it.
    """

    def __init__(
        self,
        bridge: Bridge,
        record: CallRecord,
        max_event_bytes: Callable[[ClientEvent], int | None] = lambda event: None,
    ) -> None:
        self._bridge = bridge
        self._record = record
        self._max_event_bytes = max_event_bytes
        self._unconfirmed = 0
        # The page's confirmations arrive on any thread.
        self._lock = threading.Lock()

    def send_one(self, event: Mapping[str, Any]) -> str:
        """Send one event and return its id; see `VoiceChat.send`."""
        event = _with_id(event)
        self.require_room(event)
        return self.send([event])

    def send_text(self, message: str) -> None:
        """Send a text as it is; see `VoiceChat.send_raw`."""
        if not isinstance(message, str):
            raise TypeError(f"message must be a str, got {type(message).__name__}; use send for an event.")
        self.require_open()
        self._require_size(len(well_formed(message).encode()))
        self._post([well_formed(message)], self._record.fault)

    def send(self, events: Sequence[ClientEvent], failed: Callable[[RtcWidgetError], None] | None = None) -> str:
        """Send events, all or none, and return the id of the first; `failed` is called if the page cannot send them.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        SendQueueFull
            If the page has not confirmed `MAX_UNCONFIRMED` earlier events yet.
        MessageTooLarge
            If an event is larger than the protocol allows.
        ValueError, TypeError
            If an event has no type, or cannot be written as JSON.
        """
        self.require_open()
        prepared = [_with_id(event) for event in events]
        texts = [_text_of(event) for event in prepared]
        for event, event_text in zip(prepared, texts, strict=True):
            _require_at_most(self._max_event_bytes(event), len(event_text.encode()))

        def fault(error: RtcWidgetError) -> None:
            self._record.fault(error)
            if failed is not None:
                failed(error)

        self._post(texts, fault)
        return str(prepared[0]["event_id"])

    def _post(self, texts: Sequence[str], fault: Callable[[RtcWidgetError], None]) -> None:
        settled = self._begin_sending(len(texts))
        try:
            self._bridge.post("send", fault, settled=settled, events=texts)
        except PageNotFound as error:
            settled()
            # The page has left; the traits will say so in a moment.
            raise NotConnected("Nothing was sent: the page with the call has left.") from error

    def _begin_sending(self, count: int) -> Callable[[], None]:
        """Count events as unconfirmed until the returned function is called."""
        with self._lock:
            # However many events belong together, they may be sent when nothing else waits.
            if self._unconfirmed and self._unconfirmed + count > MAX_UNCONFIRMED:
                raise SendQueueFull(text("sends_unconfirmed", waiting=self._unconfirmed, limit=MAX_UNCONFIRMED))
            self._unconfirmed += count

        def settled() -> None:
            with self._lock:
                self._unconfirmed -= count

        return settled

    def require_open(self) -> None:
        """Require an open data channel.

        Raises
        ------
        NotConnected
            If it is not open.
        """
        if self._record.data_channel_state != "open":
            raise NotConnected(f"Nothing was sent: the data channel is {self._record.data_channel_state}.")

    def require_room(self, event: ClientEvent) -> None:
        """Require that the data channel carries an event; the page would refuse it later, when nobody waits for it.

        Raises
        ------
        MessageTooLarge
            If it is too large.
        """
        if self._record.data_channel_state == "open":
            self._require_size(len(_text_of(_with_id(event)).encode()), self._max_event_bytes(event))

    def _require_size(self, size: int, protocol_limit: int | None = None) -> None:
        limits = [self._record.max_message_size, protocol_limit]
        _require_at_most(min((limit for limit in limits if limit is not None), default=None), size)

    def room_beside(self, text: str, events: Sequence[ClientEvent] = ()) -> int:
        """Return how many bytes an image may have in a message with this text, which these events send."""
        limits = [limit for event in events if (limit := self._max_event_bytes(event)) is not None]
        limit = min([self._record.max_message_size or SMALLEST_CHANNEL, *limits])
        return limit - len(json.dumps(text)) * 3 - _ENVELOPE_BYTES


class UserMessages:
    """Makes and sends the messages that a user writes.

    Parameters
    ----------
    session : VoiceSession
        Turns messages into events.
    sender : EventSender
        Knows how much an event may hold.
    """

    def __init__(self, session: VoiceSession, sender: EventSender) -> None:
        self._session = session
        self._sender = sender

    def send_text(self, text: str) -> str:
        """Send text and ask for a response; see `VoiceChat.send_text`."""
        return self._session.ask(self.item(text)).event_id

    def send_image(self, image: Any, text: str | None, detail: Detail, *, respond: bool) -> str:
        """Send an image; see `VoiceChat.send_image`."""
        if image is None:
            raise InvalidImage("image must be an image, an array, a path or a figure, got None.")
        item = self.item(text, image, detail)
        return self._session.ask(item).event_id if respond else self._session.add(item)

    def item(self, text: str | None, image: Any = None, detail: Detail = "auto") -> Item:
        """Return a user's message as an item of the conversation.

        Raises
        ------
        TypeError, ValueError
            If neither text nor image is given, or the text is not a string.
        InvalidImage, OSError
            If the image cannot be read or made small enough.
        MessageTooLarge, NotConnected
            If it cannot be sent.
        """
        if image is None:
            item = self._session.user_message(_checked_text("" if text is None else text))
            for event in self._session.events_of(item):
                self._sender.require_room(event)
            return item
        from rtc_widget.conversation.input_images import image_url

        self._sender.require_open()
        # Refused before the image is read, where the model sees none.
        events = self._session.events_of(self._session.user_message(well_formed(text or ""), "", detail))
        url = image_url(image, self._sender.room_beside(text or "", events))
        return self._session.user_message(well_formed(text or ""), url, detail)


def _checked_text(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}.")
    if not text.strip():
        raise ValueError("text must not be empty.")
    return well_formed(text)


def _require_at_most(limit: int | None, size: int) -> None:
    if limit is not None and size > limit:
        raise MessageTooLarge(
            text("message_too_large", size=size, limit=limit),
            hint="Send it in smaller parts; images can be scaled down.",
        )


def _with_id(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"event_id": new_event_id(), **_checked(event)}


def _checked(event: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(event, Mapping):
        raise TypeError(
            f"event must be a mapping with a 'type', got {type(event).__name__}; use send_text to send a text."
        )
    raw = dict(event.raw if isinstance(event, Event) else event)
    if not isinstance(raw.get("type"), str):
        raise ValueError(f"event must have a 'type' that is a string, got the fields {sorted(raw)}.")
    return raw


def _text_of(event: Mapping[str, Any]) -> str:
    try:
        return json_text(event)
    except (TypeError, ValueError) as error:
        raise type(error)(f"The event cannot be written as JSON: {error}") from None
