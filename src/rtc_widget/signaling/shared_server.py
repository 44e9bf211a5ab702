"""A voice server that several kernels share: `rtc-widget serve` on this or another machine."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from rtc_widget._urls import without_secrets
from rtc_widget.errors import InvalidAnswer, LocalServerError, ServerNotFound, SignalingError, SignalingTimeout
from rtc_widget.signaling.base import Answer
from rtc_widget.signaling.embedded_calls import PATHS, call_answer, call_request
from rtc_widget.signaling.http import SignalingClient
from rtc_widget.signaling.keys import key_reader

logger = logging.getLogger("rtc_widget")

SERVER_VARIABLE = "RTC_WIDGET_SERVER"
TOKEN_VARIABLE = "RTC_WIDGET_TOKEN"  # noqa: S105 - the name of the variable

OPEN_SECONDS = 10.0
_RETRY_SECONDS = 1.0
_GRACE_SECONDS = 10.0
"""So long replies are posted again and again; the server keeps an interrupted stream as long."""

_SILENT_SECONDS = 45.0
"""The server sends a line every 15 s."""

StartReply = Callable[[str, str, list[dict[str, Any]], Callable[[str], None]], "Future[None] | None"]
"""Starts the reply of the function with an id to a text and a conversation; None if the function is gone."""


def base_url_of(server: str) -> str:
    """Return the URL of a server without ``/v1`` and without a trailing slash.

    Raises
    ------
    ServerNotFound
        If it is not an http or https URL.
    """
    try:
        parts = urlsplit(server.strip())
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or "@" in parts.netloc:
        raise ServerNotFound(
            f"server must be an http or https URL without a user name, got {without_secrets(server)!r}.",
            hint="Example: http://voice.school.example:8089. The token goes into token=… or RTC_WIDGET_TOKEN.",
        )
    return urlunsplit(parts).rstrip("/").removesuffix("/v1")


class ReplyStream:
    """Runs the reply functions of this kernel for a shared server, while at least one call needs them.

    The server sends its requests in one response that stays open; the replies are posted. Used on the I/O thread.

    Parameters
    ----------
    url : str
        The server's URL, without ``/v1``.
    token : callable
        Returns the server's token.
    start : callable
        Starts a reply.
    """

    def __init__(self, url: str, token: Callable[[], str], start: StartReply) -> None:
        self._url = url
        self._token = token
        self._start = start
        self._client = SignalingClient("The voice server")
        # A secret: everybody who knows it can read the requests.
        self.name = secrets.token_urlsafe(24)
        self._reading: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None] | None = None
        # Of the server: where requests are counted, and the last one that came from there.
        self._kernel: object = None
        self._last_request = -1
        self._batches = itertools.count()
        self._replies: dict[int, Future[None]] = {}
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def open(self) -> None:
        """Open the stream, unless it is open; return when the server has confirmed it.

        Raises
        ------
        SignalingError
            If the server refuses it or does not answer.
        """
        if self._reading is None:
            loop = asyncio.get_running_loop()
            self._opened = loop.create_future()
            self._reading = loop.create_task(self._read())
            self._sending = loop.create_task(self._send())
            for task in (self._reading, self._sending):
                task.add_done_callback(self._task_ended)
        opened = self._opened
        assert opened is not None  # noqa: S101 - set with the task
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await asyncio.shield(opened)
        except TimeoutError:
            if self._opened is opened:
                self.close()
            raise SignalingTimeout(f"The voice server did not answer within {OPEN_SECONDS:g} s.") from None

    def close(self) -> None:
        """Close the stream and cancel its replies; `open` opens it again."""
        for task in (self._reading, self._sending):
            if task is not None:
                task.cancel()
        self._reading = self._sending = None
        replies = list(self._replies.values())
        # What ends later must not reach the next stream.
        self._replies, self._outgoing = {}, asyncio.Queue()
        for reply in replies:
            reply.cancel()

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task not in (self._reading, self._sending):
            return
        error = task.exception()
        if error is not None and self._opened is not None and not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # nobody may wait for it any more
        elif error is not None:
            logger.error("The reply stream has ended; the next call opens it again.", exc_info=error)
        self.close()

    async def _read(self) -> None:
        while True:
            try:
                await self._read_once()
            except SignalingError as error:
                if self._opened is not None and not self._opened.done():
                    raise
                level = logging.WARNING if isinstance(error, InvalidAnswer) else logging.DEBUG
                logger.log(level, "The reply stream was interrupted: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _read_once(self) -> None:
        url = f"{self._url}/v1/rtc_widget/reply_requests"
        lines = self._client.lines("POST", url, headers=self._headers(), secret=self._token(), silence=_SILENT_SECONDS)
        async with contextlib.aclosing(lines):
            async for line in lines:
                if line.strip():
                    self._receive(line)
                if self._opened is not None and not self._opened.done():
                    self._opened.set_result(None)

    def _headers(self) -> dict[str, str]:
        return {"Rtc-Widget-Reply-Stream": self.name}

    def _receive(self, line: str) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"type": "ready"}:
                if self._kernel != (kernel := message.get("kernel")):
                    self._kernel, self._last_request = kernel, -1
            case {
                "type": "reply_request",
                "id": int(request),
                "reply": str(reply),
                "text": str(text),
                "messages": list(said),
            }:
                # The server repeats open requests when the stream was interrupted.
                if request > self._last_request:
                    self._last_request = request
                    self._begin(request, reply, text, said)
            case {"type": "reply_cancel", "id": int(request)}:
                if request in self._replies:
                    self._replies[request].cancel()
            case {"type": str(kind)} if kind not in ("reply_request", "reply_cancel"):
                pass  # of a later version
            case _:
                raise InvalidAnswer("The voice server sent a line that does not request a reply.")

    def _begin(self, request: int, reply: str, text: str, messages: list[dict[str, Any]]) -> None:
        loop = asyncio.get_running_loop()
        outgoing, replies = self._outgoing, self._replies

        def post(fields: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(outgoing.put_nowait, {"id": request, **fields})

        running = self._start(reply, text, messages, lambda piece: post({"piece": piece}))
        if running is None:
            post({"error": "The reply function of this call no longer exists."})
            return
        replies[request] = running

        def ended(done: Future[None]) -> None:
            loop.call_soon_threadsafe(replies.pop, request, None)
            error = asyncio.CancelledError("the reply function was cancelled") if done.cancelled() else done.exception()
            if error is not None and not done.cancelled():
                logger.error("The reply function failed, and so did the response.", exc_info=error)
            # Only the last line of the traceback: the rest may hold private data.
            post({} if error is None else {"error": f"{type(error).__name__}: {error}".removesuffix(": ")})

        running.add_done_callback(ended)

    async def _send(self) -> None:
        while True:
            replies = [await self._outgoing.get()]
            while not self._outgoing.empty() and len(replies) < 100:
                replies.append(self._outgoing.get_nowait())
            try:
                await self._post(replies)
            except SignalingError as error:
                logger.warning("A reply did not reach the voice server, and so its response failed: %s", error)
                self._fail({reply["id"] for reply in replies if "error" not in reply})

    async def _post(self, replies: list[dict[str, Any]]) -> None:
        """Post a batch of replies, again and again while the connection is interrupted."""
        url = f"{self._url}/v1/rtc_widget/replies"
        # By its number the server knows a batch whose response was lost.
        body = json.dumps({"batch": next(self._batches), "replies": replies}).encode()
        loop = asyncio.get_running_loop()
        deadline = None
        while True:
            try:
                await self._client.post(url, headers=self._headers(), secret=self._token(), content=body)
                return
            except SignalingError as error:
                deadline = deadline or loop.time() + _GRACE_SECONDS
                is_refused = error.status is not None and error.status < 500 and error.status != 429
                if is_refused or loop.time() >= deadline:
                    raise
            await asyncio.sleep(_RETRY_SECONDS)

    def _fail(self, requests: set[int]) -> None:
        for request in requests:
            if request in self._replies:
                self._replies[request].cancel()  # which posts an error
            else:
                self._outgoing.put_nowait({"id": request, "error": "A part of the reply was lost."})


class SharedServer:
    """Calls to one shared server; used on the I/O thread.

    Parameters
    ----------
    server : str
        The server's URL.
    token : str, callable or None
        The server's token; None: the environment variable ``RTC_WIDGET_TOKEN``, read for each call.
    protocol : str
        The wire protocol of the calls.

    Attributes
    ----------
    name : str
        The server's own name; its host until the server has told it.
    """

    def __init__(self, server: str, token: str | Callable[[], str] | None, protocol: str) -> None:
        self._protocol = protocol
        self.url = base_url_of(server)
        self.name = f"Voice server · {urlsplit(self.url).hostname}"
        self.read_token, self.redacted = key_reader(token, TOKEN_VARIABLE, argument="token")
        self._client = SignalingClient("The voice server")

    async def prepare(self) -> None:
        """Read the server's name, over the connection that the exchange will use.

        Raises
        ------
        SignalingError
            If the server cannot be reached, or its token is missing.
        LocalServerError
            If it still loads its models.
        """
        self.read_token()
        response = await self._client.request("GET", f"{self.url}/health")
        try:
            health = response.json()
            name, is_ready = health.get("name"), health.get("ready")
        except (ValueError, AttributeError, RecursionError):
            raise ServerNotFound(
                f"There is no rtc-widget server at {self.url}.", hint="It is started with `rtc-widget serve`."
            ) from None
        if isinstance(name, str) and name:
            self.name = name
        if not is_ready:
            raise LocalServerError("The voice server still loads its models.", hint="Connect again in a moment.")

    async def exchange(self, offer: str, settings: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Send the offer and the session's settings, and return the answer."""
        own, body = call_request(self._protocol, offer, settings)
        url = self.url + PATHS[self._protocol]
        response = await self._client.post(url, headers={**headers, **own}, secret=self.read_token(), **body)
        return await call_answer(
            self._protocol, response, "The voice server", hang_up=self.hang_up, redact=self.redacted
        )

    async def hang_up(self, call_id: str) -> None:
        """End the call; does not fail if the call has ended already."""
        with contextlib.suppress(ServerNotFound):
            url = f"{self.url}{PATHS[self._protocol]}/{quote(call_id, safe='')}/hangup"
            await self._client.post(url, secret=self.read_token())
