"""The events of the Responses API that a backend's response consists of, as they are nested in Live events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from rtc_widget.server.messages import new_id
from rtc_widget.server.protocols.live.session_config import BackendConfig
from rtc_widget.server.responders.responder import RequestedToolCall

Terminal = Literal["completed", "failed", "incomplete"]


class ResponseStream:
    """Sends the events of one response of the backend.

    Parameters
    ----------
    config : BackendConfig
        The settings of the backend.
    send : callable
        Sends one nested event.
    """

    def __init__(self, config: BackendConfig, send: Callable[[dict[str, Any]], None]) -> None:
        self.id = new_id("resp")
        self._config = config
        self._send = send
        self._created_at = int(time.time())
        self._sequence = 0
        self._outputs = 0
        self._message_id: str | None = None
        self._text = ""

    def begin(self) -> None:
        """Send that the response has begun."""
        self._emit("response.created", response=self._snapshot("in_progress"))
        self._emit("response.in_progress", response=self._snapshot("in_progress"))

    def add_text(self, text: str) -> None:
        """Send a part of the text."""
        if self._message_id is None:
            self._message_id, self._text = new_id("msg"), ""
            item = self._message("in_progress", [])
            self._emit("response.output_item.added", output_index=self._outputs, item=item)
            self._emit("response.content_part.added", **self._place(), part=_part(""))
        self._text += text
        self._emit("response.output_text.delta", **self._place(), delta=text, logprobs=[])

    def add_call(self, call: RequestedToolCall) -> str:
        """Send a function call, and return its `call_id`."""
        self.end_text()
        item_id, call_id = new_id("fc"), new_id("call")
        item = {"type": "function_call", "id": item_id, "call_id": call_id, "name": call.name}
        place = {"output_index": self._outputs, "item_id": item_id}
        begun = {**item, "arguments": "", "status": "in_progress"}
        self._emit("response.output_item.added", output_index=self._outputs, item=begun)
        self._emit("response.function_call_arguments.delta", **place, delta=call.arguments)
        self._emit("response.function_call_arguments.done", **place, name=call.name, arguments=call.arguments)
        done = {**item, "arguments": call.arguments, "status": "completed"}
        self._emit("response.output_item.done", output_index=self._outputs, item=done)
        self._outputs += 1
        return call_id

    def end_text(self, status: Literal["completed", "incomplete"] = "completed") -> None:
        """Send that the message, if there is one, is complete."""
        if self._message_id is None:
            return
        self._emit("response.output_text.done", **self._place(), text=self._text, logprobs=[])
        self._emit("response.content_part.done", **self._place(), part=_part(self._text))
        item = self._message(status, [_part(self._text)])
        self._emit("response.output_item.done", output_index=self._outputs, item=item)
        self._outputs += 1
        self._message_id = None

    def end(self, status: Terminal, *, usage: Mapping[str, Any], error: str = "", reason: str = "") -> None:
        """Send how the response ended; `error` says why it failed, `reason` why it is incomplete."""
        self.end_text("completed" if status == "completed" else "incomplete")
        response = self._snapshot(status)
        response["usage"] = dict(usage)
        if status == "failed":
            response["error"] = {"code": "server_error", "message": error}
        if status == "incomplete":
            response["incomplete_details"] = {"reason": reason}
        self._emit(f"response.{status}", response=response)

    def _emit(self, event: str, **fields: Any) -> None:
        self._send({"type": event, "sequence_number": self._sequence, **fields})
        self._sequence += 1

    def _place(self) -> dict[str, Any]:
        return {"output_index": self._outputs, "item_id": self._message_id, "content_index": 0}

    def _message(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {"type": "message", "id": self._message_id, "role": "assistant", "status": status, "content": content}

    def _snapshot(self, status: str) -> dict[str, Any]:
        # Without what the client knows: input, output, instructions and tools.
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created_at,
            "status": status,
            "model": self._config.model,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "output": [],
            "tools": [],
            "tool_choice": "auto",
            "parallel_tool_calls": self._config.parallel_tool_calls is not False,
            "metadata": {},
            "usage": None,
        }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def tokens_used(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """Return the `usage` of a response."""
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input_tokens + output_tokens,
    }
