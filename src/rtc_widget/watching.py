"""Reading and awaiting the events of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from rtc_widget.call_widget import CallWidget
from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.subscriptions import Callback, EventStream, Failure
from rtc_widget.errors import NotConnected


class Watching(CallWidget):
    """The part of `VoiceChat` that shows events and waits for them."""

    @overload
    def on(self, type: str, callback: Callback) -> Callback: ...

    @overload
    def on(self, type: str, callback: None = None) -> Callable[[Callback], Callback]: ...

    def on(self, type: str, callback: Callback | None = None) -> Callback | Callable[[Callback], Callback]:
        """Call a function with each event of a type from now on, on the kernel's main loop.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern such as ``"response.*"``.
        callback : callable, optional
            A function or coroutine function of one `Event`. Left out: use ``@chat.on("response.done")``.

        Raises
        ------
        TypeError
            If the type is no text, or the callback cannot be called.
        """
        _require_text(type, 'chat.on("response.done", …), or @chat.on("response.done")')
        if callback is None:
            return lambda function: self.on(type, function)
        if not callable(callback):
            raise TypeError(f"What is to be called must be a function, not {callback!r}.")
        self._record.subscriptions.add(type, callback)
        return callback

    def off(self, type: str, callback: Callback) -> None:
        """Stop calling what `on` was given."""
        self._record.subscriptions.remove(type, callback)

    async def wait_for(
        self, type: str, timeout: float | None = 30, *, where: Callable[[Event], object] | None = None
    ) -> Event:
        """Return the next event of a type.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern.
        timeout : float or None
            Seconds; None waits as long as it takes.
        where : callable, optional
            A condition on the event, such as ``lambda event: event.response.status == "completed"``. What it raises
            is raised here.

        Raises
        ------
        WaitTimeout
            If none comes in time (it is a `TimeoutError` as well).
        NotConnected
            If the call ends in which the waiting began. Before a call it waits for that to come.
        AwaitUnsupported
            In a cell of ipykernel 6.
        """
        _require_text(type, 'chat.wait_for("response.done")')
        self._await_news_here()
        return await self._record.subscriptions.next(type, timeout, where, in_call=self._has_call)

    def stream(self, type: str = "*") -> EventStream:
        """Return the events of a type from now on, for ``async for``; the loop ends with the call.

        Nothing is lost between two reads: events that come meanwhile wait.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern.

        Raises
        ------
        NotConnected
            If there is no call whose events could come.
        AwaitUnsupported
            In a cell of ipykernel 6.

        Examples
        --------
        >>> async for event in chat.stream("response.*"):  # doctest: +SKIP
        ...     print(event.type)
        """
        _require_text(type, 'chat.stream("response.*")')
        if not self._has_call:
            raise NotConnected("There is no call whose events could be read.")
        self._await_news_here()
        return self._record.subscriptions.stream(type)

    @property
    def _has_call(self) -> bool:
        return self.status not in ("idle", "error")

    @property
    def events(self) -> EventLog:
        """Every event of this widget's calls, oldest first."""
        return self._record.events

    @property
    def errors(self) -> list[Failure]:
        """What callbacks and tools have raised, oldest first.

        Each has its ``error`` with the traceback. They are logged and shown in the widget as well, and never break the
        call.
        """
        return list(self._record.failures)


def _require_text(type: object, example: str) -> None:
    if not isinstance(type, str):
        raise TypeError(f"An event's type is a text, not {type!r}: {example}.")
