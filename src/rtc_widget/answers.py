"""Asking for responses: one at a time, after what they are to answer, and only as many as are needed."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from rtc_widget.errors import EventRefused, NotConnected, RtcWidgetError
from rtc_widget.events import Event

Send = Callable[[Sequence[Mapping[str, Any]], Callable[[RtcWidgetError], None]], object]
"""Sends client events, all or none; the callback is told when they could not be sent after all."""

_ALREADY_ACTIVE = "conversation_already_has_active_response"
_MOST_DONE = 200
_LOST_SECONDS = 10.0
"""After so long without a word a `response.create` counts as lost: not every refusal says what it refuses."""
_ITEM_EVENTS = ("conversation.item.added", "conversation.item.created", "conversation.item.done")
_VOICE = {
    "output_audio_buffer.started": "speaking",
    "output_audio_buffer.stopped": "over",
    "output_audio_buffer.cleared": "over",
}


class Wish:
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


class _Request:
    """A ``response.create`` that the server has neither begun nor refused."""

    def __init__(self, event_id: str | None, wishes: Sequence[Wish] = (), *, is_beside: bool = False) -> None:
        self.event_id = event_id
        self.wishes = list(wishes)
        self.is_beside = is_beside
        self.at = time.monotonic()
        self.suspect: str | None = None


class Answers:
    """Knows which responses are under way and asks for the next when its turn has come.

    A server makes one response of a conversation at a time and refuses to begin a second. What is to be answered is
    therefore sent at once, and ``response.create`` when the response that runs is done. A response that the server
    begins of its own accord meanwhile (because a person has spoken) and that knows the items grants the wish as well:
    nothing is answered twice. It all happens on one loop.

    Parameters
    ----------
    send : callable
        Sends events over the data channel.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._news: list[asyncio.Future[None]] = []
        self._number = 0
        self._forget()

    def _forget(self) -> None:
        self._number += 1
        self._wishes: list[Wish] = []
        self._requests: deque[_Request] = deque()
        self._active: str | None = None
        self._beside: set[str] = set()
        self._begun: set[str] = set()
        self._done: dict[str, Event] = {}
        self._voices: dict[str, str] = {}

    @property
    def active(self) -> str | None:
        """The id of the response of the conversation that is under way."""
        return self._active

    @property
    def is_speaking(self) -> bool:
        """Whether a response can be heard."""
        return "speaking" in self._voices.values()

    def has_voice(self, response_id: str) -> bool:
        """Whether the response has begun to be spoken."""
        return response_id in self._voices

    def is_beside(self, response_id: str) -> bool:
        """Whether the response is no part of the conversation."""
        return response_id in self._beside

    def wish(self, items: Sequence[Mapping[str, Any]]) -> Wish:
        """Add items to the conversation now, and see to it that a response follows that knows them.

        Raises
        ------
        NotConnected
            If there is no open data channel.
        """
        named = [{"id": _new_id("item"), **item} if item.get("type") == "message" else dict(item) for item in items]
        ids = [_new_id("event") for _ in named]
        events = [
            {"type": "conversation.item.create", "event_id": event_id, "item": item}
            for event_id, item in zip(ids, named, strict=True)
        ]
        wish = Wish((_key(item) for item in named), ids)
        self._wishes.append(wish)
        request = self._request_if_free()
        try:
            self._post([*events, *request])
        except Exception:
            if request:
                self._wishes = self._requests.pop().wishes
            self._wishes.remove(wish)
            raise
        return wish

    async def response(self, wish: Wish) -> str:
        """Wait for the response that grants a wish and return its id.

        Raises
        ------
        EventRefused
            If the server refuses an item, or to answer.
        NotConnected
            If the call ends before.
        """
        await self._until(lambda: wish.is_settled)
        if wish.failure is not None:
            raise wish.failure
        return str(wish.response_id)

    async def finished(self, response_id: str) -> Event:
        """Wait for a response's ``response.done`` and return it.

        Raises
        ------
        NotConnected
            If the call ends before.
        """
        if response_id not in self._begun:
            # The call ended in the same turn of the loop in which the response began.
            raise NotConnected("The call ended before the answer was there.")
        await self._until(lambda: response_id in self._done)
        return self._done[response_id]

    async def spoken(self, response_id: str, *, begins_within: float) -> None:
        """Wait until a response has been spoken to its end; servers that do not tell are not waited for.

        Raises
        ------
        NotConnected
            If the call ends before.
        """
        try:
            async with asyncio.timeout(begins_within):
                await self._until(lambda: response_id in self._voices)
        except TimeoutError:
            return
        await self._until(lambda: self._voices.get(response_id) == "over")

    def begin_call(self, *, resumes: bool) -> None:
        """The events that follow are another call's."""
        self.end_call()

    def end_call(self) -> None:
        """Nothing that was wished for will come."""
        gone = NotConnected("The call ended before the answer was there.")
        for wish in [*self._wishes, *(wish for request in self._requests for wish in request.wishes)]:
            wish.failure = gone
        self._forget()
        self._tell()

    def follow(self, event: Event) -> None:
        """Take in the next event, sent or received."""
        raw = event.raw
        if event.direction == "sent":
            if event.type == "response.create":
                self._note_request(raw)
            return
        if event.type in _ITEM_EVENTS:
            self._confirm(raw.get("item"))
        elif event.type == "response.created":
            self._begin(raw["response"])
        elif event.type == "response.done":
            self._finish(event)
        elif event.type in _VOICE and isinstance(raw.get("response_id"), str):
            self._voices[raw["response_id"]] = _VOICE[event.type]
        elif event.type == "error":
            self._note_error(event)
        self._tell()

    def _note_request(self, raw: Mapping[str, Any]) -> None:
        event_id = raw.get("event_id")
        if event_id is not None and any(request.event_id == event_id for request in self._requests):
            return
        response = raw.get("response")
        is_beside = isinstance(response, Mapping) and response.get("conversation") == "none"
        self._requests.append(_Request(event_id, is_beside=is_beside))

    def _confirm(self, item: object) -> None:
        if not isinstance(item, Mapping):
            return
        for wish in self._all_wishes():
            if _key(item) in wish.unconfirmed:
                wish.unconfirmed.discard(_key(item))

    def _begin(self, response: Mapping[str, Any]) -> None:
        response_id = str(response["id"])
        self._begun.add(response_id)
        is_beside = "conversation_id" in response and response["conversation_id"] is None
        if is_beside and (request := next((one for one in self._requests if one.is_beside), None)):
            self._requests.remove(request)
            self._beside.add(response_id)
            return
        self._active = response_id
        request = next((one for one in self._requests if not one.is_beside), None)
        if request is not None and any(wish.unconfirmed for wish in request.wishes):
            # A server takes events in order: before it answers our request it confirms the items that stand before it.
            # So it has begun this response of its own accord; or it confirms nothing, which shows at the end.
            request.suspect = response_id
        elif request is not None:
            self._requests.remove(request)
            self._grant(request.wishes, response_id)
        self._grant([wish for wish in self._all_wishes() if not wish.unconfirmed], response_id)

    def _grant(self, wishes: Sequence[Wish], response_id: str) -> None:
        for wish in wishes:
            wish.response_id = response_id
            if wish in self._wishes:
                self._wishes.remove(wish)
        for request in self._requests:
            request.wishes = [wish for wish in request.wishes if wish not in wishes]

    def _finish(self, event: Event) -> None:
        response_id = str(event.raw["response"]["id"])
        self._done[response_id] = event
        while len(self._done) > _MOST_DONE:
            del self._done[next(iter(self._done))]
        if response_id == self._active:
            self._active = None
        for request in [one for one in self._requests if one.suspect == response_id]:
            if any(wish.unconfirmed for wish in request.wishes):
                self._requests.remove(request)
                self._grant(request.wishes, response_id)
        self._ask_if_free()

    def _note_error(self, event: Event) -> None:
        error = event.raw.get("error")
        if not isinstance(error, Mapping):
            return
        event_id, code = error.get("event_id"), error.get("code")
        request = next((one for one in self._requests if one.event_id == event_id and not one.is_beside), None)
        if request is not None and (event_id is not None or code == _ALREADY_ACTIVE):
            self._requests.remove(request)
            if code == _ALREADY_ACTIVE:
                # Another one came first. It is asked again, unless that one knows the items already. The page's own
                # text box sends without an id; it wants its answer as well.
                self._wishes += [wish for wish in request.wishes if not wish.is_settled]
                if event_id is None:
                    self._wishes.append(Wish((), ()))
                self._ask_if_free()
                return
            self._fail(request.wishes, EventRefused.by(event))
        if event_id is not None:
            self._fail([wish for wish in self._all_wishes() if event_id in wish.events], EventRefused.by(event))

    def _fail(self, wishes: Sequence[Wish], error: RtcWidgetError) -> None:
        for wish in wishes:
            wish.failure = error
            if wish in self._wishes:
                self._wishes.remove(wish)

    def _all_wishes(self) -> list[Wish]:
        return [*self._wishes, *(wish for request in self._requests for wish in request.wishes)]

    def _request_if_free(self) -> list[Mapping[str, Any]]:
        oldest = time.monotonic() - _LOST_SECONDS
        is_asked = any(not request.is_beside and request.at > oldest for request in self._requests)
        if self._active is not None or is_asked or not self._wishes:
            return []
        event_id = _new_id("event")
        self._requests.append(_Request(event_id, self._wishes))
        self._wishes = []
        return [{"type": "response.create", "event_id": event_id}]

    def _ask_if_free(self) -> None:
        request = self._request_if_free()
        if not request:
            return
        try:
            self._post(request)
        except NotConnected as error:
            self._fail(self._requests.pop().wishes, error)

    def _post(self, events: Sequence[Mapping[str, Any]]) -> None:
        ids = {event["event_id"] for event in events}
        number = self._number

        def failed(error: RtcWidgetError) -> None:
            # The page could not send it: nothing will come of it.
            if number != self._number:
                return
            self._fail([wish for wish in self._all_wishes() if wish.events & ids], error)
            for request in [one for one in self._requests if one.event_id in ids]:
                self._requests.remove(request)
                self._fail(request.wishes, error)
            self._tell()

        self._send(events, failed)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        number = self._number
        while not is_so():
            if number != self._number:
                raise NotConnected("The call ended before the answer was there.")
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._news.append(future)
            await asyncio.wait([future], timeout=_LOST_SECONDS)
            self._ask_if_free()

    def _tell(self) -> None:
        waiting, self._news = self._news, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


def _key(item: Mapping[str, Any]) -> str:
    """What an item is recognised by: tool outputs by their call, for servers name such items themselves."""
    is_output = item.get("type") == "function_call_output"
    return f"output of {item.get('call_id')}" if is_output else str(item.get("id"))


def _new_id(kind: str) -> str:
    # The service takes ids of 32 characters.
    return f"{kind}_{uuid4().hex[:20]}"
