"""Requests responses: one at a time, after their items, and only as many as needed."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import ResponseEnded
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.errors import EventRefused, NotConnected, ResponseFailed, RtcWidgetError
from rtc_widget.protocols.base import Later, Send
from rtc_widget.protocols.realtime.client_events import (
    cancel_response,
    clear_output_audio,
    create_item,
    create_response,
    new_id,
)
from rtc_widget.protocols.realtime.facts import ALREADY_ACTIVE, is_out_of_band, response_ended
from rtc_widget.protocols.realtime.pending_responses import PendingResponse, ResponseCreate, item_key
from rtc_widget.protocols.realtime.responses import AUDIO_EVENTS, Responses

_CHECK_SECONDS = 10.0
"""How often a waiting coroutine checks that the next request is not blocked."""
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before `response.create` is sent again after the server refused it because of an unreported response."""


class ResponseQueue:
    """Tracks the responses of a call and requests the next one when the server is free.

    A server generates one response of a conversation at a time and refuses a second one. Items are therefore sent at
    once, and ``response.create`` is sent when the active response has ended. Meanwhile the server may begin a response
    on its own, because the user has spoken. If that response follows the items, it settles them, and no other response
    is requested. A response whose end is never reported blocks the next request for some seconds only.

    Used on one loop.

    Parameters
    ----------
    send : callable
        Sends events over the data channel.
    later : callable
        Calls a function on the loop after a time.

    Attributes
    ----------
    responses : Responses
        The responses of this call.
    """

    def __init__(self, send: Send, later: Later) -> None:
        self._send = send
        self._later = later
        self._waiters: list[asyncio.Future[None]] = []
        self._number = 0
        self._reset()

    def _reset(self) -> None:
        self._number += 1
        self.responses = Responses()
        self._pending: list[PendingResponse] = []
        # By the id of the event that adds an item: thousands may be on their way to the page.
        self._unsent: dict[str, PendingResponse] = {}
        self._requests: deque[ResponseCreate] = deque()
        self._unexplained = 0
        self._not_before = 0.0
        self._watched_until = math.inf

    def request_response(self, items: Sequence[Mapping[str, Any]]) -> PendingResponse:
        """Add items to the conversation now, and request a response that follows them.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        named = [{"id": new_id("item"), **item} if item.get("type") == "message" else dict(item) for item in items]
        ids = [new_id("event") for _ in named]
        events = [create_item(item, event_id) for event_id, item in zip(ids, named, strict=True)]
        pending = PendingResponse((item_key(item) for item in named), ids)
        self._pending.append(pending)
        self._unsent |= dict.fromkeys(ids, pending)
        request = self._request_if_free()
        try:
            self._post([*events, *request])
        except Exception:
            if request:
                self._pending = self._requests.pop().responses
            self._pending.remove(pending)
            self._forget_unsent(ids)
            raise
        self._watch()
        return pending

    def interrupt(self) -> bool:
        """Stop the response that is generated, spoken or requested; return whether there was one.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        requested = [one for one in self._requests if not one.is_out_of_band and not one.is_lost]
        is_generated = self.responses.active is not None or bool(requested)
        if is_generated or self.responses.is_speaking:
            # A response is generated faster than it is spoken; often only its audio must be stopped.
            self._send([*([cancel_response()] if is_generated else []), clear_output_audio()], None)
        elif not self._pending:
            return False
        for request in requested:
            # The server may receive the cancellation before it has begun the response: repeated in `_begin`.
            request.is_interrupted = True
        self._fail(list(self._pending), ResponseFailed("The response was interrupted before it began."))
        self._notify()
        return True

    async def response(self, pending: PendingResponse) -> str:
        """Wait for the response to begin and return its id.

        Raises
        ------
        EventRefused
            If the server refuses an item or the response.
        NotConnected
            If the call ends first.
        """
        await self._until(lambda: pending.is_settled)
        if pending.failure is not None:
            raise pending.failure
        return str(pending.response_id)

    def progress_of(self, pending: PendingResponse) -> str:
        """Return a clause on what a requested response waits for and since when."""
        if pending.response_id is not None:
            return self.responses.progress_of(pending.response_id)
        active = self.responses.active
        if pending in self._pending and active is not None:
            return f"it waits for another response, and {self.responses.progress_of(active)}"
        return f"the server has not begun it since it was requested {time.monotonic() - pending.at:.1f} s ago"

    async def finished(self, response_id: str) -> ResponseEnded:
        """Wait for a response to end.

        Raises
        ------
        NotConnected
            If the call ends first.
        """
        responses = self.responses  # of this call: it may end before the waiting coroutine runs again
        if not responses.has_begun(response_id):
            # The call ended in the same iteration of the loop in which the response began.
            raise _ended()
        await self._until(lambda: response_id in responses.done)
        return responses.done[response_id]

    async def spoken(self, response_id: str, *, begins_within: float) -> None:
        """Wait until the audio of a response has ended; see `rtc_widget.protocols.base.VoiceSession.spoken`.

        If another response is being spoken, `begins_within` counts from the end of its audio.

        Raises
        ------
        NotConnected
            If the call ends first.
        """
        while not self.responses.has_audio(response_id):
            await self._until(lambda: self.responses.has_audio(response_id) or not self.responses.is_speaking)
            try:
                async with asyncio.timeout(begins_within):
                    await self._until(lambda: self.responses.has_audio(response_id) or self.responses.is_speaking)
            except TimeoutError:
                return
        await self._until(lambda: self.responses.has_been_spoken(response_id))

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call."""
        self.end_call()

    def end_call(self) -> None:
        """Fail everything that is pending."""
        gone = _ended()
        for pending in [
            *self._pending,
            *(pending for request in self._requests for pending in request.responses),
        ]:
            pending.failure = gone
        self._reset()
        self._notify()

    def consume(self, event: Event) -> None:
        """Process the next event, sent or received."""
        raw = fields_of(event)
        if event.direction == "sent":
            event_id = raw.get("event_id")
            if isinstance(event_id, str) and (pending := self._unsent.pop(event_id, None)) is not None:
                pending.record_sent(event_id)
            if event.type == "response.create":
                self._record_request(raw)
            return
        follow = _FOLLOWED.get(event.type)
        if follow is None:
            # The most frequent events, of which nobody waits for one; that they come makes the wait longer.
            self.responses.record_news(event)
            return
        follow(self, event)
        self.responses.record_news(event)
        self._watch()
        self._notify()

    def _record_request(self, raw: Mapping[str, Any]) -> None:
        event_id = raw.get("event_id")
        if event_id is not None and any(request.event_id == event_id for request in self._requests):
            return
        response = raw.get("response")
        is_outside = isinstance(response, Mapping) and response.get("conversation") == "none"
        self._requests.append(ResponseCreate(event_id, is_out_of_band=is_outside))

    def _confirm(self, event: Event) -> None:
        item = fields_of(event).get("item")
        if not isinstance(item, Mapping):
            return
        for pending in self._all_pending():
            if item_key(item) in pending.unconfirmed:
                pending.unconfirmed.discard(item_key(item))

    def _begin(self, event: Event) -> None:
        response: Mapping[str, Any] = fields_of(event)["response"]
        response_id = str(response["id"])
        separate = (
            next((one for one in self._requests if one.is_out_of_band), None) if is_out_of_band(response) else None
        )
        self.responses.begin(response_id, is_out_of_band=separate is not None)
        if separate is not None:
            self._requests.remove(separate)
            return
        self._unexplained = 0
        request = next((one for one in self._requests if not one.is_out_of_band), None)
        if request is not None and not request.is_confirmed:
            # A server processes events in order, so it confirms the items before it begins the response to them. It has
            # begun this response on its own; or it confirms no items at all, which the end of the response shows.
            request.suspect = response_id
        elif request is not None:
            self._requests.remove(request)
            self._resolve(request.responses, response_id)
        if request is not None and request.is_interrupted and not request.is_lost:
            with suppress(NotConnected):
                # By its id: a cancellation that comes late must not stop the next response.
                self._send([cancel_response(response_id), clear_output_audio()], None)
        self._resolve(
            [pending for pending in self._all_pending() if not pending.unconfirmed],
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
        ended = response_ended(event)
        response_id = ended.response_id
        self.responses.finish(ended)
        for request in [one for one in self._requests if one.suspect == response_id]:
            if not request.is_confirmed:
                self._requests.remove(request)
                self._resolve(request.responses, response_id)
        self._not_before = 0.0  # this may have been the unreported response
        self._request_and_send()

    def _record_error(self, event: Event) -> None:
        error = fields_of(event).get("error")
        if not isinstance(error, Mapping):
            return
        event_id, is_busy = error.get("event_id"), error.get("code") == ALREADY_ACTIVE
        # An error without an event id concerns the oldest request, because a server processes them in order.
        refused = [one for one in self._requests if not one.is_out_of_band and event_id in (None, one.event_id)]
        if refused and (event_id is not None or is_busy):
            self._requests.remove(refused[0])
            if is_busy:
                self._request_again(refused[0], event)
                return
            self._fail(refused[0].responses, EventRefused.by(event))
        if event_id is not None:
            self._fail(
                [pending for pending in self._all_pending() if event_id in pending.events],
                EventRefused.by(event),
            )

    def _request_again(self, request: ResponseCreate, error: Event) -> None:
        """Request again after the active response, unless that response follows the items already."""
        self._pending += [pending for pending in request.responses if not pending.is_settled]
        if request.event_id is None:
            # The text box of the page requests without an event id; it needs a response as well.
            self._pending.append(PendingResponse((), ()))
        if self.responses.active is not None:
            self.responses.confirm_active()
            return
        if not self._pending:
            return
        if self._unexplained == len(_PAUSES):
            self._unexplained = 0
            self._fail(list(self._pending), _never_free_error(error))
            return
        pause = _PAUSES[self._unexplained]
        self._unexplained += 1
        self._not_before = time.monotonic() + pause
        self._later(pause, partial(self._pause_is_over, self._number))

    def _pause_is_over(self, number: int) -> None:
        if number == self._number:
            self._not_before = 0.0
            self._request_and_send()

    def _fail(self, responses: Sequence[PendingResponse], error: RtcWidgetError) -> None:
        for pending in responses:
            pending.failure = error
            if pending in self._pending:
                self._pending.remove(pending)

    def _all_pending(self) -> list[PendingResponse]:
        return [
            *self._pending,
            *(pending for request in self._requests for pending in request.responses),
        ]

    def _request_if_free(self) -> list[Mapping[str, Any]]:
        if not self._pending or time.monotonic() < max(self._not_before, self._blocked_until()):
            return []
        event_id = new_id("event")
        self._requests.append(ResponseCreate(event_id, self._pending))
        self._pending = []
        return [create_response(event_id)]

    def _blocked_until(self) -> float:
        """Return until when another response, or the request for one, blocks the next request."""
        requested = [request.lost_at for request in self._requests if not request.is_out_of_band]
        return max([self.responses.blocked_until, *requested])

    def _watch(self) -> None:
        """Request what is pending as soon as nothing blocks it any more, even if the server reports no end."""
        until = self._blocked_until()
        seconds = until - time.monotonic()
        # An earlier look is of use only if the time has become earlier, as when audio stops.
        if self._pending and seconds > 0 and until < self._watched_until:
            self._watched_until = until
            self._later(seconds, partial(self._look, self._number))

    def _look(self, number: int) -> None:
        if number == self._number:
            self._watched_until = math.inf
            self._request_and_send()
            self._watch()

    def _request_and_send(self) -> None:
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
            # The page could not send the events.
            if number != self._number:
                return
            self._forget_unsent(ids)
            self._fail([pending for pending in self._all_pending() if pending.events & ids], error)
            for request in [one for one in self._requests if one.event_id in ids]:
                self._requests.remove(request)
                self._fail(request.responses, error)
            self._notify()

        self._send(events, failed)

    def _forget_unsent(self, ids: Iterable[str]) -> None:
        for event_id in ids:
            self._unsent.pop(event_id, None)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        number = self._number
        while not is_so():
            if number != self._number:
                raise _ended()
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(future)
            await asyncio.wait([future], timeout=_CHECK_SECONDS)
            self._request_and_send()

    def _notify(self) -> None:
        waiting, self._waiters = self._waiters, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


_FOLLOWED: Mapping[str, Callable[[ResponseQueue, Event], None]] = {
    **dict.fromkeys(
        ("conversation.item.added", "conversation.item.created", "conversation.item.done"), ResponseQueue._confirm
    ),
    "response.created": ResponseQueue._begin,
    "response.done": ResponseQueue._finish,
    "error": ResponseQueue._record_error,
    **dict.fromkeys(AUDIO_EVENTS, lambda queue, event: queue.responses.record_audio(event)),
}
"""What follows which received event; no other event settles a request."""


def _ended() -> NotConnected:
    return NotConnected("The call ended before the response.")


def _never_free_error(event: Event) -> EventRefused:
    refused = EventRefused.by(event)
    error = EventRefused(
        f"The server refuses to respond: another response is active that it has not reported. {refused.message}",
        hint="Disconnect and connect again for a new conversation.",
    )
    error.server_code = refused.server_code
    return error
