"""A page whose messages the test sends; it keeps the widget's messages for the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from rtc_widget._deprecated import renamed_names, warn_renamed
from rtc_widget.comm import protocol
from rtc_widget.comm.protocol import Message
from rtc_widget.types import Direction

_START_MS = 1_795_286_400_000.0


class RawPage:
    """Sends and keeps the messages of a page; ignores the widget's requests.

    Parameters
    ----------
    page : str
        The page's name in messages.

    Attributes
    ----------
    now_ms : float
        The page's clock, in milliseconds since 1970. It advances by one with each event.
    settings : mapping
        The latest settings of the widget.
    """

    def __init__(self, page: str) -> None:
        self.page = page
        self.now_ms = _START_MS
        self.settings: Mapping[str, Any] = {}
        self._send_message: Callable[[Message], None] = _unopened
        self._is_silent = False
        self._messages: list[Message] = []
        self._log: list[tuple[str, list[object]]] = []
        self._next = 0
        self._seq = 0

    def take_settings(self, settings: Mapping[str, Any]) -> None:
        """Use the widget's settings."""
        self.settings = json.loads(json.dumps(settings))

    def say(self, type: str, **fields: Any) -> None:
        """Send one message of the page, with any content."""
        if not self._is_silent:
            # A value that JSON cannot hold must fail here, as it would in a browser.
            self._send_message(json.loads(json.dumps({"type": type, "page": self.page, **fields})))

    def hello(self) -> None:
        """Send the page's first message."""
        self.say("hello", protocol=protocol.PROTOCOL)

    def state(
        self,
        attempt: str | None = "a1",
        *,
        resumes: bool = False,
        heard_until_ms: float | None = None,
        **changes: Any,
    ) -> None:
        """Send the state of an idle page, with changes."""
        self._seq += 1
        state = {**IDLE, **changes}
        self.say("state", seq=self._seq, attempt=attempt, resumes=resumes, heard_until_ms=heard_until_ms, state=state)

    def connected(self, attempt: str = "a1") -> None:
        """Send the state of a connected call."""
        self.state(attempt, **CONNECTED)

    def events(
        self,
        *events: Mapping[str, Any] | str,
        direction: Direction = "received",
        first: int | None = None,
        attempt: str = "a1",
    ) -> None:
        """Send a batch of events; `first` is the number of its first event, by default the next one."""
        number = self._next if first is None else first
        texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
        batch: list[list[object]] = []
        for text in texts:
            batch.append([direction, self.now_ms, text])
            self.now_ms += 1
        if number == len(self._log):
            self._log += [(attempt, event) for event in batch]
        self._next = max(self._next, number + len(batch))
        self.say("events", attempt=attempt, first=number, events=batch)

    def heard(self, type: str) -> list[dict[str, Any]]:
        """Return the messages of a type that the widget has sent to this page."""
        return [message for message in self._messages if message["type"] == type]

    async def hears(self, type: str, count: int = 1, timeout: float = 5.0) -> dict[str, Any]:
        """Wait until the widget has sent `count` messages of a type to this page; return the last one."""
        async with asyncio.timeout(timeout):
            while len(self.heard(type)) < count:  # noqa: ASYNC110 - messages come on any thread
                await asyncio.sleep(0.005)
        return self.heard(type)[count - 1]

    async def answer(self, type: str, **reply: Any) -> None:
        """Reply to the first request of a type; the old name of `reply`."""
        warn_renamed("RawPage.answer", "RawPage.reply")
        await self.reply(type, **reply)

    async def reply(
        self, type: str, *, result: dict[str, Any] | None = None, error: Mapping[str, str] | None = None
    ) -> None:
        """Reply to the first request of a type."""
        request = await self.hears(type)
        self.say("reply", id=request["id"], seq=self._seq, **({"error": error} if error else {"result": result or {}}))

    async def settled(self) -> None:
        """Wait until the widget has processed all messages so far."""
        for _ in range(3):
            await asyncio.sleep(0)
        # Once for each message: each is a separate callback on the loop.
        for _ in range(len(self._messages) + self._seq):
            await asyncio.sleep(0)


def _unopened(_message: Message) -> None:
    raise RuntimeError("This page has no widget yet. Create one with VoiceChat(page=page).")


IDLE: Mapping[str, Any] = {
    "status": "idle",
    "connection_state": "new",
    "ice_connection_state": "new",
    "ice_gathering_state": "new",
    "signaling_state": "stable",
    "data_channel_state": "closed",
    "microphone_permission": "prompt",
    "muted": False,
    "receive_only": False,
    "max_message_size": None,
    "error": None,
}
CONNECTING: Mapping[str, Any] = {
    **IDLE,
    "status": "connecting",
    "ice_gathering_state": "gathering",
    "signaling_state": "have-local-offer",
    "data_channel_state": "connecting",
}
CONNECTED: Mapping[str, Any] = {
    **IDLE,
    "status": "connected",
    "connection_state": "connected",
    "ice_connection_state": "completed",
    "ice_gathering_state": "complete",
    "data_channel_state": "open",
    "microphone_permission": "granted",
    "max_message_size": 262_144,
}
CLOSED: Mapping[str, Any] = {
    "connection_state": "closed",
    "ice_connection_state": "closed",
    "signaling_state": "closed",
    "data_channel_state": "closed",
    "max_message_size": None,
}

__getattr__ = renamed_names(__name__, {"MessagePage": "RawPage"})
