"""A voice server that several kernels share: `rtc-widget serve` on this or another machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from rtc_widget._urls import without_secrets
from rtc_widget.errors import LocalServerError, ServerNotFound, SignalingError, SignalingTimeout
from rtc_widget.signaling.base import Answer
from rtc_widget.signaling.embedded_calls import PATHS, call_answer, call_request
from rtc_widget.signaling.http import SignalingClient
from rtc_widget.signaling.keys import key_reader

logger = logging.getLogger("rtc_widget")

SERVER_VARIABLE = "RTC_WIDGET_SERVER"
TOKEN_VARIABLE = "RTC_WIDGET_TOKEN"  # noqa: S105 - the name of the variable

OPEN_SECONDS = 10.0
_RETRY_SECONDS = 1.0
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
        assert self._opened is not None  # noqa: S101 - set with the task
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await asyncio.shield(self._opened)
        except TimeoutError:
            self.close()
            raise SignalingTimeout(f"The voice server did not answer within {OPEN_SECONDS:g} s.") from None
        except SignalingError:
            self.close()
            raise

    def close(self) -> None:
        """Close the stream and cancel its replies; `open` opens it again."""
        for task in (self._reading, self._sending):
            if task is not None:
                task.cancel()
        self._reading = self._sending = None
        for reply in list(self._replies.values()):
            reply.cancel()

    async def _read(self) -> None:
        while True:
            try:
                await self._read_once()
            except SignalingError as error:
                if self._opened is not None and not self._opened.done():
                    self._opened.set_exception(error)
                    return
                logger.debug("The reply stream was interrupted: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _read_once(self) -> None:
        url = f"{self._url}/v1/rtc_widget/reply_requests"
        lines = self._client.lines("POST", url, headers=self._headers(), secret=self._token(), silence=_SILENT_SECONDS)
        async with contextlib.aclosing(lines):
            async for line in lines:
                if self._opened is not None and not self._opened.done():
                    self._opened.set_result(None)
                if line.strip():
                    self._receive(json.loads(line))

    def _headers(self) -> dict[str, str]:
        return {"Rtc-Widget-Reply-Stream": self.name}

    def _receive(self, message: Mapping[str, Any]) -> None:
        match message.get("type"):
            case "reply_request":
                self._begin(message["id"], message["reply"], message["text"], message["messages"])
            case "reply_cancel":
                reply = self._replies.get(message["id"])
                if reply is not None:
                    reply.cancel()

    def _begin(self, request: int, reply: str, text: str, messages: list[dict[str, Any]]) -> None:
        loop = asyncio.get_running_loop()

        def post(fields: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(self._outgoing.put_nowait, {"id": request, **fields})

        running = self._start(reply, text, messages, lambda piece: post({"piece": piece}))
        if running is None:
            post({"error": "The reply function of this call no longer exists."})
            return
        self._replies[request] = running

        def ended(done: Future[None]) -> None:
            loop.call_soon_threadsafe(self._replies.pop, request, None)
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
                url = f"{self._url}/v1/rtc_widget/replies"
                body = json.dumps({"replies": replies}).encode()
                await self._client.post(url, headers=self._headers(), secret=self._token(), content=body)
            except SignalingError as error:
                logger.warning("A reply did not reach the voice server: %s", error)


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
            If the server cannot be reached, or there is no token.
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
        return call_answer(self._protocol, response, "The voice server", redact=self.redacted)

    async def hang_up(self, call_id: str) -> None:
        """End the call; does not fail if the call has ended already."""
        with contextlib.suppress(ServerNotFound):
            url = f"{self.url}{PATHS[self._protocol]}/{quote(call_id, safe='')}/hangup"
            await self._client.post(url, secret=self.read_token())
