"""The backend that the service runs: its responses, the functions that it waits for, and what waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.errors import EventRefused, NotConnected, ResponseFailed, RtcWidgetError
from rtc_widget.protocols.base import ClientEvent
from rtc_widget.protocols.live import client_events
from rtc_widget.protocols.live.facts import ENDS, delegation_key, end_reason
from rtc_widget.protocols.live.input_queue import fitted
from rtc_widget.protocols.live.pending import is_unnamed_error, refused_id

Post = Callable[[Sequence[ClientEvent], Callable[[RtcWidgetError], None]], None]


@dataclass(slots=True, eq=False)
class BackendRequest:
    """A response of the backend that was requested, with the items before it.

    Attributes
    ----------
    events : sequence of mapping
        The events.
    is_sent, is_begun, is_over : bool
        Whether the page has sent them, the response has begun, and nothing of it is to come.
    failure : RtcWidgetError or None
        Why the request got no response.
    others : frozenset of str
        The delegations that had no response yet when the page sent them: the next response may be one of theirs.
    """

    events: Sequence[ClientEvent]
    is_sent: bool = False
    is_begun: bool = False
    is_over: bool = False
    failure: RtcWidgetError | None = None
    others: frozenset[str] = frozenset()

    @property
    def event_id(self) -> str:
        """The event that sends the first item."""
        return str(self.events[0]["event_id"])

    @property
    def event_ids(self) -> frozenset[str]:
        """The ids of all events."""
        return frozenset(str(event["event_id"]) for event in self.events)

    @property
    def is_settled(self) -> bool:
        """Whether the response has begun or failed."""
        return self.is_begun or self.failure is not None

    @property
    def is_lost(self) -> bool:
        """Whether the call ended before the response began, or the page could not send the items."""
        return isinstance(self.failure, NotConnected)


@dataclass(slots=True)
class ServiceBackend:
    """The backend of one call.

    A response must not be requested while one runs or waits for the output of a function; such requests are sent later.

    Parameters
    ----------
    post : callable
        Sends events; its callback is called if the page cannot send them.
    """

    post: Post
    _running: dict[str, str] = field(default_factory=dict)
    # The functions whose outputs are awaited, and the delegations of their responses.
    _owed: dict[str, str] = field(default_factory=dict)
    # The delegations whose first response has not begun.
    _new: set[str] = field(default_factory=set)
    _requests: list[BackendRequest] = field(default_factory=list)
    _waiting: deque[BackendRequest] = field(default_factory=deque)

    @property
    def is_busy(self) -> bool:
        """Whether a response runs, waits for functions, or was requested."""
        return bool(self._running or self._owed) or any(not request.is_begun for request in self._requests)

    @property
    def progress(self) -> str:
        """A clause on what the backend does; empty if it does nothing."""
        if self._owed:
            return f"the backend waits for the output of {len(self._owed)} function call(s)"
        if self._running:
            return "the backend's response has not ended"
        return "the backend has not begun to respond" if self._requests else ""

    def request(self, events: Sequence[ClientEvent]) -> BackendRequest:
        """Send items and request a response that follows them, as soon as the backend is free.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        request = BackendRequest(events)
        if self.is_busy or self._waiting:
            self._waiting.append(request)
        else:
            self._send(request)
        return request

    def send_outputs(self, outputs: Mapping[str, str], *, respond: bool, room: int) -> BackendRequest | None:
        """Send the outputs of functions; with `respond`, request the continuation when no other output is owed.

        Outputs are cut if their items have more than `room` bytes.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        items = [client_events.create_item(item) for item in client_events.function_outputs(fitted(outputs, room))]
        others = self._owed.keys() - outputs.keys()
        create = [client_events.create_response()] if respond and not others else []
        request = BackendRequest([*items, *create])
        for call_id in outputs:
            self._owed.pop(call_id, None)
        if create:
            self._send(request)
            return request
        if items:
            self.post(items, lambda error: None)
        return None

    def consume(self, event: Event) -> None:
        """Process the next event, sent or received."""
        raw = fields_of(event)
        if event.direction == "sent":
            self._sent(raw)
        elif event.type == "response.event" and isinstance(nested := raw.get("event"), Mapping):
            self._nested(raw, nested)
        elif event.type == "session.delegation.created" and isinstance(given := raw.get("delegation"), Mapping):
            if given.get("target") == "responses":
                self._new.add(str(given.get("id")))
        elif (refused := refused_id(raw)) is not None:
            self._fail(lambda request: refused in request.event_ids, EventRefused.by(event))
        elif is_unnamed_error(raw):
            self._fail_unnamed(EventRefused.by(event))
        self._send_waiting()

    def give_up(self, request: BackendRequest) -> None:
        """Let others be sent instead of a request that has not begun, because nobody waits for it any more."""
        if not request.is_begun:
            self._fail(lambda one: one is request, NotConnected("Nothing waits any more."))
            self._send_waiting()

    def end_call(self) -> None:
        """Fail everything that is pending."""
        for request in [*self._requests, *self._waiting]:
            if not request.is_over:
                request.failure = NotConnected("The call ended before the response.")
        self._running.clear()
        self._owed.clear()
        self._new.clear()
        self._requests.clear()
        self._waiting.clear()

    def _send_waiting(self) -> None:
        while self._waiting and not self.is_busy:
            request = self._waiting.popleft()
            try:
                self._send(request)
            except RtcWidgetError as error:
                request.failure = error

    def _send(self, request: BackendRequest) -> None:
        self._requests.append(request)
        try:
            self.post(request.events, lambda error: self._fail(lambda one: one is request, error))
        except Exception:
            self._requests.remove(request)
            raise

    def _fail(self, concerns: Callable[[BackendRequest], bool], error: RtcWidgetError) -> None:
        for request in [one for one in [*self._requests, *self._waiting] if concerns(one)]:
            request.failure = error
            if request in self._requests:
                self._requests.remove(request)
            else:
                self._waiting.remove(request)

    def _fail_unnamed(self, error: RtcWidgetError) -> None:
        """Process an error that does not say what it ends: some backends fail with nothing but this."""
        oldest = next((request for request in self._requests if request.is_sent and not request.is_begun), None)
        if oldest is not None:
            self._fail(lambda request: request is oldest, error)
        else:
            # If the response does run, its end still comes; until then, a request is refused by its own id.
            self._running.clear()
            self._new.clear()

    def _sent(self, raw: Mapping[str, object]) -> None:
        item = raw.get("item")
        if isinstance(item, Mapping) and item.get("type") == "function_call_output":
            self._owed.pop(str(item.get("call_id")), None)
        for request in self._requests:
            if not request.is_sent and raw.get("event_id") in request.event_ids:
                request.is_sent, request.others = True, frozenset(self._new)

    def _begun_by(self, raw: Mapping[str, object]) -> BackendRequest | None:
        """Return the request that a response which begins belongs to; None if the voice has asked for it."""
        waiting = [request for request in self._requests if not request.is_begun]
        if isinstance(named := raw.get("client_event_id"), str):
            return next((request for request in waiting if named in request.event_ids), None)
        key = delegation_key(raw)
        return next((request for request in waiting if key not in request.others), None)

    def _nested(self, raw: Mapping[str, object], nested: Mapping[str, object]) -> None:
        key = delegation_key(raw)
        kind, response, item = nested.get("type"), nested.get("response"), nested.get("item")
        response_id = str(response.get("id")) if isinstance(response, Mapping) else ""
        if kind == "response.created":
            self._running[response_id] = key
            self._new.discard(key)
            if (request := self._begun_by(raw)) is not None:
                request.is_begun = True
        elif kind == "response.output_item.done" and isinstance(item, Mapping):
            if item.get("type") == "function_call":
                self._owed[str(item.get("call_id"))] = key
        elif kind in ENDS and isinstance(response, Mapping):
            self._running.pop(response_id, None)
            if kind != "response.completed":
                # The service discards the calls of such a response, and refuses their outputs.
                self._owed = {call: of for call, of in self._owed.items() if of != key}
                reason = end_reason(response) or "it gives no reason"
                failed = ResponseFailed(f"The backend could not respond: {reason}")
                self._fail(lambda request: request.is_begun, failed)
            elif not self._owed and not self._running:
                for request in [one for one in self._requests if one.is_begun]:
                    request.is_over = True
                    self._requests.remove(request)
