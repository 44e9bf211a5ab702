"""HTTP for signaling: connections that open early, no retries, and an error class for each failure."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import ssl
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from rtc_widget._urls import without_secrets
from rtc_widget.errors import (
    AccessDenied,
    HostNotFound,
    InsecureServer,
    InvalidAnswer,
    InvalidKey,
    InvalidOffer,
    InvalidSession,
    QuotaExceeded,
    RateLimited,
    ServerError,
    ServerNotFound,
    ServerUnreachable,
    SignalingError,
    SignalingTimeout,
)

if TYPE_CHECKING:
    import httpx

MAX_ANSWER_BYTES = 1_000_000
_MAX_QUOTE_LENGTH = 300
_ERRORS_BY_STATUS: Mapping[int, type[SignalingError]] = {
    400: InvalidOffer,
    401: InvalidKey,
    403: AccessDenied,
    404: ServerNotFound,
    429: RateLimited,
}
_ERRORS_BY_CODE: Mapping[str, type[SignalingError]] = {
    "invalid_api_key": InvalidKey,
    "unknown_parameter": InvalidSession,
    "invalid_value": InvalidSession,
    "missing_required_parameter": InvalidSession,
    "unsupported_parameter": InvalidSession,
    "immutable_field_update": InvalidSession,
    "model_not_found": AccessDenied,
    "insufficient_quota": QuotaExceeded,
    "credit_balance_exhausted": QuotaExceeded,
    "rate_limit_exceeded": RateLimited,
}

# Shared by all clients: a connection must not close with the object that opened it.
_KEPT_SECONDS = 60.0
"""How long an unused connection is kept; httpx notices when the server has closed it."""
_FRESH_SECONDS = 4.0
"""A connection that was used in this time is open: servers keep one for at least five seconds."""
_IMMINENT_SECONDS = 0.01
"""A request that comes so soon opens its connection itself: to wait for another one would take a round trip more."""
_CLIENTS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = weakref.WeakKeyDictionary()


def load() -> None:
    """Make the client of the running loop: with the import of httpx, 0.15 s that a first call would take longer."""
    _client()


class SignalingClient:
    """An HTTP client for one server; it can open the connection before the exchange.

    Parameters
    ----------
    server : str
        The name of the server in error messages.
    connect_seconds, answer_seconds : float
        Time limits for the connection and for the whole response.
    """

    def __init__(self, server: str, *, connect_seconds: float = 5.0, answer_seconds: float = 15.0) -> None:
        self._server = server
        self._limits = (connect_seconds, answer_seconds)
        self._warming: set[asyncio.Task[None]] = set()
        self._warms_soon: asyncio.TimerHandle | None = None
        self._used_at = -math.inf

    def warm_up(self, url: str) -> None:
        """Open the connection soon, without waiting and without credentials; not if it was used just now."""
        self._warms_no_more()
        if time.monotonic() - self._used_at >= _FRESH_SECONDS:
            self._warms_soon = asyncio.get_running_loop().call_later(_IMMINENT_SECONDS, self._warm_now, url)

    def _warms_no_more(self) -> None:
        if self._warms_soon is not None:
            self._warms_soon.cancel()
            self._warms_soon = None

    def _warm_now(self, url: str) -> None:
        task = asyncio.get_running_loop().create_task(self._open(url))
        self._warming.add(task)
        task.add_done_callback(self._warming.discard)

    async def post(
        self, url: str, *, headers: Mapping[str, str] | None = None, secret: str | None = None, **body: Any
    ) -> httpx.Response:
        """Send one POST; see `request`."""
        return await self.request("POST", url, headers=headers, secret=secret, **body)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
        key_header: str = "Authorization",
        **body: Any,
    ) -> httpx.Response:
        """Send one request, once, and return the 2xx response.

        Parameters
        ----------
        method : str
            The method, such as ``"POST"``.
        url : str
            The URL.
        headers : mapping, optional
            Headers besides those of the body.
        secret : str, optional
            Sent as bearer token, and removed from quotes of the server's response.
        key_header : str
            The header that has the secret; any other than ``Authorization`` has it without ``Bearer``.
        **body
            ``content``, ``files`` or ``json`` of `httpx.AsyncClient.post`.

        Raises
        ------
        SignalingError
            The subclass names the failure.
        """
        import httpx

        connect_seconds, answer_seconds = self._limits
        sent = {**(headers or {}), "Accept-Encoding": "identity"}
        if secret:
            sent[key_header] = f"Bearer {secret}" if key_header == "Authorization" else secret
        failure: SignalingError
        try:
            async with asyncio.timeout(connect_seconds + answer_seconds):
                self._warms_no_more()
                # Wait for a connection that is still opening, so that the request uses it.
                if self._warming:
                    await asyncio.wait(set(self._warming), timeout=connect_seconds)
                async with _client().stream(method, url, headers=sent, timeout=self._timeout(), **body) as stream:
                    response = await _read(stream)
                self._used_at = time.monotonic()
        except httpx.ConnectTimeout:
            failure = SignalingTimeout(f"{self._server} could not be reached within {connect_seconds:g} s.")
        except (httpx.TimeoutException, TimeoutError):
            failure = SignalingTimeout(f"{self._server} did not answer within {answer_seconds:g} s.")
        except httpx.DecodingError as error:
            failure = InvalidAnswer(f"{self._server} sent a response that cannot be decompressed: {error}.")
        except httpx.HTTPError as error:
            failure = self._unreachable(error, url)
        except (httpx.InvalidURL, UnicodeError) as error:
            failure = ServerNotFound(f"The URL {without_secrets(url)!r} is invalid: {error}.")
        else:
            if response.is_success:
                return response
            failure = error_from_response(response, self._server, secret=secret)
        # Raised outside of the handlers, so that no traceback leads to the request and its credentials.
        raise failure

    async def lines(
        self, method: str, url: str, *, headers: Mapping[str, str], secret: str | None, silence: float
    ) -> AsyncGenerator[str, None]:
        """Send one request and yield the lines of its response, which may stay open.

        Parameters
        ----------
        method, url, headers, secret
            As for `request`.
        silence : float
            How many seconds the server may send nothing.

        Raises
        ------
        SignalingError
            The subclass names the failure; also when the response breaks off.
        """
        import httpx

        sent = {**headers, "Accept-Encoding": "identity", **({"Authorization": f"Bearer {secret}"} if secret else {})}
        connect, answer = self._limits
        timeout = httpx.Timeout(answer, connect=connect, read=silence)
        failure: SignalingError
        try:
            async with _client().stream(method, url, headers=sent, timeout=timeout) as stream:
                if stream.is_success:
                    async for line in stream.aiter_lines():
                        yield line
                    return
                failure = error_from_response(await _read(stream), self._server, secret=secret)
        except httpx.TimeoutException:
            failure = SignalingTimeout(f"{self._server} did not answer in time.")
        except httpx.DecodingError as error:
            failure = InvalidAnswer(f"{self._server} sent a response that cannot be decompressed: {error}.")
        except httpx.HTTPError as error:
            failure = self._unreachable(error, url)
        except (httpx.InvalidURL, UnicodeError) as error:
            failure = ServerNotFound(f"The URL {without_secrets(url)!r} is invalid: {error}.")
        # As in `request`: outside of the handlers.
        raise failure

    async def _open(self, url: str) -> None:
        import httpx

        try:
            await _client().head(url, timeout=self._timeout())
            self._used_at = time.monotonic()
        except (httpx.HTTPError, httpx.InvalidURL):
            return  # The exchange fails in the same way and reports it.

    def _timeout(self) -> httpx.Timeout:
        import httpx

        connect, answer = self._limits
        return httpx.Timeout(answer, connect=connect)

    def _unreachable(self, error: Exception, url: str) -> SignalingError:
        causes = list(_causes(error))
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return HostNotFound(f"The host of {without_secrets(url)} is unknown.")
        tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
        if tls is not None:
            return InsecureServer(f"No secure connection to {self._server}: {tls.reason or tls}.")
        return ServerUnreachable(f"{self._server} cannot be reached: {error or type(error).__name__}.")


def error_from_response(response: httpx.Response, server: str, *, secret: str | None = None) -> SignalingError:
    """Return the error for a response that is not 2xx; `secret` is removed from its text."""
    code, message = _error_body(redacted(response.text, secret))
    kind = _ERRORS_BY_CODE.get(code) or _ERRORS_BY_STATUS.get(response.status_code, ServerError)
    quote = f": {message}" if message else "."
    return kind(f"{server} answered {response.status_code}{quote}", status=response.status_code)


async def _read(stream: httpx.Response) -> httpx.Response:
    """Return the response with at most one byte more than an answer may have; the rest is not read."""
    import httpx

    body = bytearray()
    async for piece in stream.aiter_bytes(65_536):
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            break
    # The body is decompressed already.
    encoding = {"content-encoding", "content-length", "transfer-encoding"}
    headers = [(name, value) for name, value in stream.headers.raw if name.decode("latin-1").lower() not in encoding]
    kept = bytes(body[: MAX_ANSWER_BYTES + 1])
    return httpx.Response(stream.status_code, headers=headers, content=kept, request=stream.request)


def _client() -> httpx.AsyncClient:
    """Return the connection pool of the running loop."""
    import httpx

    loop = asyncio.get_running_loop()
    client = _CLIENTS.get(loop)
    if client is None:
        client = _CLIENTS[loop] = httpx.AsyncClient(
            follow_redirects=False,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=_KEPT_SECONDS),
        )
    return client


def redacted(text: str, secret: str | None) -> str:
    """Return a server's text without the key that was sent; must be called before the text is shortened."""
    return text.replace(secret, "[key]") if secret else text


def answer_sdp(response: httpx.Response, server: str, *, redact: Callable[[str], str] = lambda text: text) -> str:
    """Return the unchanged body of a 2xx response as SDP.

    Parameters
    ----------
    response : httpx.Response
        The response.
    server : str
        The name of the server in error messages.
    redact : callable, optional
        Removes secrets from a text that is quoted in the error.

    Raises
    ------
    InvalidAnswer
        If the body is not SDP.
    """
    if len(response.content) > MAX_ANSWER_BYTES:
        raise InvalidAnswer(f"{server} did not return an SDP answer: its response exceeds {MAX_ANSWER_BYTES} bytes.")
    text = response.text
    if not text.startswith("v=0"):
        quote = _shortened(redact(text)) or "nothing"
        raise InvalidAnswer(f"{server} did not return an SDP answer: {quote}")
    return text


def _error_body(text: str) -> tuple[str, str]:
    """Return code and message of an error body in OpenAI's or FastAPI's format, else an empty code and the body."""
    try:
        body = json.loads(text)
        if isinstance(detail := body.get("detail"), str):
            return "", _shortened(detail)
        error = body["error"]
        message, code = error.get("message"), error.get("code")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", _shortened(text)
    return (code if isinstance(code, str) else ""), _shortened(str(message or ""))


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _MAX_QUOTE_LENGTH else words[:_MAX_QUOTE_LENGTH] + "…"


def _causes(error: BaseException | None) -> Any:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
