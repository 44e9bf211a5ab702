"""The page's end of the messages: requests with ids and time limits, replies given once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rtc_widget.comm.protocol import Message
from rtc_widget.errors import KernelTimeout, RtcWidgetError, error_from_wire
from rtc_widget.headless.errors import as_error

Answering = Callable[[Message], Awaitable[Mapping[str, object]]]


class Link:
    """Connects a page with its widget; used on the page's loop only.

    Parameters
    ----------
    page : str
        The page's name in all its messages.
    say : callable
        Takes a message to the widget.
    """

    def __init__(self, page: str, say: Callable[[Message], None]) -> None:
        self._page = page
        self._say = say
        self._numbers = itertools.count(1)
        self._awaited: dict[str, Callable[[Message], None]] = {}
        self._is_open = True

    def say(self, type: str, **fields: object) -> None:
        """Send a message, unless the link is closed."""
        if self._is_open:
            self._say({"type": type, "page": self._page, **fields})

    def close(self) -> None:
        """Say nothing more."""
        self._is_open = False

    async def request(
        self, type: str, *, limit: float, on_late_reply: Callable[[], None] = lambda: None, **fields: object
    ) -> Mapping[str, Any]:
        """Ask the widget and return its answer.

        Raises
        ------
        RtcWidgetError
            What the widget answered.
        KernelTimeout
            If it does not within `limit` seconds. A reply that comes after that, or after a cancellation, is told to
            `on_late_reply`.
        """
        id = f"{self._page}:{next(self._numbers)}"
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def take(reply: Message) -> None:
            if answered.done():
                on_late_reply()
            else:
                answered.set_result(reply)

        self._awaited[id] = take
        self.say(type, id=id, **fields)
        try:
            # Not `wait_for`: that of Python 3.11 loses a cancellation that comes together with the answer.
            async with asyncio.timeout(limit):
                reply = await answered
        except TimeoutError:
            raise KernelTimeout(
                f"The kernel did not answer within {limit:g} s.", hint="Connect again; the kernel's log may say more."
            ) from None
        if "error" in reply:
            raise error_from_wire(reply["error"])
        result: Mapping[str, Any] = reply["result"]
        return result

    def settle(self, reply: Message) -> None:
        """Hand a reply to the request that waits for it."""
        take = self._awaited.pop(reply["id"], None)
        if take is not None:
            take(reply)

    async def answer(
        self, request: Message, work: Callable[[], Awaitable[Mapping[str, object]]], seq: Callable[[], int]
    ) -> None:
        """Do what the widget asks and tell it what came of it; `seq` is the number of the last state told."""
        id = request["id"]
        try:
            result = await work()
        except RtcWidgetError as error:
            self.say("reply", id=id, seq=seq(), error=error.to_wire())
        except Exception as error:  # noqa: BLE001 - the one who asked must hear of it, whatever it is
            self.say("reply", id=id, seq=seq(), error=as_error(error).to_wire())
        else:
            self.say("reply", id=id, seq=seq(), result=dict(result))
