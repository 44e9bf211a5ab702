"""Drives a headless page of peers as the kernel does, by messages."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from importlib.util import find_spec
from typing import Any

import pytest

from rtc_widget.headless.page import page_thread
from rtc_widget.headless.peer_page import HeadlessPeerPage
from rtc_widget.headless.peers import session
from tests.limits import HANGS, eventually

TONE = {"kind": "tone", "hz": 440}

needs_wrtc = pytest.mark.skipif(find_spec("webrtc") is None, reason="needs wrtc (extra `teach`)")
wrtc = pytest.param("wrtc", marks=needs_wrtc)
both_engines = pytest.mark.parametrize("engine", [wrtc, "aiortc"])


class Refused(Exception):
    """The page replied an error."""

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code, self.message, self.hint = error["code"], error["message"], error["hint"]


class PeerDriver:
    """One page; its first peer is `peer`."""

    def __init__(self, engine: str, *, acknowledges: bool = True) -> None:
        self.page = HeadlessPeerPage(engine=engine)
        self.acknowledges = acknowledges
        self.messages: list[dict[str, Any]] = []
        self.events: list[tuple[str, str, Any]] = []
        self.raw: list[list[Any]] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.clips: dict[str, dict[str, Any]] = {}
        self.peer: str | None = None
        self._next = 0
        self._numbers = itertools.count(1)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.page.open(lambda message: self._loop.call_soon_threadsafe(self._take, message))

    def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.id = message["page"]
        match message["type"]:
            case "reply":
                assert message["seq"] <= self._next, "the reply is ahead of its events"
                waiting = self._waiting.pop(message["id"])
                if not waiting.done():
                    waiting.set_result(message)
            case "peer_events":
                assert message["first"] == self._next
                self._next += len(message["events"])
                self.raw += message["events"]
                for _, source, name, payload, changes in message["events"]:
                    for handle, attributes in changes.items():
                        self.objects.setdefault(handle, {}).update(attributes)
                    self.events.append((source, name, payload))
                if self.acknowledges:
                    self.page.hear({"type": "ack", "page": self.id, "next": self._next})
            case "clip" if message["clip"] in self.clips:
                self.page.hear(
                    {"type": "reply", "page": self.id, "id": message["id"], "result": self.clips[message["clip"]]}
                )

    async def request(self, op: str, peer: str | None, args: dict[str, Any]) -> dict[str, Any]:
        id = f"k:{next(self._numbers)}"
        self._waiting[id] = self._loop.create_future()
        await eventually(lambda: hasattr(self, "id"))
        self.page.hear({"type": "peer", "page": self.id, "id": id, "peer": peer, "op": op, "args": args})
        async with asyncio.timeout(HANGS):
            reply = await self._waiting[id]
        if "error" in reply:
            raise Refused(reply["error"])
        return reply["result"]

    async def create(self, **configuration: Any) -> str:
        peer = (await self.request("create", None, {"configuration": configuration}))["peer"]
        self.peer = self.peer or peer
        return peer

    async def __call__(self, op: str, **args: Any) -> Any:
        if self.peer is None:
            await self.create()
        return await self.request(op, self.peer, args)

    def names(self, source: str | None = None) -> list[str]:
        return [
            name for where, name, _ in self.events if source in (None, where) and name not in ("operation", "pairs")
        ]

    def payloads(self, name: str) -> list[Any]:
        return [payload for _, event, payload in self.events if event == name]

    def pc(self, name: str) -> Any:
        return self.objects["pc"][name]

    async def until(self, name: str, value: Any, handle: str = "pc") -> None:
        await eventually(lambda: self.objects.get(handle, {}).get(name) == value)

    async def stats(self, type: str) -> list[dict[str, Any]]:
        reports = (await self("get_stats", of=None))["reports"]
        return [report for report in reports if report["type"] == type]

    def candidates(self) -> list[dict[str, Any]]:
        found = [payload["candidate"] for payload in self.payloads("icecandidate")]
        return [candidate for candidate in found if candidate is not None]

    def selected(self) -> list[dict[str, Any]]:
        """Return the pairs in use, as they were reported last."""
        reported = self.payloads("pairs")
        return [pair for pair in reported[-1]["pairs"] if pair["selected"]] if reported else []

    async def gathered(self) -> None:
        await eventually(lambda: {"candidate": None, "url": None} in self.payloads("icecandidate"))


async def negotiate(a: PeerDriver, b: PeerDriver) -> None:
    """Carry complete descriptions: offer of `a`, answer of `b`."""
    await a("set_local_description", description=None)
    await a.gathered()
    await b("set_remote_description", description=a.pc("local_description"))
    await b("set_local_description", description=None)
    await b.gathered()
    await a("set_remote_description", description=b.pc("local_description"))


async def connected(*peers: PeerDriver) -> None:
    for peer in peers:
        await peer.until("connection_state", "connected")


def open_peers() -> set[str]:
    """Return the names of the peers that count as open."""
    return set(session._open_peers)


async def page_tasks() -> set[int]:
    """Return the tasks on the pages' thread."""

    async def tasks():
        return {id(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    return await asyncio.wrap_future(page_thread().run(tasks()))


async def nothing_goes_on(before: set[int]) -> None:
    """Wait until no task is left on the pages' thread but those of other tests."""
    async with asyncio.timeout(HANGS):
        while await page_tasks() - before:
            await asyncio.sleep(0.05)


async def refused(operation: Awaitable[Any]) -> Refused:
    """Return the error of an operation that the page refuses."""
    with pytest.raises(Refused) as caught:
        await operation
    return caught.value
