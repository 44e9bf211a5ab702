"""The queue of the service in which items wait for the next response of the backend, as far as it is known here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rtc_widget._unicode import json_text, well_formed
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.errors import MessageTooLarge, RtcWidgetError
from rtc_widget.protocols.base import ClientEvent
from rtc_widget.protocols.live import client_events
from rtc_widget.protocols.live.pending import refused_id

Send = Callable[[Sequence[ClientEvent], Callable[[RtcWidgetError], None]], None]

logger = logging.getLogger("rtc_widget")

MAX_QUEUED_BYTES = 32_768
"""The service takes so many bytes of items that wait for a response. Beyond that every later response fails."""
MAX_ITEM_BYTES = 30_000
"""Of these, what is written and shown may have so many, so that outputs of functions have room; and these, too."""
MAX_MESSAGES = 100
"""The service takes 128 items."""
_OUTPUT = "function_call_output"


class InputQueue:
    """Counts what waits in the service's queue: what was posted, and what others have sent.

    A request for a response empties it.

    Parameters
    ----------
    send : callable
        Sends events.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        # Bytes by the id of the event.
        self._sizes: dict[str, int] = {}
        self._sent: set[str] = set()
        self._posted: set[str] = set()

    @property
    def room(self) -> int:
        """How many bytes outputs of functions may have."""
        return min(MAX_QUEUED_BYTES - sum(self._sizes.values()), MAX_ITEM_BYTES)

    def send(self, events: Sequence[ClientEvent], failed: Callable[[RtcWidgetError], None]) -> None:
        """Send events, all or none, and count them.

        Raises
        ------
        MessageTooLarge
            If what is written or shown does not fit beside what waits.
        NotConnected
            If the data channel is not open.
        """

        def not_sent(error: RtcWidgetError) -> None:
            self._forget(events)
            failed(error)

        self._require_room(events)
        # Before they are sent: they may come back as events before that returns.
        self._count(events)
        try:
            self._send(events, not_sent)
        except Exception:
            self._forget(events)
            raise

    def _require_room(self, events: Sequence[ClientEvent]) -> None:
        messages = [event["item"] for event in events if _is_item(event) and event["item"].get("type") != _OUTPUT]
        size = sum(map(_size, messages))
        waiting = sum(self._sizes.values())
        if messages and waiting + size > MAX_ITEM_BYTES:
            raise MessageTooLarge(
                f"What waits for the backend must have at most {MAX_ITEM_BYTES} bytes, got {waiting + size}"
                f"{f', of which {waiting} wait already' if waiting else ''}.",
                hint="Send less, or ask for a response first: it takes what waits.",
            )
        if messages and len(self._sizes) + len(messages) > MAX_MESSAGES:
            raise MessageTooLarge(
                f"At most {MAX_MESSAGES} messages can wait for the backend.",
                hint="Ask for a response first: it takes what waits.",
            )

    def _count(self, events: Sequence[ClientEvent]) -> None:
        for event in events:
            self._posted.add(str(event.get("event_id")))
            if _is_item(event):
                self._sizes[str(event.get("event_id"))] = _size(event["item"])
            elif event.get("type") == "response.create":
                self._sizes.clear()

    def _forget(self, events: Sequence[ClientEvent]) -> None:
        for event in events:
            self._sizes.pop(str(event.get("event_id")), None)

    def consume(self, event: Event) -> None:
        """Process the next event, sent or received."""
        raw = fields_of(event)
        if event.direction == "received":
            self._sizes.pop(refused_id(raw) or "", None)
        elif _is_item(raw):
            event_id = str(raw.get("event_id"))
            if event_id not in self._posted:  # else a response may have taken it already
                self._sizes[event_id] = _size(raw["item"])
            self._sent.add(event_id)
        elif event.type == "response.create":
            # Others may have been posted after it.
            self._sizes = {key: size for key, size in self._sizes.items() if key not in self._sent}
            self._sent.clear()

    def end_call(self) -> None:
        """End the call: the next session has an empty queue."""
        self._sizes.clear()
        self._sent.clear()
        self._posted.clear()


def fitted(outputs: Mapping[str, str], room: int = MAX_ITEM_BYTES) -> dict[str, str]:
    """Return outputs whose items fit into the room of the service's queue; longer ones are cut, and say so.

    Examples
    --------
    >>> len(fitted({"call_1": "x" * 40_000})["call_1"]) <= MAX_ITEM_BYTES
    True
    """
    given = {call_id: well_formed(output) for call_id, output in outputs.items()}
    if sum(_output_size(call_id, output) for call_id, output in given.items()) <= room:
        return given
    share = room // len(given)
    cut: dict[str, str] = {}
    for call_id, output in given.items():
        if _output_size(call_id, output) <= share:
            cut[call_id] = output
            continue
        size = len(output.encode())
        note = f"… [The result has {size:,} bytes; only the beginning could be sent.]"
        cut[call_id] = _beginning(output, share - _output_size(call_id, note)) + note
        logger.warning(
            "The output of the function call %s has %s bytes. GPT-Live takes about %s, so it was cut.",
            call_id,
            f"{size:,}",
            f"{max(share, 0):,}",
        )
    return cut


def _beginning(text: str, room: int) -> str:
    """Return as much of a text as has so many bytes within JSON."""
    low, high = 0, min(len(text), max(room, 0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _text_size(text[:middle]) <= room else (low, middle - 1)
    return text[:low]


def _text_size(text: str) -> int:
    return len(json_text(text).encode()) - 2


def _output_size(call_id: str, output: str) -> int:
    [item] = client_events.function_outputs({call_id: output})
    return _size(item)


def _size(item: Mapping[str, Any]) -> int:
    return len(json_text(dict(item)).encode())


def _is_item(event: Mapping[str, Any]) -> bool:
    return event.get("type") == "response.item.create" and isinstance(event.get("item"), Mapping)
