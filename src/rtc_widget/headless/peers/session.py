"""The session of a peer's page on its own thread: handles the kernel's requests, and reports what happens."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Literal
from uuid import uuid4

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.comm.protocol import Message
from rtc_widget.errors import NetworkUnsupported
from rtc_widget.headless.bridge import PageBridge
from rtc_widget.headless.clip import fetch_clip
from rtc_widget.headless.errors import as_error
from rtc_widget.headless.outbox import Outbox
from rtc_widget.headless.peers.engine import OPERATIONS
from rtc_widget.headless.peers.errors import failure_of, peer_not_found, too_many_peers
from rtc_widget.headless.peers.peer import HeadlessPeer, MakeEngine

EngineName = Literal["wrtc", "aiortc"]

MAX_PEERS = 8
"""Open peers of all headless pages in this process."""

KEPT_PEERS = 8
"""Closed peers of one page that can still be asked for their statistics."""

_open_peers: set[str] = set()
"""The names of the open peers."""


class PeerSession:
    """Composes the parts of one widget's page.

    Parameters
    ----------
    page : str
        The page's name in its messages.
    send : callable
        Sends a message to the widget.
    engine : {"wrtc", "aiortc"}
        What the peers are made of.
    """

    def __init__(self, page: str, send: Callable[[Message], None], engine: EngineName) -> None:
        self._bridge = PageBridge(page, send)
        self._outbox = Outbox(self._post_events)
        self._engine = engine
        self._peers: dict[str, HeadlessPeer] = {}
        self._closed: deque[str] = deque()
        self._creating = asyncio.Lock()
        self._network: Any = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closing = False

    async def close(self) -> None:
        """Close all peers, send nothing more, and return when all is closed."""
        self._is_closing = True
        closed = await asyncio.gather(*(peer.close() for peer in self._peers.values()), return_exceptions=True)
        for failed in closed:
            if isinstance(failed, Exception):
                as_error(failed)
        _open_peers.difference_update(self._peers)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._peers.clear()
        self._outbox.close()
        self._bridge.close()

    def receive(self, message: Message) -> None:
        """Receive a message of the widget, unless the session is closed."""
        if self._is_closing:
            return
        match message["type"]:
            case "welcome":
                # The kernel may have missed the events that it has not acknowledged.
                self._outbox.flush()
            case "reply":
                self._bridge.receive_reply(message)
            case "ack":
                self._outbox.acknowledge(message["next"])
            case "resend":
                self._outbox.resend_from(message["first"])
            case "ping":
                self._bridge.send("pong", time_ms=time.time() * 1000)
            case "peer":
                self._run(self._bridge.reply_to(message, partial(self._handle, message), self._seq))
            case kind if "id" in message:
                unknown = as_error(NotImplementedError(f"A page of peers does not support the request {kind!r}"))
                self._bridge.send("reply", id=message["id"], seq=self._seq(), error=unknown.to_wire())

    async def network(self, settings: Mapping[str, Any]) -> Any:
        """Impair the network of the open peers and of later ones; see `HeadlessPeerPage.network`."""
        if self._engine != "aiortc":
            raise NetworkUnsupported(
                "The network of a peer connection on wrtc cannot be impaired.",
                hint='Use PeerConnection(page="aiortc") for one side of the connection.',
            )
        if self._network is None:
            await asyncio.to_thread(_load, self._engine)
            from rtc_widget.headless.peers.aiortc_network import PeerNetworks

            self._network = PeerNetworks()
        return self._network.change(**settings)

    async def _handle(self, request: Message) -> Mapping[str, object]:
        op, args = request["op"], request["args"]
        if op == "create":
            async with self._creating:
                return {"peer": self._open_peer() or await self._create(args.get("configuration") or {})}
        peer = self._peers.get(request["peer"])
        if peer is None:
            raise peer_not_found()
        if op not in OPERATIONS:
            raise NotImplementedError(f"A peer does not support the operation {op!r}")
        if op == "close":
            self._release(request["peer"])
        return await peer.perform(op, args)

    def _open_peer(self) -> str | None:
        """Return the peer that is open: the kernel may not have received the reply to the `create` before."""
        return next((name for name, peer in self._peers.items() if peer.is_open), None)

    async def _create(self, configuration: Mapping[str, Any]) -> str:
        if len(_open_peers) >= MAX_PEERS:
            raise too_many_peers(MAX_PEERS)
        name = f"c{uuid4().hex[:8]}"
        # Before its engine is loaded: several may be created at once.
        _open_peers.add(name)
        try:
            make = await self._engine_maker(configuration)
            if self._is_closing:
                raise asyncio.CancelledError
            self._peers[name] = HeadlessPeer(make, partial(self._outbox.add, name))
        except Exception as raised:  # noqa: BLE001 - an engine may raise anything
            raise failure_of(raised) or raised from None
        finally:
            if name not in self._peers:
                _open_peers.discard(name)
        return name

    async def _engine_maker(self, configuration: Mapping[str, Any]) -> MakeEngine:
        # In another thread: the import takes most of a second, and calls go on in this one.
        await asyncio.to_thread(_load, self._engine)
        if self._engine == "wrtc":
            from rtc_widget.headless.peers.wrtc_engine import WrtcEngine

            return lambda listener: WrtcEngine(configuration, listener, self._fetch_clip)
        from rtc_widget.headless.peers.aiortc_engine import AiortcEngine
        from rtc_widget.headless.peers.aiortc_network import PeerNetworks

        networks = self._network = self._network or PeerNetworks()
        return lambda listener: AiortcEngine(configuration, listener, self._fetch_clip, networks)

    async def _fetch_clip(self, clip: str) -> MonoAudio:
        return await fetch_clip(self._bridge, clip)

    def _release(self, name: str) -> None:
        if name not in _open_peers:
            return
        _open_peers.discard(name)
        self._closed.append(name)
        if len(self._closed) > KEPT_PEERS:
            self._peers.pop(self._closed.popleft(), None)

    def _seq(self) -> int:
        # The kernel waits for these events before the operation returns.
        self._outbox.flush()
        return self._outbox.count

    def _post_events(self, peer: str, first: int, events: list[list[object]]) -> None:
        self._bridge.send("peer_events", peer=peer, first=first, events=events)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _load(engine: EngineName) -> None:
    if engine == "wrtc":
        from rtc_widget.headless.peers import wrtc_engine  # noqa: F401
    else:
        from rtc_widget.headless.peers import aiortc_engine  # noqa: F401
