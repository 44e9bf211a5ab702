"""What is to be answered, and the requests that ask a server to."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from rtc_widget.errors import RtcWidgetError


class PendingResponse:
    """A response that some items are to bring about.

    Attributes
    ----------
    event_id : str
        The event that sent the first item.
    response_id : str or None
        The response, once the server has begun it.
    failure : RtcWidgetError or None
        Why there will be none.
    """

    def __init__(self, items: Iterable[str], events: Sequence[str]) -> None:
        self.event_id = events[0] if events else ""
        self.response_id: str | None = None
        self.failure: RtcWidgetError | None = None
        self.unconfirmed = set(items)
        self.events = frozenset(events)

    @property
    def is_settled(self) -> bool:
        """Whether there is anything left to wait for."""
        return self.response_id is not None or self.failure is not None


class Request:
    """A ``response.create`` that the server has neither begun nor refused.

    Attributes
    ----------
    wishes : list of Wish
        What it asks for.
    is_beside : bool
        Whether it asks for a response that is no part of the conversation.
    at : float
        When it was made, on the monotonic clock.
    suspect : str or None
        A response that may be the one, or one of the server's own.
    """

    def __init__(
        self, event_id: str | None, responses: Sequence[PendingResponse] = (), *, is_beside: bool = False
    ) -> None:
        self.event_id = event_id
        self.responses = list(responses)
        self.is_beside = is_beside
        self.at = time.monotonic()
        self.suspect: str | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether the server has confirmed every item that is to be answered."""
        return not any(pending.unconfirmed for pending in self.responses)


def item_key(item: Mapping[str, Any]) -> str:
    """What an item is recognised by: tool outputs by their call, for servers name such items themselves."""
    is_output = item.get("type") == "function_call_output"
    return f"output of {item.get('call_id')}" if is_output else str(item.get("id"))


def new_id(kind: str) -> str:
    """Return a name for an event or an item."""
    # The service takes ids of 32 characters.
    return f"{kind}_{uuid4().hex[:20]}"
