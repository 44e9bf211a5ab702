"""A notebook page without a browser: it says what the test makes it say, and keeps what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from comm.base_comm import BaseComm

from rtc_widget import VoiceChat


class RecordingComm(BaseComm):
    """Keeps every message that the kernel publishes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.published: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any):
        # What cannot be JSON must fail here as it would on the wire.
        self.published.append(json.loads(json.dumps({"msg_type": msg_type, "data": data}, default=str)))


IDLE = {
    "status": "idle",
    "connection_state": "new",
    "ice_connection_state": "new",
    "ice_gathering_state": "new",
    "signaling_state": "stable",
    "data_channel_state": "closed",
    "microphone_permission": "prompt",
    "muted": False,
    "listening_only": False,
    "error": None,
}
CONNECTED = IDLE | {
    "status": "connected",
    "connection_state": "connected",
    "ice_connection_state": "completed",
    "ice_gathering_state": "complete",
    "data_channel_state": "open",
    "microphone_permission": "granted",
}


class PageDouble:
    def __init__(self, chat: VoiceChat, page: str = "p1") -> None:
        self.chat = chat
        self.page = page
        self._seq = 0
        self._events = 0

    def say(self, type: str, **fields: Any) -> None:
        content = {"type": type, "page": self.page, **fields}
        message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": []}
        self.chat.comm.handle_msg(message)

    def hello(self) -> None:
        self.say("hello", protocol=1)

    def state(self, attempt: str | None = "a1", *, resumes: bool = False, **changes: Any) -> None:
        self._seq += 1
        self.say("state", seq=self._seq, attempt=attempt, resumes=resumes, state=IDLE | changes)

    def connected(self, attempt: str = "a1") -> None:
        self.state(attempt, **CONNECTED)

    def events(
        self,
        *events: dict[str, Any] | str,
        direction: str = "received",
        first: int | None = None,
        attempt: str = "a1",
    ) -> None:
        number = self._events if first is None else first
        texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
        batch = [[direction, 1_795_286_400_000.0 + number + n, text] for n, text in enumerate(texts)]
        self.say("events", attempt=attempt, first=number, events=batch)
        self._events = max(self._events, number + len(events))

    def heard(self, type: str) -> list[dict[str, Any]]:
        contents = [
            message["data"]["content"]
            for message in self.chat.comm.published
            if message["msg_type"] == "comm_msg" and message["data"].get("method") == "custom"
        ]
        return [content for content in contents if content["type"] == type and content["page"] == self.page]

    async def hears(self, type: str, count: int = 1, timeout: float = 5.0) -> dict[str, Any]:
        """Wait until the kernel has sent the page `count` messages of a type; return the last."""
        async with asyncio.timeout(timeout):
            while len(self.heard(type)) < count:
                await asyncio.sleep(0.005)
        return self.heard(type)[count - 1]

    async def answer(self, type: str, *, result: dict[str, Any] | None = None, error: dict[str, str] | None = None):
        request = await self.hears(type)
        self.say("reply", id=request["id"], seq=self._seq, **({"error": error} if error else {"result": result or {}}))


async def eventually(is_so: Callable[[], object], timeout: float = 5.0) -> None:
    """Wait until something is so that happens on another thread."""
    async with asyncio.timeout(timeout):
        while not is_so():
            await asyncio.sleep(0.005)


async def settled() -> None:
    """Let everything that was handed to the loop happen."""
    for _ in range(5):
        await asyncio.sleep(0)
