"""Asking for responses: one at a time, after what they are to answer, and only as many as are needed."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from rtc_widget.conversation.events import Event, fields_of
from rtc_widget.errors import EventRefused, NotConnected, RtcWidgetError
from rtc_widget.protocols.realtime.pending_responses import PendingResponse, Request, item_key, new_id
from rtc_widget.protocols.realtime.responses import Responses, says_beside

Send = Callable[[Sequence[Mapping[str, Any]], Callable[[RtcWidgetError], None]], object]
"""Sends client events, all or none; the callback is told when they could not be sent after all."""
Later = Callable[[float, Callable[[], None]], None]
"""Calls a function on the loop after so many seconds."""

_ALREADY_ACTIVE = "conversation_already_has_active_response"
_LOST_SECONDS = 10.0
"""After so long without a word a `response.create` counts as lost: not every refusal says what it refuses."""
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Before `response.create` is sent again that was refused for a response of which the server has not told."""
_ITEM_EVENTS = ("conversation.item.added", "conversation.item.created", "conversation.item.done")


class ResponseQueue:
    """Knows which responses are under way and asks for the next when its turn has come.

    A server makes one response of a conversation at a time and refuses to begin a second. What is to be answered is
    therefore sent at once, and ``response.create`` when the response that runs is done. A response that the server
    begins of its own accord meanwhile (because a person has spoken) and that knows the items grants the wish as well:
    nothing is answered twice. It all happens on one loop.

    Parameters
    ----------
    send : callable
        Sends events over the data channel.
    later : callable
        Calls a function on the loop after a while.

    Attributes
    ----------
    responses : Responses
        What the server has begun in this call.
    """

    def __init__(self, send: Send, later: Later) -> None:
        self._send = send
        self._later = later
        self._news: list[asyncio.Future[None]] = []
        self._number = 0
        self._forget()

    def _forget(self) -> None:
        self._number += 1
        self.responses = Responses()
        self._pending: list[PendingResponse] = []
        self._requests: deque[Request] = deque()
        self._unexplained = 0
        self._not_before = 0.0

    def request_response(self, items: Sequence[Mapping[str, Any]]) -> PendingResponse:
        """Add items to the conversation now, and see to it that a response follows that knows them.

        Raises
        ------
        NotConnected
            If there is no open data channel.
        """
        named = [{"id": new_id("item"), **item} if item.get("type") == "message" else dict(item) for item in items]
        ids = [new_id("event") for _ in named]
        events = [
            {"type": "conversation.item.create", "event_id": event_id, "item": item}
            for event_id, item in zip(ids, named, strict=True)
        ]
        pending = PendingResponse((item_key(item) for item in named), ids)
        self._pending.append(pending)
        request = self._request_if_free()
        try:
            self._post([*events, *request])
        except Exception:
            if request:
                self._pending = self._requests.pop().responses
            self._pending.remove(pending)
            raise
        return pending

    async def response(self, pending: PendingResponse) -> str:
        """Wait for the response that grants a wish and return its id.

        Raises
        ------
        EventRefused
            If the server refuses an item, or to answer.
        NotConnected
            If the call ends before.
        """
        await self._until(lambda: pending.is_settled)
        if pending.failure is not None:
            raise pending.failure
        return str(pending.response_id)

    async def finished(self, response_id: str) -> Event:
        """Wait for a response's ``response.done`` and return it.

        Raises
        ------
        NotConnected
            If the call ends before.
        """
        responses = self.responses  # those of this call: it may end before whoever waits has its turn
        if not responses.has_begun(response_id):
            # The call ended in the same turn of the loop in which the response began.
            raise NotConnected("The call ended before the answer was there.")
        await self._until(lambda: response_id in responses.done)
        return responses.done[response_id]

    async def spoken(self, response_id: str, *, begins_within: float) -> None:
        """Wait until a response has been spoken to its end; servers that do not tell are not waited for.

        One that waits until another has been spoken has `begins_within` seconds from then on.

        Raises
        ------
        NotConnected
            If the call ends before.
        """
        while not self.responses.has_voice(response_id):
            # While another is still heard, this one waits for its turn.
            await self._until(lambda: self.responses.has_voice(response_id) or not self.responses.is_speaking)
            try:
                async with asyncio.timeout(begins_within):
                    await self._until(lambda: self.responses.has_voice(response_id) or self.responses.is_speaking)
            except TimeoutError:
                return
        await self._until(lambda: self.responses.has_been_spoken(response_id))

    def begin_call(self, *, resumes: bool) -> None:
        """The events that follow are another call's."""
        self.end_call()

    def end_call(self) -> None:
        """Nothing that was wished for will come."""
        gone = NotConnected("The call ended before the answer was there.")
        for pending in [
            *self._pending,
            *(pending for request in self._requests for pending in request.responses),
        ]:
            pending.failure = gone
        self._forget()
        self._tell()

    def follow(self, event: Event) -> None:
        """Take in the next event, sent or received."""
        raw = fields_of(event)
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
        elif event.type == "error":
            self._note_error(event)
        else:
            self.responses.follow_voice(event)
        self._tell()

    def _note_request(self, raw: Mapping[str, Any]) -> None:
        event_id = raw.get("event_id")
        if event_id is not None and any(request.event_id == event_id for request in self._requests):
            return
        response = raw.get("response")
        is_beside = isinstance(response, Mapping) and response.get("conversation") == "none"
        self._requests.append(Request(event_id, is_beside=is_beside))

    def _confirm(self, item: object) -> None:
        if not isinstance(item, Mapping):
            return
        for pending in self._all_wishes():
            if item_key(item) in pending.unconfirmed:
                pending.unconfirmed.discard(item_key(item))

    def _begin(self, response: Mapping[str, Any]) -> None:
        response_id = str(response["id"])
        beside = next((one for one in self._requests if one.is_beside), None) if says_beside(response) else None
        self.responses.begin(response_id, is_beside=beside is not None)
        if beside is not None:
            self._requests.remove(beside)
            return
        self._unexplained = 0
        request = next((one for one in self._requests if not one.is_beside), None)
        if request is not None and not request.is_confirmed:
            # A server takes events in order: before it answers our request it confirms the items that stand before it.
            # So it has begun this response of its own accord; or it confirms nothing, which shows at the end.
            request.suspect = response_id
        elif request is not None:
            self._requests.remove(request)
            self._resolve(request.responses, response_id)
        self._resolve(
            [pending for pending in self._all_wishes() if not pending.unconfirmed],
            response_id,
        )

    def _resolve(self, responses: Sequence[PendingResponse], response_id: str) -> None:
        for pending in responses:
            pending.response_id = response_id
            if pending in self._pending:
                self._pending.remove(pending)
        for request in self._requests:
            request.responses = [pending for pending in request.responses if pending not in responses]

    def _finish(self, event: Event) -> None:
        response_id = str(fields_of(event)["response"]["id"])
        self.responses.finish(response_id, event)
        for request in [one for one in self._requests if one.suspect == response_id]:
            if not request.is_confirmed:
                self._requests.remove(request)
                self._resolve(request.responses, response_id)
        self._not_before = 0.0  # whatever was in the way, it may have been this one
        self._ask_if_free()

    def _note_error(self, event: Event) -> None:
        error = fields_of(event).get("error")
        if not isinstance(error, Mapping):
            return
        event_id, is_busy = error.get("event_id"), error.get("code") == _ALREADY_ACTIVE
        # Not every refusal names its event; this one then means the oldest request, for a server takes them in order.
        meant = [one for one in self._requests if not one.is_beside and event_id in (None, one.event_id)]
        if meant and (event_id is not None or is_busy):
            self._requests.remove(meant[0])
            if is_busy:
                self._ask_again(meant[0], event)
                return
            self._fail(meant[0].responses, EventRefused.by(event))
        if event_id is not None:
            self._fail(
                [pending for pending in self._all_wishes() if event_id in pending.events],
                EventRefused.by(event),
            )

    def _ask_again(self, request: Request, refusal: Event) -> None:
        """Another response came first: ask again after it, unless that one knows the items already."""
        self._pending += [pending for pending in request.responses if not pending.is_settled]
        if request.event_id is None:
            # The page's own text box sends without an id; it wants its answer as well.
            self._pending.append(PendingResponse((), ()))
        if self.responses.active is not None or not self._pending:
            return
        if self._unexplained == len(_PAUSES):
            self._unexplained = 0
            self._fail(list(self._pending), _never_free(refusal))
            return
        pause = _PAUSES[self._unexplained]
        self._unexplained += 1
        self._not_before = time.monotonic() + pause
        self._later(pause, partial(self._pause_is_over, self._number))

    def _pause_is_over(self, number: int) -> None:
        if number == self._number:
            self._not_before = 0.0
            self._ask_if_free()

    def _fail(self, responses: Sequence[PendingResponse], error: RtcWidgetError) -> None:
        for pending in responses:
            pending.failure = error
            if pending in self._pending:
                self._pending.remove(pending)

    def _all_wishes(self) -> list[PendingResponse]:
        return [
            *self._pending,
            *(pending for request in self._requests for pending in request.responses),
        ]

    def _request_if_free(self) -> list[Mapping[str, Any]]:
        oldest = time.monotonic() - _LOST_SECONDS
        is_asked = any(not request.is_beside and request.at > oldest for request in self._requests)
        if self.responses.active is not None or is_asked or not self._pending or time.monotonic() < self._not_before:
            return []
        event_id = new_id("event")
        self._requests.append(Request(event_id, self._pending))
        self._pending = []
        return [{"type": "response.create", "event_id": event_id}]

    def _ask_if_free(self) -> None:
        request = self._request_if_free()
        if not request:
            return
        try:
            self._post(request)
        except NotConnected as error:
            self._fail(self._requests.pop().responses, error)

    def _post(self, events: Sequence[Mapping[str, Any]]) -> None:
        ids = {event["event_id"] for event in events}
        number = self._number

        def failed(error: RtcWidgetError) -> None:
            # The page could not send it: nothing will come of it.
            if number != self._number:
                return
            self._fail([pending for pending in self._all_wishes() if pending.events & ids], error)
            for request in [one for one in self._requests if one.event_id in ids]:
                self._requests.remove(request)
                self._fail(request.responses, error)
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


def _never_free(refusal: Event) -> EventRefused:
    words = EventRefused.by(refusal)
    error = EventRefused(
        f"The server begins no response, for another is under way that it has not told of: {words.message}",
        hint="Disconnect and connect again for a new conversation.",
    )
    error.server_code = words.server_code
    return error
