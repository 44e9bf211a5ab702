"""A Realtime server without a model: it receives what the kernel sends through a page, and sends scripted events."""

from __future__ import annotations

import json
from typing import Any

from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
from tests.unit.waiting import eventually, settled

OFFER = "v=0\r\noffer\r\n"
"""A page's offer: enough for a server that does not read it."""

ITEM, ASK, UPDATE = "conversation.item.create", "response.create", "session.update"
"""What the kernel sends most."""


class ServerDouble:
    """Sits behind a `ScriptedPage` whose call stands."""

    def __init__(self, chat: VoiceChat, page: ScriptedPage) -> None:
        self.chat = chat
        self.page = page
        self.got: list[dict[str, Any]] = []
        self._taken = 0
        self._responses = 0

    async def connect(self, attempt: str = "a1", **session: Any) -> None:
        self.page.hello()
        self.page.connected(attempt)
        self.page.events({"type": "session.created", "session": {"tools": [], **session}}, attempt=attempt)
        await settled()

    async def take(self) -> list[dict[str, Any]]:
        """Take in what the kernel has sent since; the page tells the kernel that it has gone over the channel."""
        await settled()
        requests = self.page.heard("send")[self._taken :]
        self._taken += len(requests)
        events = [json.loads(text) for request in requests for text in request["events"]]
        for request in requests:
            self.page.say("reply", id=request["id"], seq=0, result={})
        if events:
            self.page.events(*events, direction="sent")
        self.got += events
        await settled()
        return events

    async def takes(self, *types: str) -> list[dict[str, Any]]:
        """Wait for events of exactly these types."""
        events: list[dict[str, Any]] = []
        for _ in types:
            await eventually(lambda: len(self.page.heard("send")) > self._taken)
            events += await self.take()
            if len(events) >= len(types):
                break
        assert [event["type"] for event in events] == list(types)
        return events

    async def says(self, *events: dict[str, Any]) -> None:
        self.page.events(*events)
        await settled()

    async def confirms(self, *events: dict[str, Any]) -> None:
        """Confirm the items that these events create."""
        for event in events:
            if event["type"] == "conversation.item.create":
                await self.says({"type": "conversation.item.added", "item": {"id": "item_x", **event["item"]}})

    async def begins(self, response_id: str = "r1", **fields: Any) -> None:
        response = {"id": response_id, "conversation_id": "conv_1", "status": "in_progress", **fields}
        await self.says({"type": "response.created", "response": response})

    async def ends(self, response_id: str = "r1", *output: dict[str, Any], status: str = "completed", **fields: Any):
        response = {"id": response_id, "status": status, "output": list(output), **fields}
        await self.says({"type": "response.done", "response": response})

    async def answers(self, text: str, response_id: str = "r1", kind: str = "output_text") -> None:
        """A whole response of one message."""
        await self.begins(response_id)
        item = {"id": f"item_{response_id}", "type": "message", "role": "assistant", "status": "completed"}
        await self.says(
            {"type": "response.output_item.added", "response_id": response_id, "item": item | {"content": []}}
        )
        field = "text" if kind == "output_text" else "transcript"
        await self.ends(response_id, item | {"content": [{"type": kind, field: text}]})

    async def refuses(self, event: dict[str, Any], code: str = "invalid_value", message: str = "No.") -> None:
        error = {"type": "invalid_request_error", "code": code, "message": message, "event_id": event["event_id"]}
        await self.says({"type": "error", "error": error})


def call(name: str, arguments: str = "{}", call_id: str = "call_1") -> dict[str, Any]:
    return {"type": "function_call", "id": f"fc_{call_id}", "name": name, "arguments": arguments, "call_id": call_id}
