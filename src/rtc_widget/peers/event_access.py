"""Subscribes to the events of a peer connection and waits for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtc_widget.conversation.subscriptions import EventStream
from rtc_widget.errors import PeerClosed
from rtc_widget.kernel.await_guard import AwaitGuard
from rtc_widget.kernel.operation import Operation
from rtc_widget.peers.events import PeerEvent
from rtc_widget.peers.record import ConnectionRecord

PeerCallback = Callable[[PeerEvent], Any]
PeerCondition = Callable[[PeerEvent], object]


class PeerEventAccess:
    """The events of one peer connection, for callbacks and coroutines.

    Parameters
    ----------
    record : ConnectionRecord
        Publishes the events.
    guard : AwaitGuard
        Knows whether waiting is possible.
    """

    def __init__(self, record: ConnectionRecord, guard: AwaitGuard) -> None:
        self._record = record
        self._guard = guard

    def on(self, type: str, callback: PeerCallback | None, source: str | None = None) -> Any:
        """Subscribe a callback, or return a decorator that does."""
        pattern = _pattern(type, source)
        if callback is None:
            return lambda function: self._subscribe(pattern, function)
        return self._subscribe(pattern, callback)

    def off(self, type: str, callback: PeerCallback, source: str | None = None) -> None:
        """Remove a subscription."""
        self._record.subscriptions.remove(_pattern(type, source), callback)

    def wait_for(
        self, type: str, timeout: float | None, where: PeerCondition | None, source: str | None = None
    ) -> Operation[PeerEvent]:
        """Return the next event of a type; those that come between the call and its await count."""
        pattern = _pattern(type, source)
        owner = "pc" if source is None else source.partition(":")[0]
        since = self._record.subscriptions.stream(pattern)
        return Operation(f"{owner}.wait_for({type!r})", lambda: self._next(since, pattern, timeout, where))

    def stream(self, type: str, source: str | None = None) -> EventStream[PeerEvent]:
        """Return the events of a type from now on."""
        pattern = _pattern(type, source)
        self._require_open()
        self._guard.require_events()
        return self._record.subscriptions.stream(pattern)

    async def _next(
        self, since: EventStream[PeerEvent], pattern: str, timeout: float | None, where: PeerCondition | None
    ) -> PeerEvent:
        for event in since.taken():
            if where is None or where(event):
                return event
        since.end()
        self._require_open()
        self._guard.require_events()
        return await self._record.subscriptions.next(pattern, timeout, where, in_call=True)

    def _require_open(self) -> None:
        if self._record.is_closed:
            raise PeerClosed.explained(self._record.end, "", "closed")

    def _subscribe(self, pattern: str, callback: PeerCallback) -> PeerCallback:
        if not callable(callback):
            raise TypeError(f"callback must be callable, got {callback!r}.")
        self._record.subscriptions.add(pattern, callback)
        return callback


def _pattern(type: object, source: str | None) -> str:
    if not isinstance(type, str):
        raise TypeError(f'type must be a string, got {type!r}; for example pc.on("icecandidate", …).')
    return type if source is None else f"{source} {type}"
