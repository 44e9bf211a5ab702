"""The calls of other pages, which a call of this page may resume; the twin of ``js/src/comm/history.ts``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from rtc_widget.conversation.events import Event
from rtc_widget.headless.bridge import PageBridge
from rtc_widget.headless.resumption import Resumption

Run = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

HISTORY_SECONDS = 600.0
"""A kernel that is busy replies later."""


class HistoryReader:
    """Reads from the kernel what other pages' calls bring, and adds it to the conversation to resume.

    Parameters
    ----------
    bridge : PageBridge
        Asks the kernel.
    resumption : Resumption
        Gets the calls.
    protocol : str
        The wire protocol of the events.
    run : callable
        Runs a coroutine as a task.
    """

    def __init__(self, bridge: PageBridge, resumption: Resumption, protocol: str, run: Run) -> None:
        self._bridge = bridge
        self._resumption = resumption
        self._protocol = protocol
        self._own: list[str] = []
        self._others: set[str] = set()
        # The last call, if it is another page's; a call may come in several parts.
        self._latest: str | None = None
        self._next = 0
        self._end = 0
        # The kernel has reported something since the last request: events, or the end of a call.
        self._has_news = False
        self._run = run
        self._reading: asyncio.Task[None] | None = None
        self._is_closed = False

    def begin_own_call(self, attempt: str) -> None:
        """A call of this page begins; it has its events itself."""
        self._own.append(attempt)
        self._latest = None

    def log_grew(self, end: int) -> None:
        """Read the events of other pages' calls up to this number; without a reply the next call tries again."""
        self._end = max(self._end, end)
        self._has_news = True
        if not self._is_closed and (self._reading is None or self._reading.done()):
            self._reading = self._run(self._read())

    def close(self) -> None:
        """Stop reading, now and later: a widget that is closing may send more, and does not reply."""
        self._is_closed = True
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self) -> None:
        while self._next < self._end or self._has_news:
            self._has_news = False
            part = await self._bridge.request(
                "history", limit=HISTORY_SECONDS, first=self._next, before=None, brief=True, without=list(self._own)
            )
            for call in part["calls"]:
                self._add(call)
            if part["next"] <= self._next:
                return  # asking again would never end
            self._next = part["next"]

    def _add(self, call: Mapping[str, Any]) -> None:
        attempt = call["attempt"]
        if attempt not in self._others:
            self._others.add(attempt)
            self._latest = attempt
            self._resumption.begin_call(resumes=call["resumes"])
        if attempt != self._latest:
            return  # another call has begun since
        for direction, time_ms, text in call["events"]:
            event = Event.from_text(
                text, direction=direction, time_ms=time_ms, elapsed=time_ms / 1000, protocol=self._protocol
            )
            self._resumption.consume(event, text)
        if call["heard_until_ms"] is not None:
            self._resumption.end_call(call["heard_until_ms"] / 1000)
