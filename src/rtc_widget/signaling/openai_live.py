"""OpenAI GPT-Live, and every server with its endpoint ``/v1/live/sessions``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from rtc_widget._unicode import well_formed_json
from rtc_widget._urls import without_secrets
from rtc_widget.errors import (
    ClientSecretsUnsupported,
    InvalidOffer,
    InvalidSession,
    ServerNotFound,
)
from rtc_widget.protocols.live.facts import tools_in
from rtc_widget.protocols.live.session_settings import check_session, no_model, session_settings
from rtc_widget.protocols.realtime.session_settings import SessionObject, merged
from rtc_widget.signaling.base import Answer, ClientSecret, Progress
from rtc_widget.signaling.http import SignalingClient, redacted
from rtc_widget.signaling.ice_servers import IceServers, checked_ice_servers, ice_servers_of_environment
from rtc_widget.signaling.keys import is_openai, key_reader, openai_variable
from rtc_widget.signaling.live_answer import live_answer
from rtc_widget.signaling.openai import DEFAULT_BASE_URL, checked_url

DEFAULT_LIVE_MODEL = "gpt-live-1.1"

BackendFunction = Callable[[Any], Any]
"""Takes what the user has asked for, or the whole conversation, and returns or yields text; sync or async."""

_NO_SECRETS = 'GPT-Live has no client secrets, so exchange="browser" is not possible.'


@dataclass(frozen=True, slots=True)
class ResponsesBackend:
    """A model of the Responses API that does the work which the voice model hands over; OpenAI runs it.

    Parameters
    ----------
    model : str
        The model, such as ``"gpt-6-luna"``.
    instructions : str, optional
        Its instructions. What it writes is read aloud, so ask for plain sentences without markup.
    tools : iterable of dict
        Descriptions of hosted tools, such as ``{"type": "web_search"}``. Python functions are given by ``@chat.tool``.
    parallel_tool_calls : bool
        Whether one response may call several functions. The default is False: a voice says one thing at a time.
    options : mapping
        Further settings of the backend: ``tool_choice``, ``reasoning``, ``text``, ``max_output_tokens``,
        ``service_tier``.

    Examples
    --------
    >>> ResponsesBackend("gpt-6-luna", instructions="Plain sentences only.").to_wire()["parallel_tool_calls"]
    False
    """

    model: str
    instructions: str | None = None
    tools: Iterable[Mapping[str, Any]] = ()
    parallel_tool_calls: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_wire(self) -> dict[str, Any]:
        """Return the settings as the service takes them."""
        tools = [dict(tool) for tool in self.tools]
        return {
            "model": self.model,
            **({} if self.instructions is None else {"instructions": self.instructions}),
            **({"tools": tools} if tools else {}),
            "parallel_tool_calls": self.parallel_tool_calls,
            **self.options,
        }


class OpenAILive:
    """Calls OpenAI GPT-Live, or a compatible server.

    The voice model listens while it speaks. It has no tools of its own: it hands work over to a `backend`.

    Parameters
    ----------
    api_key : str or callable, optional
        The key, or a function that returns it. Default: for OpenAI's own hosts, over https, the environment variable
        ``OPENAI_API_KEY``, read for each call; other servers need one. The key is sent only to the server.
    model : str
        The voice model.
    backend : str, ResponsesBackend or callable, optional
        What does the work that the voice model hands over. A model of the Responses API: its name, or a
        `ResponsesBackend` with settings; functions of ``@chat.tool`` need it. A sync or async Python function: it takes
        what the user has said (or, if its parameter is named ``conversation`` or ``messages``, the whole conversation
        as a list of dictionaries with `role` and `content`); the voice says what it returns or yields. None: nothing;
        the voice declines.
    voice : str or mapping, optional
        A built-in voice such as ``"marin"``, or ``{"id": "voice_…"}``.
    instructions : str, optional
        For the voice: its manner, and when to hand over work.
    idle_timeout : int, optional
        Seconds without speech after which the service pauses the session, which costs less. Speech resumes it.
    store : bool
        Whether OpenAI keeps a recording for 30 days.
    safety_identifier : str, optional
        A stable, privacy-preserving id of the end user.
    base_url : str
        The base URL of the API, with ``/v1``; for Azure ``https://<resource>.openai.azure.com/openai/v1``.
    organization, project : str, optional
        Sent as ``OpenAI-Organization`` and ``OpenAI-Project``.
    ice_servers : iterable, optional
        STUN and TURN servers for the page: URLs or W3C ``RTCIceServer`` dictionaries. Default: the environment variable
        ``RTC_WIDGET_ICE_SERVERS``.
    extra_session : mapping, optional
        Session settings that are sent without a check.
    **session
        Further settings of the session (see `rtc_widget.protocols.live.session_settings.session_settings`).

    Raises
    ------
    InvalidSession
        If a session setting is unknown or does not exist in GPT-Live; the message has its path.
    TypeError
        If `backend` or `ice_servers` has a wrong type.

    Notes
    -----
    Sends ``POST /v1/live/sessions``. Each session is billed for at least 15 seconds, so there are no retries, and a
    session that cannot be used is hung up. There are no client secrets: the kernel exchanges the offer.

    Examples
    --------
    >>> OpenAILive(instructions="Speak plainly.", voice="marin", backend="gpt-6-luna")
    OpenAILive(model='gpt-live-1.1', base_url='https://api.openai.com/v1')
    """

    protocol = "live"
    client_secrets = False
    data_channel_label = "oai-events"

    def __init__(
        self,
        api_key: str | Callable[[], str] | None = None,
        model: str = DEFAULT_LIVE_MODEL,
        *,
        backend: str | ResponsesBackend | BackendFunction | None = None,
        voice: str | Mapping[str, Any] | None = None,
        instructions: str | None = None,
        idle_timeout: int | None = None,
        store: bool = False,
        safety_identifier: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        organization: str | None = None,
        project: str | None = None,
        ice_servers: IceServers | None = None,
        extra_session: Mapping[str, Any] | None = None,
        **session: Any,
    ) -> None:
        if model.startswith("gpt-realtime"):
            raise InvalidSession(
                f"{model!r} is a model of the Realtime API.", hint=f"Use OpenAI(model={model!r}) from rtc_widget."
            )
        self.model = model
        self.base_url, auth = checked_url(base_url)
        # In a closure, as the key. In the URL it would be in the log of httpx, and cross to the page.
        self._auth: Callable[[], dict[str, Any]] = lambda: {"auth": auth} if auth is not None else {}
        given = {
            "instructions": instructions,
            "voice": voice,
            "idle_timeout": idle_timeout,
            "safety_identifier": safety_identifier,
        }
        settings = {name: value for name, value in given.items() if value is not None} | session
        self.delegate, delegation = _delegation(backend)
        self.takes_tools = self.delegate is None and backend is not None
        self.session: SessionObject = merged(
            {"model": model, "store": store}, delegation, session_settings(settings), extra_session or {}
        )
        self._unchecked = dict(extra_session or {})
        self._check(self.session)
        self.backend_tools = [dict(tool) for tool in tools_in(self.session)]
        names = {"OpenAI-Organization": organization, "OpenAI-Project": project}
        self._headers = {name: value for name, value in names.items() if value}
        self._ice_servers = checked_ice_servers(ice_servers)
        # In a closure, not in an attribute: code that walks or prints this object must not find the key.
        self._read_key, self._redact_keys = key_reader(api_key, openai_variable(self.base_url))
        self._client = SignalingClient(self.name)

    @property
    def name(self) -> str:
        """``"OpenAI"`` or the host of another server, and the model."""
        host = urlsplit(self.base_url).hostname or ""
        return f"{'OpenAI' if is_openai(self.base_url) else host} · {self.model}"

    @property
    def ice_servers(self) -> Sequence[Mapping[str, Any]]:
        """The given ICE servers, or those of the environment; OpenAI itself can be reached directly."""
        return ice_servers_of_environment() if self._ice_servers is None else self._ice_servers

    def redacted(self, text: str) -> str:
        """Return a text without the keys that this object has used."""
        return self._redact_keys(text)

    def warm_up(self) -> None:
        """Open the https connection soon, without the key; called on the I/O thread when a person is about to call."""
        self._client.warm_up(self._url())

    async def prepare(self, progress: Progress) -> None:
        """Check that there is a key, and start to open the https connection."""
        self._read_key()
        self.warm_up()

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send offer and session to ``/live/sessions``; the answer and the id of the session come as JSON."""
        key = self._read_key()
        settings = self._settings(session)
        response = await self._client.post(
            self._url(),
            headers={**self._headers, "Accept": "application/json"},
            secret=key,
            # httpx writes JSON without escapes.
            json={"session": well_formed_json(settings), "transport": {"type": "webrtc", "sdp": offer}},
            **self._auth(),
        )
        return await live_answer(
            response, self.name, hang_up=self.hang_up, redact=lambda text: redacted(self.redacted(text), key)
        )

    async def create_client_secret(self, session: Mapping[str, Any]) -> ClientSecret:
        """Raise `ClientSecretsUnsupported`."""
        raise ClientSecretsUnsupported(_NO_SECRETS, hint='Use exchange="kernel", which is the default.')

    async def hang_up(self, call_id: str) -> None:
        """End the session; does not fail if it has ended already."""
        try:
            await self._client.post(
                f"{self._url()}/{quote(call_id, safe='')}/hangup",
                headers=self._headers,
                secret=self._read_key(),
                **self._auth(),
            )
        except (ServerNotFound, InvalidOffer):
            return  # `session_id_not_found`

    def _url(self) -> str:
        return f"{self.base_url}/live/sessions"

    def _settings(self, session: Mapping[str, Any]) -> SessionObject:
        """Return the settings of a call, checked as the service checks them.

        Raises
        ------
        InvalidSession
            If they are wrong: the service would refuse them with the path.
        """
        given = session.get("delegation")
        asks_for_responses = isinstance(given, Mapping) and given.get("type") == "responses"
        if asks_for_responses and not self.takes_tools:
            raise no_model()
        settings = merged(self.session, session)
        if asks_for_responses and self.backend_tools:
            # The list of the widget must not replace the hosted tools.
            settings["delegation"]["responses"]["tools"] = [*self.backend_tools, *tools_in(session)]
        self._check(settings)
        return settings

    def _check(self, settings: Mapping[str, Any]) -> None:
        check_session({name: value for name, value in settings.items() if name not in self._unchecked})

    def __repr__(self) -> str:
        return f"OpenAILive(model={self.model!r}, base_url={without_secrets(self.base_url)!r})"


def _delegation(
    backend: str | ResponsesBackend | BackendFunction | None,
) -> tuple[BackendFunction | None, dict[str, Any]]:
    """Return the function of a backend, if it is one, and the session settings of the backend."""
    if isinstance(backend, str):
        backend = ResponsesBackend(backend)
    if isinstance(backend, ResponsesBackend):
        return None, session_settings({"delegation": {"type": "responses", "responses": backend.to_wire()}})
    if backend is None or callable(backend):
        return backend, {"delegation": {"type": "client"}}
    raise TypeError(f"backend must be a model's name, a ResponsesBackend, a function or None, got {backend!r:.100}.")
