"""A mind that asks a chat model: any server that speaks OpenAI's Chat Completions API with streaming."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from rtc_widget.local.chat_messages import chat_messages
from rtc_widget.local.mind import Question, ToolCall
from rtc_widget.local.thoughts import without_thoughts

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 120.0
"""How long a model may think between two pieces; local ones load their weights before the first."""

_LONGEST_QUOTE = 300


class ChatFailed(Exception):
    """The chat server did not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class ChatServer:
    """Where a chat model is.

    Attributes
    ----------
    base_url : str
        Up to and with ``/v1``, such as ``http://127.0.0.1:11434/v1`` (Ollama).
    model : str
        The model's name there.
    api_key : str or None
        Sent as bearer token.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)


class ChatMind:
    """A `Mind`: the chat model of a server."""

    def __init__(self, server: ChatServer) -> None:
        self._server = server

    async def answer(self, question: Question) -> AsyncGenerator[str | ToolCall, None]:
        """Yield the model's words as they come, then the tools that it wants called."""
        calls: dict[int, dict[str, str]] = {}
        async for piece in without_thoughts(self._words(question, calls)):
            yield piece
        for _, call in sorted(calls.items()):
            yield ToolCall(call["name"], call["arguments"] or "{}")

    async def _words(self, question: Question, calls: dict[int, dict[str, str]]) -> AsyncGenerator[str, None]:
        async for chunk in self._chunks(_request(self._server.model, question)):
            for choice in chunk.get("choices") or ():
                delta = choice.get("delta") or {}
                for call in delta.get("tool_calls") or ():
                    _add(calls, call)
                if delta.get("content"):
                    yield delta["content"]

    async def _chunks(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        url = f"{self._server.base_url.rstrip('/')}/chat/completions"
        headers = {"Authorization": f"Bearer {self._server.api_key}"} if self._server.api_key else {}
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
        try:
            async with (
                httpx.AsyncClient(timeout=timeout) as client,
                client.stream("POST", url, json=body, headers=headers) as response,
            ):
                if not response.is_success:
                    raise ChatFailed(_refusal(self._server, response.status_code, await response.aread()))
                async for line in response.aiter_lines():
                    if line.startswith("data:") and (data := line[5:].strip()) and data != "[DONE]":
                        yield _chunk(data)
        except httpx.TimeoutException:
            raise ChatFailed(f"The chat server at {self._server.base_url} did not answer in time.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"{type(error).__name__}: {error}".rstrip(": ")
            raise ChatFailed(
                f"The chat server at {self._server.base_url} cannot be reached ({what}). Is it running?"
            ) from None


def _request(model: str, question: Question) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": chat_messages(question), "stream": True}
    if question.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters or {"type": "object", "properties": {}},
                },
            }
            for tool in question.tools
        ]
        body["tool_choice"] = question.tool_choice
        if not question.parallel_tool_calls:
            body["parallel_tool_calls"] = False
    if question.max_output_tokens is not None:
        body["max_tokens"] = question.max_output_tokens
    return body


def _add(calls: dict[int, dict[str, str]], delta: dict[str, Any]) -> None:
    """Add a piece of a call; the name comes first, the arguments in pieces."""
    call = calls.setdefault(delta.get("index", len(calls)), {"name": "", "arguments": ""})
    function = delta.get("function") or {}
    call["name"] += function.get("name") or ""
    call["arguments"] += function.get("arguments") or ""


def _chunk(data: str) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except ValueError:
        raise ChatFailed(f"The chat server sent something else than JSON: {data[:_LONGEST_QUOTE]}") from None
    if not isinstance(chunk, dict):
        raise ChatFailed(f"The chat server sent something else than an object: {data[:_LONGEST_QUOTE]}")
    if chunk.get("error"):
        raise ChatFailed(f"The chat server failed: {_message(chunk)}")
    return chunk


def _refusal(server: ChatServer, status: int, body: bytes) -> str:
    text = body.decode(errors="replace")[:_LONGEST_QUOTE]
    with suppress(ValueError, AttributeError):  # else it is no JSON of a known kind, and shown as it is
        text = _message(json.loads(body))
    if server.api_key:
        text = text.replace(server.api_key, "…")
    return f"The chat server at {server.base_url} refused the model {server.model!r} with status {status}: {text}"


def _message(body: dict[str, Any]) -> str:
    error = body.get("error", body)
    return str(error.get("message", error) if isinstance(error, dict) else error)[:_LONGEST_QUOTE]
