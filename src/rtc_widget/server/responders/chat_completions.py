"""A responder that asks a chat model: any server that speaks OpenAI's Chat Completions API with streaming."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from rtc_widget._urls import without_secrets
from rtc_widget.server.responders.chat_messages import chat_messages
from rtc_widget.server.responders.reasoning import strip_reasoning
from rtc_widget.server.responders.responder import IncompleteResponse, Question, RequestedToolCall

if TYPE_CHECKING:
    import httpx
    from httpx_sse import EventSource

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
"""Longest time between two chunks, in seconds. A local model loads its weights before the first one."""

_MAX_QUOTE = 300
_MAX_ERROR_BYTES = 20_000


class ChatFailed(Exception):
    """The chat server gave no response. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class ChatServer:
    """A chat model on a server.

    Attributes
    ----------
    base_url : str
        The base URL including ``/v1``, such as ``http://127.0.0.1:11434/v1`` (Ollama).
    model : str
        The name of the model on that server.
    api_key : str or None
        The bearer token.
    """

    base_url: str = field(repr=False)
    model: str
    api_key: str | None = field(default=None, repr=False)

    @property
    def shown_url(self) -> str:
        """The base URL without secrets, for messages."""
        return without_secrets(self.base_url)


class ChatResponder:
    """A `Responder` that asks a chat model."""

    def __init__(self, server: ChatServer) -> None:
        self._server = server
        self._tls: ssl.SSLContext | None = None

    async def respond(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        """Yield the text of the model as it arrives, then its tool calls."""
        turn = ChatTurn()
        async with aclosing(strip_reasoning(self._words(question, turn))) as words:
            async for piece in words:
                yield piece
        for call in turn.calls():
            yield call
        if turn.cut_off is not None:
            raise IncompleteResponse(turn.cut_off)

    async def _words(self, question: Question, turn: ChatTurn) -> AsyncGenerator[str, None]:
        async with aclosing(self._chunks(_request(self._server.model, question))) as chunks:
            async for chunk in chunks:
                for piece in turn.take(chunk):
                    yield piece

    async def _chunks(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        url = f"{self._server.base_url.rstrip('/')}/chat/completions"
        headers = {"Content-Type": "application/json"}
        if self._server.api_key:
            headers["Authorization"] = f"Bearer {self._server.api_key}"
        # With escapes, which httpx does not write: a half of an emoji has no other form.
        content = json.dumps(body)
        await asyncio.to_thread(_load_http_client)
        import httpx

        has_begun = False
        try:
            async with (
                await self._client() as client,
                client.stream("POST", url, content=content, headers=headers) as response,
            ):
                if not response.is_success:
                    raise ChatFailed(_http_error(self._server, response.status_code, await _start_of_body(response)))
                has_begun = True
                async with aclosing(_event_source(self._server, response).aiter_sse()) as events:
                    async for event in events:
                        if event.data.strip() not in ("", "[DONE]"):
                            yield _chunk(event.data)
        except httpx.TimeoutException:
            raise ChatFailed(f"The chat server at {self._server.shown_url} did not respond in time.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            end = f"closed the connection before the end of its response ({reason})."
            if not has_begun:
                end = f"could not be reached ({reason}). Is it running?"
            raise ChatFailed(f"The chat server at {self._server.shown_url} {end}") from None

    async def _client(self) -> httpx.AsyncClient:
        import httpx

        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        # Do not use a proxy for the loopback address.
        trust_env = not _is_loopback(self._server.base_url)
        if urlsplit(self._server.base_url).scheme != "https":
            # Without TLS the certificates are not needed; loading them would block the audio for 50 ms.
            return httpx.AsyncClient(timeout=timeout, trust_env=trust_env, verify=False)  # noqa: S501
        if self._tls is None:
            self._tls = await asyncio.to_thread(httpx.create_ssl_context, trust_env=trust_env)
        return httpx.AsyncClient(timeout=timeout, trust_env=trust_env, verify=self._tls)


def _load_http_client() -> None:
    """Import the HTTP client, which only a chat model needs: it takes 0.1 s, which would block the audio."""
    import httpx_sse  # noqa: F401


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _event_source(server: ChatServer, response: httpx.Response) -> EventSource:
    """Return the server-sent events of `response` (WHATWG HTML, section 9.2).

    httpx-sse takes no other content type than ``text/event-stream``. Some chat servers stream with another one or with
    none, so only a type that cannot be a stream fails. A last event without a blank line after it is dropped, as in
    OpenAI's own client.
    """
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type in ("application/json", "text/html"):
        raise ChatFailed(
            f"The chat server at {server.shown_url} must respond with a stream of events, got {content_type}. "
            "Check that it supports streaming and that the base URL ends with /v1."
        )
    from httpx_sse import EventSource

    response.headers["content-type"] = "text/event-stream; charset=utf-8"
    return EventSource(response)


async def _start_of_body(response: httpx.Response) -> bytes:
    """Return the start of an error response; the body may be long."""
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _MAX_ERROR_BYTES:
            break
    return body


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


def _chunk(data: str) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except ValueError:
        raise ChatFailed(f"The chat server must send JSON, got: {data[:_MAX_QUOTE]}") from None
    if not isinstance(chunk, dict):
        raise ChatFailed(f"The chat server must send JSON objects, got: {data[:_MAX_QUOTE]}")
    if chunk.get("error"):
        raise ChatFailed(f"The chat server reported an error: {_message(chunk)}")
    return chunk


def _http_error(server: ChatServer, status: int, body: bytes) -> str:
    text = body.decode(errors="replace")[:_MAX_QUOTE]
    with suppress(ValueError, AttributeError):  # otherwise show the body as it is
        text = _message(json.loads(body))
    if server.api_key:
        text = text.replace(server.api_key, "…")
    return (
        f"The chat server at {server.shown_url} responded with status {status} for the model {server.model!r}: {text}"
    )


def _message(body: dict[str, Any]) -> str:
    error = body.get("error", body)
    return str(error.get("message", error) if isinstance(error, dict) else error)[:_MAX_QUOTE]


_CUT_OFF: Mapping[str, Literal["max_output_tokens", "content_filter"]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}


@dataclass(slots=True)
class _PartialToolCall:
    index: int | None
    id: str | None
    name: str = ""
    arguments: str = ""


class ChatTurn:
    """Assembles the chunks of a streamed chat completion.

    Attributes
    ----------
    cut_off : {"max_output_tokens", "content_filter"} or None
        Why the output is incomplete; None if it is complete.
    """

    def __init__(self) -> None:
        self.cut_off: Literal["max_output_tokens", "content_filter"] | None = None
        self._calls: list[_PartialToolCall] = []

    def take(self, chunk: Mapping[str, Any]) -> Iterator[str]:
        """Process one chunk and yield its text."""
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            for piece in delta.get("tool_calls") or ():
                self._add(piece)
            if isinstance(delta.get("content"), str) and delta["content"]:
                yield delta["content"]
            self.cut_off = _CUT_OFF.get(choice.get("finish_reason") or "", self.cut_off)

    def calls(self) -> list[RequestedToolCall]:
        """Return the tool calls in order, without a call that was cut off."""
        return [
            RequestedToolCall(call.name, call.arguments or "{}")
            for call in self._calls
            if call.name and (self.cut_off is None or _is_json(call.arguments or "{}"))
        ]

    def _add(self, piece: Mapping[str, Any]) -> None:
        """Add a piece of a call. OpenAI sends the name first, then the arguments in pieces; other servers vary."""
        function = piece.get("function") or {}
        index, call_id = piece.get("index"), piece.get("id") or None
        call = self._same(index, call_id, bool(function.get("name")))
        if call is None:
            call = _PartialToolCall(index, call_id)
            self._calls.append(call)
        # Some servers send the name with every piece.
        call.name = call.name or str(function.get("name") or "")
        arguments = function.get("arguments") or ""
        call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def _same(self, index: int | None, call_id: str | None, is_named: bool) -> _PartialToolCall | None:
        """Return the call that a piece continues, or None if it begins a new one."""
        if call_id is not None:
            found = next((call for call in self._calls if call.id == call_id), None)
            # Some servers give all calls the index 0, others give every piece its own id. A new call has a name.
            if found is not None or is_named:
                return found
        if index is not None:
            return next((call for call in reversed(self._calls) if call.index == index), None)
        return self._calls[-1] if self._calls and not is_named else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
