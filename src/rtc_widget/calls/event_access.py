"""Subscribes to the events of a call and waits for them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from rtc_widget.calls.record import CallRecord
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.misspelt_events import require_likely
from rtc_widget.conversation.subscriptions import Callback, Condition, EventStream
from rtc_widget.errors import NotConnected
from rtc_widget.kernel.await_guard import AwaitGuard


class EventAccess:
    """The events of a widget's calls, for callbacks and coroutines.

    Parameters
    ----------
    record : CallRecord
        Publishes the events.
    guard : AwaitGuard
        Knows whether waiting is possible.
    names : collection of str
        The names of the protocol's events, as far as they are known.
    """

    def __init__(self, record: CallRecord, guard: AwaitGuard, names: Collection[str] = ()) -> None:
        self._names = names
        self._record = record
        self._guard = guard

    def on(self, type: str, callback: Callback | None) -> Callback | Callable[[Callback], Callback]:
        """Subscribe a callback, or return a decorator that does; see `VoiceChat.on`."""
        self._require_type(type, 'chat.on("response.done", …), or @chat.on("response.done")')
        if callback is None:
            return lambda function: self._subscribe(type, function)
        return self._subscribe(type, callback)

    def off(self, type: str, callback: Callback) -> None:
        """Remove a subscription."""
        self._record.subscriptions.remove(type, callback)

    async def wait_for(self, type: str, timeout: float | None, where: Condition | None) -> Event:
        """Return the next event of a type; see `VoiceChat.wait_for`."""
        self._require_type(type, 'chat.wait_for("response.done")')
        self._guard.require_events()
        return await self._record.subscriptions.next(type, timeout, where, in_call=self._record.has_call)

    def stream(self, type: str) -> EventStream[Event]:
        """Return the events of a type from now on; see `VoiceChat.stream`."""
        self._require_type(type, 'chat.stream("response.*")')
        if not self._record.has_call:
            raise NotConnected("There is no call whose events could be read.")
        self._guard.require_events()
        return self._record.subscriptions.stream(type)

    def _subscribe(self, type: str, callback: Callback) -> Callback:
        if not callable(callback):
            raise TypeError(f"callback must be callable, got {callback!r}.")
        self._record.subscriptions.add(type, callback)
        return callback

    def _require_type(self, type: object, example: str) -> None:
        if not isinstance(type, str):
            raise TypeError(f"type must be a string, got {type!r}; for example {example}.")
        require_likely(type, self._names, (event.type for event in self._record.events))
