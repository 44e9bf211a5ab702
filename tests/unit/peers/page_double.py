"""A page that plays one peer connection by a script: replies to operations, sends events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rtc_widget.comm.protocol import PROTOCOL, Message

CONTRACT = json.loads((Path(__file__).parents[2] / "contract" / "peer.json").read_text(encoding="utf-8"))
_START_MS = 1_795_286_400_000.0
CLOSED = {"pc": {"signaling_state": "closed", "connection_state": "closed", "ice_connection_state": "closed"}}


class PeerPage:
    """Replies to each operation with the contract's result, or as the test says.

    Attributes
    ----------
    operations : list
        The names of the operations so far.
    requests : list
        The requests so far.
    replies : dict
        By operation: a result; an error ``{code, message, hint}``; or a function of the request that does it all.
    """

    name = "scripted peer"
    makes_calls = False

    def __init__(self, page: str = "p1", peer: str = "c1") -> None:
        self.page = page
        self.peer = peer
        self.settings: Mapping[str, Any] = {}
        self.requests: list[Message] = []
        self.heard: list[Message] = []
        self.replies: dict[str, Any] = {"close": self._close}
        self.is_closed = False
        self.is_silent = False
        self.now_ms = _START_MS
        self.next = 0
        self._to_widget: Callable[[Message], None] | None = None

    @property
    def operations(self) -> list[str]:
        return [request["op"] for request in self.requests]

    # The interface `Page`

    def take_settings(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings

    def open(self, send: Callable[[Message], None]) -> None:
        self._to_widget = send
        self.hello()

    def hear(self, message: Message) -> None:
        message = json.loads(json.dumps(message))
        if message["page"] != self.page or self.is_silent:
            return
        self.heard.append(message)
        if message["type"] == "ping":
            self.say("pong", time_ms=self.now_ms)
        elif message["type"] == "peer":
            self.requests.append(message)
            self._carry_out(message)

    def close(self) -> None:
        self.is_closed = True

    # What the test sends

    def say(self, type: str, **fields: Any) -> None:
        assert self._to_widget is not None
        self._to_widget(json.loads(json.dumps({"type": type, "page": self.page, **fields})))

    def hello(self) -> None:
        self.say("hello", protocol=PROTOCOL)

    def event(self, type: str, payload: Any = None, source: str = "pc", **changes: Mapping[str, Any]) -> None:
        """Send one event; `changes` by handle, with ``_`` in place of ``:``."""
        self.say(
            "peer_events",
            peer=self.peer,
            first=self.next,
            events=[self.record(type, payload, source, **changes)],
        )

    def record(self, type: str, payload: Any = None, source: str = "pc", **changes: Mapping[str, Any]) -> list[Any]:
        """Return an event that counts as recorded; the test sends it."""
        self.next += 1
        self.now_ms += 10
        return [self.now_ms, source, type, payload, {name.replace("_", ":"): state for name, state in changes.items()}]

    def reply(self, request: Message, result: Mapping[str, Any] | None = None, error: Any = None) -> None:
        outcome = {"error": error} if error else {"result": result or {}}
        self.say("reply", id=request["id"], seq=self.next, **outcome)

    def reload(self) -> None:
        """Be another page, as after a reload: it has no connection."""
        self.say("goodbye")
        self.page, self.next = f"{self.page}b", 0
        self.replies = {}
        self.hello()

    def _carry_out(self, request: Message) -> None:
        op = request["op"]
        script = self.replies.get(op, CONTRACT["operations"][op]["result"])
        if callable(script):
            script(request)
        elif "code" in script:
            self.reply(request, error=script)
        else:
            self.reply(request, {**script, "peer": self.peer} if op == "create" else script)

    def _close(self, request: Message) -> None:
        self.event("operation", {"call": 9, "op": "close", "phase": "called"}, **CLOSED)
        self.reply(request)


def fault(code: str, message: str = "The browser's words.") -> dict[str, str]:
    """Return an error of the page."""
    return {"code": code, "message": message, "hint": ""}
