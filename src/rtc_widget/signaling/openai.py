"""The OpenAI Realtime API, and every server with its endpoint ``/v1/realtime/calls``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from rtc_widget._deprecated import warn_renamed
from rtc_widget._unicode import well_formed_json
from rtc_widget._urls import credentials_of, without_secrets
from rtc_widget.errors import InvalidAnswer, InvalidOffer, InvalidSession, MissingKey, ServerNotFound, SignalingError
from rtc_widget.protocols.realtime.session_settings import SessionObject, merged, require_json, session_settings
from rtc_widget.saved.redaction import REMOVED
from rtc_widget.signaling.base import Answer, ClientSecret, Progress
from rtc_widget.signaling.http import SignalingClient, answer_sdp

DEFAULT_MODEL = "gpt-realtime-2.1"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"

# Strings in a text that may be a key, between quotes, spaces, "=" and similar.
_WORD = re.compile(r"[\w~+/-][\w.~+/-]{6,}[\w~+/-]")

_SECRET_SECONDS = 60
"""A page uses its secret within a second; the service allows 10 to 7200."""

# Without it the service sends no transcript of the input. This model has no announced end of life.
_DEFAULT_SESSION: Mapping[str, Any] = {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}}


class OpenAI:
    """Calls the OpenAI Realtime API (GA) or a compatible server.

    Parameters
    ----------
    api_key : str or callable, optional
        The key, or a function that returns it. Default: the environment variable ``OPENAI_API_KEY``, read for each
        call. The key is sent only to the server.
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
    **session
        Session settings such as ``instructions``, ``voice``, ``turn_detection`` or ``tools``
        (see `rtc_widget.protocols.realtime.session_settings.session_settings`).

    Raises
    ------
    InvalidSession
        If a session setting is unknown.

    Notes
    -----
    Sends ``POST /v1/realtime/calls`` with a multipart body of ``sdp`` and ``session``. There are no retries: a repeated
    POST could start, and bill, a second call.

    Examples
    --------
    >>> OpenAI(instructions="Answer in one sentence.", voice="marin")
    OpenAI(model='gpt-realtime-2.1', base_url='https://api.openai.com/v1')
    """

    protocol = "realtime"

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
        self.session: SessionObject = merged(
            {"type": "realtime", "model": model}, _DEFAULT_SESSION, session_settings(session), extra_session or {}
        )
        require_json(self.session)
        names = {
            "OpenAI-Organization": organization,
            "OpenAI-Project": project,
            "OpenAI-Safety-Identifier": safety_identifier,
        }
        self._headers = {name: value for name, value in names.items() if value}
        # In a closure, not in an attribute: code that walks or prints this object must not find the key.
        self._read_key, self._redact_keys = _key_reader(api_key)
        self._client = SignalingClient(self.name)

    @property
    def name(self) -> str:
        """``"OpenAI"`` or the host of another server, and the model."""
        host = urlsplit(self.base_url).hostname or ""
        is_openai = host == "openai.com" or host.endswith(".openai.com")
        return f"{'OpenAI' if is_openai else host} · {self.model}"

    @property
    def data_channel_label(self) -> str:
        """``oai-events``."""
        return "oai-events"

    @property
    def ice_servers(self) -> Sequence[Mapping[str, Any]]:
        """Empty: the service can be reached directly and offers no TURN server."""
        return ()

    def redacted(self, text: str) -> str:
        """Return a text without the keys that this object has used."""
        return self._redact_keys(text)

    async def prepare(self, progress: Progress) -> None:
        """Check that there is a key, and start to open the https connection."""
        self._read_key()
        self._client.warm_up(f"{self.base_url}/realtime/calls")

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send offer and session to ``/realtime/calls``; the call id comes from the ``Location`` header."""
        key = self._read_key()
        files = {
            "sdp": (None, offer, "application/sdp"),
            "session": (None, json.dumps(merged(self.session, session), allow_nan=False), "application/json"),
        }
        response = await self._client.post(
            f"{self.base_url}/realtime/calls",
            headers={**self._headers, "Accept": "application/sdp"},
            secret=key,
            files=files,
            **self._auth(),
        )
        call_id = _last_part(response.headers.get("Location", ""))
        try:
            return Answer(answer_sdp(response, self.name, secret=key), call_id)
        except SignalingError:
            if call_id is not None:
                # Report the first error, not one of hanging up.
                with contextlib.suppress(SignalingError):
                    await self.hang_up(call_id)
            raise

    async def mint(self, session: Mapping[str, Any]) -> ClientSecret:
        """Create a secret; the old name of `create_client_secret`."""
        warn_renamed("OpenAI.mint", "OpenAI.create_client_secret")
        return await self.create_client_secret(session)

    async def create_client_secret(self, session: Mapping[str, Any]) -> ClientSecret:
        """Create a secret that can start calls with this session for one minute (``POST /realtime/client_secrets``)."""
        response = await self._client.post(
            f"{self.base_url}/realtime/client_secrets",
            headers=self._headers,
            secret=self._read_key(),
            **self._auth(),
            json={
                "expires_after": {"anchor": "created_at", "seconds": _SECRET_SECONDS},
                # httpx writes JSON without escapes.
                "session": well_formed_json(merged(self.session, session)),
            },
        )
        try:
            value = response.json()["value"]
        except (ValueError, KeyError, TypeError, RecursionError):
            value = None
        if not isinstance(value, str) or not value:
            raise InvalidAnswer(f"{self.name} did not return a client secret.")
        return ClientSecret(value, f"{self.base_url}/realtime/calls")

    async def hang_up(self, call_id: str) -> None:
        """End the call; does not fail if the call has ended already."""
        try:
            await self._client.post(
                f"{self.base_url}/realtime/calls/{quote(call_id, safe='')}/hangup",
                headers=self._headers,
                secret=self._read_key(),
                **self._auth(),
            )
        except (ServerNotFound, InvalidOffer):
            return  # `call_id_not_found` has status 404 or 400.

    def __repr__(self) -> str:
        return f"OpenAI(model={self.model!r}, base_url={without_secrets(self.base_url)!r})"


def _key_reader(api_key: str | Callable[[], str] | None) -> tuple[Callable[[], str], Callable[[str], str]]:
    """Return a function that reads the key, and one that removes every key read so far from a text."""
    used: set[bytes] = set()  # digests, so that no key is kept

    def read() -> str:
        key = api_key() if callable(api_key) else api_key or os.environ.get(KEY_VARIABLE, "")
        if not isinstance(key, str) or not (key := key.strip()):
            raise MissingKey(
                "No API key was found.", hint=f"Set {KEY_VARIABLE} before the kernel starts, or pass api_key=…"
            )
        if not key.isascii() or not key.isprintable():
            raise MissingKey("The API key contains invalid characters.", hint="Copy it again.")
        used.add(_digest(key))
        return key

    def redact(text: str) -> str:
        given = api_key if isinstance(api_key, str) else os.environ.get(KEY_VARIABLE, "")
        if given.strip():
            text = text.replace(given.strip(), REMOVED)
        return _WORD.sub(lambda word: REMOVED if _digest(word[0]) in used else word[0], text) if used else text

    return read, redact


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


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
