"""One peer of a headless page: runs its operations in turn and records what happens."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from rtc_widget.headless.errors import as_error
from rtc_widget.headless.peers.engine import EngineListener, PeerEngine, Result
from rtc_widget.headless.peers.errors import closed_meanwhile, failure_of
from rtc_widget.headless.peers.pairs import PairsWatch
from rtc_widget.headless.peers.record import PeerRecord

MakeEngine = Callable[[EngineListener], PeerEngine]


class HeadlessPeer:
    """A peer with its record.

    Parameters
    ----------
    make : callable
        Returns the engine; it gets the listener of the engine's events.
    post : callable
        Sends an event, which has a length in characters.

    Attributes
    ----------
    is_open : bool
        Whether it has not been closed.
    """

    def __init__(self, make: MakeEngine, post: Callable[[list[object], int], None]) -> None:
        called_ms = time.time() * 1000
        self.engine = make(self)
        self._record = PeerRecord(post, self.engine.snapshot)
        self._watch = PairsWatch(self.engine.pairs, self._is_checking, self._report_pairs)
        self._watching: asyncio.Task[None] | None = None
        self._calls = itertools.count(1)
        self.is_open = True
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        call = {"call": next(self._calls), "op": "create"}
        post([called_ms, "pc", "operation", {**call, "phase": "called"}, {}], 100)
        self._record.add("pc", "operation", {**call, "phase": "settled"})

    async def perform(self, op: str, args: Mapping[str, Any]) -> Result:
        """Run an operation; it is recorded when it is called and when it is settled.

        Raises
        ------
        PeerFailure
            If the connection refuses it.
        """
        about = {"call": next(self._calls), "op": op}
        changed = str(args.get("channel")) if op == "send" else None
        self._record.add("pc", "operation", {**about, "phase": "called"}, changed=changed)
        try:
            if op == "close":
                result = await self.close()
            else:
                result = await self._run(getattr(self.engine, op)(**args))
        except Exception as raised:  # noqa: BLE001 - an engine may raise anything
            failure = failure_of(raised)
            error = as_error(raised) if failure is None else failure
            name = "UnknownError" if failure is None else failure.name
            settled = {**about, "phase": "settled", "error": {"name": name, "message": error.message}}
            self._record.add("pc", "operation", settled, changed=changed)
            raise error from None
        self._record.add("pc", "operation", {**about, "phase": "settled"}, changed=changed)
        return result

    async def _run(self, operation: Coroutine[Any, Any, Result]) -> Result:
        """Wait for an operation; W3C leaves those unsettled that a `close` overtakes."""
        if not self.is_open:
            # It gets the error of the engine.
            return await operation
        task = asyncio.ensure_future(operation)
        either: set[asyncio.Future[Any]] = {task, self._closing}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            return task.result()
        task.cancel()
        raise closed_meanwhile()

    async def close(self) -> Result:
        """Close the connection and everything that it has opened; can be called again."""
        self.is_open = False
        if not self._closing.done():
            self._closing.set_result(None)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None
        return await self.engine.close()

    # Events of the engine

    def event(self, source: str, name: str, payload: object) -> None:
        """Record an event."""
        self._record.add(source, name, payload, changed=source if name == "message" else None)
        self._follow_ice(name)

    def postpone_event(self, until: str, source: str, name: str, payload: object) -> None:
        """Record an event that is sent by `release_events`."""
        self._record.postpone(until, source, name, payload)
        self._follow_ice(name)

    def release_events(self, until: str) -> None:
        """Send what was postponed until then."""
        self._record.release(until)

    def _follow_ice(self, name: str) -> None:
        if name == "iceconnectionstatechange" and self.is_open and self.engine.ice_connection_state != "new":
            if self._watching is not None:
                self._watching.cancel()
            self._watching = asyncio.get_running_loop().create_task(self._watch.poll())
            self._watching.add_done_callback(_report_failure)

    def _is_checking(self) -> bool:
        return self.engine.ice_connection_state in ("checking", "disconnected")

    def _report_pairs(self, pairs: list[dict[str, Any]]) -> None:
        self._record.add("pc", "pairs", {"pairs": pairs})


def _report_failure(task: asyncio.Task[None]) -> None:
    """Log the error of a task that nobody awaits."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        as_error(error)
