"""Requested responses, and the events that request them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rtc_widget.errors import NotConnected, RtcWidgetError

LOST_SECONDS = 10.0
"""A `response.create` without a reply counts as lost after this time: some errors do not name their event."""


class PendingResponse:
    """A requested response that follows some items.

    Attributes
    ----------
    event_id : str
        The event that sent the first item.
    at : float
        When it was requested, on the monotonic clock.
    response_id : str or None
        The response, once the server has begun it.
    failure : RtcWidgetError or None
        The reason if there will be no response.
    """

    def __init__(self, items: Iterable[str], events: Sequence[str]) -> None:
        self.event_id = events[0] if events else ""
        self.at = time.monotonic()
        self.response_id: str | None = None
        self.failure: RtcWidgetError | None = None
        self.unconfirmed = set(items)
        self.events = frozenset(events)
        self._unsent = set(events)

    def record_sent(self, event_id: str) -> None:
        """The page has sent this event."""
        self._unsent.discard(event_id)

    @property
    def is_sent(self) -> bool:
        """Whether the page has sent all items."""
        return not self._unsent

    @property
    def is_lost(self) -> bool:
        """Whether the call ended before the response began, or the page could not send the items."""
        return isinstance(self.failure, NotConnected)

    @property
    def is_settled(self) -> bool:
        """Whether the response has begun or failed."""
        return self.response_id is not None or self.failure is not None


class ResponseCreate:
    """A ``response.create`` that the server has neither answered nor refused.

    Attributes
    ----------
    responses : list of PendingResponse
        The responses that it requests.
    is_out_of_band : bool
        Whether the response is not part of the conversation.
    at : float
        When it was sent, on the monotonic clock.
    suspect : str or None
        A response that the server began either for this request or on its own.
    is_interrupted : bool
        Whether the response was interrupted before the server has reported its beginning.
    """

    def __init__(
        self, event_id: str | None, responses: Sequence[PendingResponse] = (), *, is_out_of_band: bool = False
    ) -> None:
        self.event_id = event_id
        self.responses = list(responses)
        self.is_out_of_band = is_out_of_band
        self.at = time.monotonic()
        self.suspect: str | None = None
        self.is_interrupted = False

    @property
    def lost_at(self) -> float:
        """When the request counts as lost, on the monotonic clock."""
        return self.at + LOST_SECONDS

    @property
    def is_lost(self) -> bool:
        """Whether the request counts as lost."""
        return time.monotonic() >= self.lost_at

    @property
    def is_confirmed(self) -> bool:
        """Whether the server has confirmed every item before it."""
        return not any(pending.unconfirmed for pending in self.responses)


def item_key(item: Mapping[str, Any]) -> str:
    """Return the key of an item: its id, or for a function call and its output the call: servers rename such items."""
    kind = item.get("type")
    is_function = kind in ("function_call", "function_call_output")
    return f"{kind} {item.get('call_id')}" if is_function else str(item.get("id"))
