"""The page's end of the messages: requests with ids and time limits, and replies."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rtc_widget.comm.protocol import Message
from rtc_widget.errors import KernelTimeout, RtcWidgetError, WidgetClosed, error_from_wire
from rtc_widget.headless.errors import as_error


class PageBridge:
    """Connects a page with its widget; used on the page's loop only.

    Parameters
    ----------
    page : str
        The page's name in all its messages.
    send : callable
        Sends a message to the widget.
    """

    def __init__(self, page: str, send: Callable[[Message], None]) -> None:
        self._page = page
        self._send = send
        self._numbers = itertools.count(1)
        self._pending: dict[str, Callable[[Message], None]] = {}
        self._is_open = True

    def send(self, type: str, **fields: object) -> None:
        """Send a message, unless the bridge is closed."""
        if self._is_open:
            self._send({"type": type, "page": self._page, **fields})

    def close(self) -> None:
        """Send nothing more."""
        self._is_open = False

    async def request(
        self, type: str, *, limit: float, on_late_reply: Callable[[], None] = lambda: None, **fields: object
    ) -> Mapping[str, Any]:
        """Send a request to the widget and return its result.

        Raises
        ------
        WidgetClosed
            If the bridge is closed.
        RtcWidgetError
            The error that the widget replied.
        KernelTimeout
            If no reply comes within `limit` seconds. A reply after that, or after a cancellation, calls
            `on_late_reply`.
        """
        if not self._is_open:
            raise WidgetClosed("This widget is closed.")
        id = f"{self._page}:{next(self._numbers)}"
        replied: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def receive(reply: Message) -> None:
            if replied.done():
                on_late_reply()
            else:
                replied.set_result(reply)

        self._pending[id] = receive
        self.send(type, id=id, **fields)
        try:
            # Not `wait_for`: Python 3.11 loses a cancellation that comes together with the reply.
            async with asyncio.timeout(limit):
                reply = await replied
        except TimeoutError:
            raise KernelTimeout(
                f"The kernel did not reply within {limit:g} s.", hint="Connect again; see the kernel's log."
            ) from None
        if "error" in reply:
            raise error_from_wire(reply["error"])
        result: Mapping[str, Any] = reply["result"]
        return result

    def receive_reply(self, reply: Message) -> None:
        """Pass a reply to the request that waits for it."""
        receive = self._pending.pop(reply["id"], None)
        if receive is not None:
            receive(reply)

    async def reply_to(
        self, request: Message, work: Callable[[], Awaitable[Mapping[str, object]]], seq: Callable[[], int]
    ) -> None:
        """Run `work` and reply with its result or error; `seq` returns the number of the last state sent."""
        id = request["id"]
        try:
            result = await work()
        except RtcWidgetError as error:
            self.send("reply", id=id, seq=seq(), error=error.to_wire())
        except Exception as error:  # noqa: BLE001 - any exception becomes the reply
            self.send("reply", id=id, seq=seq(), error=as_error(error).to_wire())
        else:
            self.send("reply", id=id, seq=seq(), result=dict(result))
