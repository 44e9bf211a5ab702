"""The OpenAI Realtime API, and every server with its endpoint ``/v1/realtime/calls``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import quote, urlsplit, urlunsplit

from rtc_widget._deprecated import warn_renamed
from rtc_widget._unicode import well_formed_json
from rtc_widget._urls import credentials_of, without_secrets
from rtc_widget.errors import (
    InvalidAnswer,
    InvalidIceServers,
    InvalidOffer,
    InvalidSession,
    ServerNotFound,
    SignalingError,
)
from rtc_widget.protocols.realtime.client_events import update_session
from rtc_widget.protocols.realtime.session_settings import SessionObject, merged, require_json, session_settings
from rtc_widget.signaling.base import Answer, ClientSecret, Progress
from rtc_widget.signaling.http import SignalingClient, answer_sdp, redacted
from rtc_widget.signaling.ice_servers import (
    IceServers,
    checked_ice_servers,
    ice_servers_of_environment,
    ice_servers_to_wire,
)
from rtc_widget.signaling.keys import is_openai, key_reader, openai_variable

if TYPE_CHECKING:
    import httpx

DEFAULT_MODEL = "gpt-realtime-2.1"
DEFAULT_BASE_URL = "https://api.openai.com/v1"

_UNSUPPORTED_MEDIA_TYPE = 415

_ID_NAMES = ("id", "call_id", "session_id")
"""What servers that answer in JSON call the id of a call."""

_SECRET_SECONDS = 60
"""A page uses its secret within a second; the service allows 10 to 7200."""

# Without it the service sends no transcript of the input. This model has no announced end of life.
_DEFAULT_SESSION: Mapping[str, Any] = {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}}


Offer = Literal["multipart", "sdp", "json", "secret"]
HangUp = Literal["post", "delete"]
SettingsIn = Literal["offer", "update"]


class OpenAI:
    """Calls the OpenAI Realtime API (GA) or a compatible server.

    Parameters
    ----------
    api_key : str or callable, optional
        The key, or a function that returns it. Default: for OpenAI's own hosts, over https, the environment variable
        ``OPENAI_API_KEY``, read for each call; for other servers no key. The key is sent only to the server.
    model : str
        The realtime model.
    base_url : str
        The base URL of the API, with ``/v1``.
    organization, project : str, optional
        Sent as ``OpenAI-Organization`` and ``OpenAI-Project``.
    safety_identifier : str, optional
        A stable, privacy-preserving id of the end user, sent as ``OpenAI-Safety-Identifier``.
    extra_session : mapping, optional
        Session settings that are sent without a check.
    offer : {"multipart", "sdp", "json", "secret"}, optional
        How the offer is sent: with the session in a multipart body; alone as ``application/sdp``; with the session as
        JSON; or as ``application/sdp`` with a client secret that has the session, else as multipart with it. Default:
        multipart, and ``application/sdp`` if the server refuses that with status 415.
    settings : {"offer", "update"}, optional
        Where the session settings are sent: with the offer, or as a settings event as soon as the data channel is
        open. Default: with the offer if it can carry them.
    hang_up : {"post", "delete"}, optional
        How a call is ended: ``POST …/hangup``, or ``DELETE`` of the call. Default: POST, and DELETE if the server
        does not know that path.
    ice_servers : iterable or "fetch", optional
        STUN and TURN servers for the page: URLs or W3C ``RTCIceServer`` dictionaries. ``"fetch"`` requests them from
        the server (``GET …/realtime/ice-servers``) before each call. Default: the environment variable
        ``RTC_WIDGET_ICE_SERVERS``.
    **session
        Session settings such as ``instructions``, ``voice``, ``turn_detection`` or ``tools``
        (see `rtc_widget.protocols.realtime.session_settings.session_settings`).

    Raises
    ------
    InvalidSession
        If a session setting is unknown.
    ValueError, TypeError
        If `offer`, `settings`, `hang_up` or `ice_servers` has a wrong value.

    Notes
    -----
    Sends ``POST /v1/realtime/calls``. There are no retries: a repeated POST could start, and bill, a second call.
    Status 415 alone is followed by another POST, since the server has begun nothing then.

    Examples
    --------
    >>> OpenAI(instructions="Answer in one sentence.", voice="marin")
    OpenAI(model='gpt-realtime-2.1', base_url='https://api.openai.com/v1')
    """

    protocol = "realtime"

    _default_session: Mapping[str, Any] = _DEFAULT_SESSION
    _key_variable: str | None = None
    _needs_key = False
    _key_header = "Authorization"

    def __init__(
        self,
        api_key: str | Callable[[], str] | None = None,
        model: str = DEFAULT_MODEL,
        *,
        base_url: str = DEFAULT_BASE_URL,
        organization: str | None = None,
        project: str | None = None,
        safety_identifier: str | None = None,
        extra_session: Mapping[str, Any] | None = None,
        offer: Offer | None = None,
        settings: SettingsIn | None = None,
        hang_up: HangUp | None = None,
        ice_servers: IceServers | Literal["fetch"] | None = None,
        **session: Any,
    ) -> None:
        if model.startswith("gpt-live") and not model.startswith("gpt-live-transcribe"):
            raise InvalidSession(
                f"{model!r} is a model of GPT-Live, not of the Realtime API.",
                hint=f"Use OpenAILive(model={model!r}) from rtc_widget.",
            )
        self.model = model
        self.base_url, auth = checked_url(base_url)
        # In a closure, as the key. In the URL it would be in the log of httpx, and cross to the page.
        self._auth: Callable[[], dict[str, Any]] = lambda: {"auth": auth} if auth is not None else {}
        chosen = merged(session_settings(session), extra_session or {})
        self.session: SessionObject = merged({"type": "realtime", "model": model}, self._default_session, chosen)
        require_json(self.session)
        # What the user has chosen; the defaults are OpenAI's, and other servers have their own.
        named = {} if model == DEFAULT_MODEL else {"model": model}
        self._chosen: SessionObject = merged({"type": "realtime"}, named, chosen)
        self._offer: Offer | None = _one_of("offer", offer, get_args(Offer))
        self._settings: SettingsIn | None = _one_of("settings", settings, get_args(SettingsIn))
        self._hang_up: HangUp | None = _one_of("hang_up", hang_up, get_args(HangUp))
        if self._offer == "sdp" and self._settings == "offer":
            raise ValueError('settings must be "update" with offer="sdp": an SDP offer carries no settings.')
        self._fetches_ice_servers = isinstance(ice_servers, str) and ice_servers == "fetch"
        self._ice_servers = checked_ice_servers(None if ice_servers == "fetch" else ice_servers)
        names = {
            "OpenAI-Organization": organization,
            "OpenAI-Project": project,
            "OpenAI-Safety-Identifier": safety_identifier,
        }
        self._headers = {name: value for name, value in names.items() if value}
        # In a closure, not in an attribute: code that walks or prints this object must not find the key.
        self._read_key, self._redact_keys = key_reader(
            api_key,
            self._key_variable or openai_variable(self.base_url),
            is_needed=self._is_openai or self._needs_key,
        )
        self._client = SignalingClient(self.name)

    @property
    def _is_openai(self) -> bool:
        return is_openai(self.base_url)

    @property
    def name(self) -> str:
        """``"OpenAI"`` or the host of another server, and the model; another server may have no model of that name."""
        host = "OpenAI" if self._is_openai else urlsplit(self.base_url).hostname or ""
        return f"{host} · {self.model}" if self._is_openai or self.model != DEFAULT_MODEL else host

    @property
    def data_channel_label(self) -> str:
        """``oai-events``."""
        return "oai-events"

    @property
    def ice_servers(self) -> Sequence[Mapping[str, Any]]:
        """The given ICE servers, those of the environment, or those that the server has named last.

        OpenAI itself can be reached directly and offers no TURN server.
        """
        return ice_servers_of_environment() if self._ice_servers is None else self._ice_servers

    @property
    def needs_candidates(self) -> bool:
        """Whether the offer must contain the page's candidates.

        OpenAI's servers have public addresses, and its own libraries do not wait for candidates. Another server may
        have to send the first check. Where ICE servers are used, the direct path may be closed.
        """
        return not self._is_openai or self._fetches_ice_servers or bool(self.ice_servers)

    def redacted(self, text: str) -> str:
        """Return a text without the keys that this object has used."""
        return self._redact_keys(text)

    def warm_up(self) -> None:
        """Open the https connection soon, without the key; called on the I/O thread when a person is about to call."""
        self._client.warm_up(f"{self.base_url}/realtime/calls")

    async def prepare(self, progress: Progress) -> None:
        """Check that there is a key, and start to open the https connection; fetch the ICE servers if requested."""
        await self._key()
        self.warm_up()
        if self._fetches_ice_servers:
            response = await self._request("GET", "/realtime/ice-servers")
            self._ice_servers = _ice_servers_in(response, self.name)

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send offer and session to ``/realtime/calls``; the call id comes from the ``Location`` header."""
        if self._offer == "secret":
            try:
                return await self._exchange("sdp", offer, session, with_secret=True)
            except SignalingError as error:
                if error.status != _UNSUPPORTED_MEDIA_TYPE:
                    raise
            return await self._exchange("multipart", offer, session, with_secret=True)
        if self._offer is not None:
            return await self._exchange(self._offer, offer, session)
        try:
            return await self._exchange("multipart", offer, session)
        except SignalingError as error:
            if error.status != _UNSUPPORTED_MEDIA_TYPE:
                raise
        if self._settings == "offer":
            raise InvalidOffer(
                f"{self.name} does not take settings with the offer (status {_UNSUPPORTED_MEDIA_TYPE}).",
                hint='Use settings="update", which sends them when the data channel is open.',
            )
        self._offer = "sdp"
        return await self._exchange("sdp", offer, session)

    async def _exchange(
        self, body_type: Offer, offer: str, session: Mapping[str, Any], *, with_secret: bool = False
    ) -> Answer:
        updates = self._settings == "update" or (body_type == "sdp" and not with_secret)
        settings = {"type": "realtime", "model": self.model} if updates else merged(self.session, session)
        headers = {"Accept": "application/sdp"}
        secret = await self._client_secret(settings) if with_secret else None
        if body_type == "multipart":
            body = _multipart(offer, settings)
        elif body_type == "json":
            headers = {"Accept": "application/json"}
            body = {"json": well_formed_json({"sdp": offer, "model": self.model, "session": settings})}
        else:
            headers["Content-Type"] = "application/sdp"
            body = {"content": offer.encode()}
        named = body_type == "sdp" and not with_secret and self.model != DEFAULT_MODEL
        path = f"/realtime/calls?model={quote(self.model, safe='')}" if named else "/realtime/calls"
        response = await self._request("POST", path, headers=headers, secret=secret, **body)
        call_id = _last_part(response.headers.get("Location", ""))
        try:
            sdp, call_id = _answer_in(
                response, self.name, call_id, redact=lambda text: redacted(self.redacted(text), secret)
            )
        except SignalingError:
            if call_id is not None:
                # Report the first error, not one of hanging up.
                with contextlib.suppress(SignalingError):
                    await self.hang_up(call_id)
            raise
        return Answer(sdp, call_id, self._update(session) if updates else ())

    def _update(self, session: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return the events that send the settings; none if nothing was chosen."""
        settings = merged(self._chosen, session)
        return [update_session(settings)] if settings.keys() - {"type"} else []

    async def mint(self, session: Mapping[str, Any]) -> ClientSecret:
        """Create a secret; the old name of `create_client_secret`."""
        warn_renamed("OpenAI.mint", "OpenAI.create_client_secret")
        return await self.create_client_secret(session)

    async def create_client_secret(self, session: Mapping[str, Any]) -> ClientSecret:
        """Create a secret that can start calls with this session for one minute (``POST /realtime/client_secrets``)."""
        updates = self._settings == "update"
        settings = {"type": "realtime", "model": self.model} if updates else merged(self.session, session)
        value = await self._client_secret(settings)
        return ClientSecret(value, f"{self.base_url}/realtime/calls", self._update(session) if updates else ())

    async def _client_secret(self, settings: Mapping[str, Any]) -> str:
        response = await self._request(
            "POST",
            "/realtime/client_secrets",
            json={
                "expires_after": {"anchor": "created_at", "seconds": _SECRET_SECONDS},
                # httpx writes JSON without escapes.
                "session": well_formed_json(settings),
            },
        )
        try:
            value = response.json()["value"]
        except (ValueError, KeyError, TypeError, RecursionError):
            value = None
        if not isinstance(value, str) or not value:
            raise InvalidAnswer(f"{self.name} did not return a client secret.")
        return value

    async def hang_up(self, call_id: str) -> None:
        """End the call; does not fail if the call has ended already."""
        call = f"/realtime/calls/{quote(call_id, safe='')}"
        if self._hang_up != "delete":
            status = await self._end_by("POST", f"{call}/hangup")
            knows_path = self._is_openai or self._hang_up == "post" or status not in (404, 405)
            if knows_path:
                return
        await self._end_by("DELETE", call)

    async def _end_by(self, method: str, path: str) -> int | None:
        """End a call; return the status of a refusal by which the call or the path is unknown."""
        try:
            await self._request(method, path)
        except SignalingError as error:
            # `call_id_not_found` has status 404 or 400.
            if error.status not in (400, 404, 405):
                raise
            return error.status
        return None

    async def _key(self) -> str:
        return self._read_key()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
        **body: Any,
    ) -> httpx.Response:
        """Send a request with the key, or with a client secret in its place."""
        key = await self._key() if secret is None else ""
        return await self._client.request(
            method,
            f"{self.base_url}{path}",
            headers={**self._headers, **(headers or {})},
            secret=secret or key or None,
            key_header=self._key_header if secret is None else "Authorization",
            **({} if secret else self._auth()),
            **body,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(model={self.model!r}, base_url={without_secrets(self.base_url)!r})"


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    if value is not None and value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))} or None, got {value!r}.")
    return value


def _multipart(offer: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "files": {
            "sdp": (None, offer, "application/sdp"),
            "session": (None, json.dumps(settings, allow_nan=False), "application/json"),
        }
    }


def _answer_in(
    response: httpx.Response, server: str, call_id: str | None, *, redact: Callable[[str], str]
) -> tuple[str, str | None]:
    """Return the answer of a 2xx response, which is SDP or JSON with ``sdp``, and the id of the call."""
    if not response.headers.get("Content-Type", "").startswith("application/json"):
        return answer_sdp(response, server, redact=redact), call_id
    try:
        body = response.json()
        sdp = body["sdp"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return answer_sdp(response, server, redact=redact), call_id
    found = next((body[name] for name in _ID_NAMES if isinstance(body.get(name), str)), call_id)
    if not isinstance(sdp, str) or not sdp.startswith("v=0"):
        raise InvalidAnswer(f"{server} did not return an SDP answer: its JSON has another 'sdp'.")
    return sdp, found


def _ice_servers_in(response: httpx.Response, server: str) -> list[dict[str, Any]]:
    """Return the ICE servers of a response: a list, or an object with ``ice_servers`` or ``iceServers``."""
    try:
        body = response.json()
        listed = body if isinstance(body, list) else body.get("ice_servers", body.get("iceServers"))
        return ice_servers_to_wire(listed)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise InvalidIceServers(
            f"{server} did not return a list of ICE servers.", hint="Pass ice_servers=[…] instead of 'fetch'."
        ) from None


def _last_part(location: str) -> str | None:
    """Return the last part of a URL's path; None if it is empty or the URL is invalid."""
    try:
        return urlsplit(location).path.rstrip("/").rpartition("/")[2] or None
    except ValueError:
        return None


def checked_url(base_url: str) -> tuple[str, tuple[str, str] | None]:
    """Return a base URL without user name and password, and these."""
    parts = urlsplit(base_url)
    try:
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the text of this error may hold a part of a password
        is_valid = False
    if not is_valid:
        raise ServerNotFound(
            f"base_url must be an http or https URL, got {without_secrets(base_url)!r}.",
            hint=f"Example: {DEFAULT_BASE_URL}",
        )
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host)).rstrip("/"), credentials_of(base_url)
