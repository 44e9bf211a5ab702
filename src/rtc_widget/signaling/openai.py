"""The OpenAI Realtime API, and every server that speaks its ``/v1/realtime/calls``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from rtc_widget.errors import InvalidAnswer, InvalidOffer, MissingKey, ServerNotFound, SignalingError
from rtc_widget.protocols.realtime.session_settings import SessionObject, merged, session_settings
from rtc_widget.saved.redaction import REMOVED
from rtc_widget.signaling.base import Answer, ClientSecret, Progress
from rtc_widget.signaling.http import SignalingClient, answer_sdp

DEFAULT_MODEL = "gpt-realtime-2.1"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"

# What a key may stand as in a text, between quotes, blanks, "=" and the like.
_WORD = re.compile(r"[\w~+/-][\w.~+/-]{6,}[\w~+/-]")

_SECRET_SECONDS = 60
"""A page uses its secret within a second; the service allows 10 to 7200."""

# Without it the service does not say what it heard. This model has no announced end.
_DEFAULT_SESSION: Mapping[str, Any] = {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}}


class OpenAI:
    """Calls the OpenAI Realtime API (GA), or a server that is compatible with it.

    Parameters
    ----------
    api_key : str or callable, optional
        The key, or a function that returns it. Left out: the environment variable ``OPENAI_API_KEY``, read when a call
        is made. It is sent to the server and goes nowhere else.
    model : str
        The realtime model.
    base_url : str
        Where the API lives, with its ``/v1``.
    organization, project : str, optional
        Sent as ``OpenAI-Organization`` and ``OpenAI-Project``.
    safety_identifier : str, optional
        A stable, privacy-preserving name of the end user, sent as ``OpenAI-Safety-Identifier``.
    extra_session : mapping, optional
        Session settings that are sent without being checked.
    **session
        Session settings such as ``instructions``, ``voice``, ``turn_detection`` or ``tools``
        (see `rtc_widget.protocols.realtime.session_settings.session_settings`).

    Raises
    ------
    InvalidSession
        If a session setting is unknown.

    Notes
    -----
    Follows ``POST /v1/realtime/calls`` with a multipart body of ``sdp`` and ``session``. Nothing is tried twice: a
    repeated POST could start, and bill, a second call.

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
        self.model = model
        self.base_url = _checked_url(base_url)
        self.session: SessionObject = merged(
            {"type": "realtime", "model": model}, _DEFAULT_SESSION, session_settings(session), extra_session or {}
        )
        names = {
            "OpenAI-Organization": organization,
            "OpenAI-Project": project,
            "OpenAI-Safety-Identifier": safety_identifier,
        }
        self._headers = {name: value for name, value in names.items() if value}
        # Held by a closure and not by an attribute: nothing that walks or prints this object comes upon it.
        self._read_key, self._redact_keys = _key_reader(api_key)
        self._client = SignalingClient(self.name)

    @property
    def name(self) -> str:
        """``"OpenAI · "`` and the model, or the host when it is another server."""
        host = urlsplit(self.base_url).hostname or ""
        is_openai = host == "openai.com" or host.endswith(".openai.com")
        return f"{'OpenAI' if is_openai else host} · {self.model}"

    @property
    def data_channel_label(self) -> str:
        """``oai-events``."""
        return "oai-events"

    @property
    def ice_servers(self) -> Sequence[Mapping[str, Any]]:
        """None: the service is reachable directly and offers no TURN."""
        return ()

    def redacted(self, text: str) -> str:
        """Return a text without the keys that this has used."""
        return self._redact_keys(text)

    async def prepare(self, progress: Progress) -> None:
        """Check that there is a key and begin to open the https connection."""
        self._read_key()
        self._client.warm_up(f"{self.base_url}/realtime/calls")

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send offer and session to ``/realtime/calls``; the call id comes from the ``Location`` header."""
        key = self._read_key()
        files = {
            "sdp": (None, offer, "application/sdp"),
            "session": (None, json.dumps(merged(self.session, session)), "application/json"),
        }
        response = await self._client.post(
            f"{self.base_url}/realtime/calls",
            headers={**self._headers, "Accept": "application/sdp"},
            secret=key,
            files=files,
        )
        call_id = _last_part(response.headers.get("Location", ""))
        try:
            return Answer(answer_sdp(response, self.name, secret=key), call_id)
        except SignalingError:
            if call_id is not None:
                # Why there is no call is what counts.
                with contextlib.suppress(SignalingError):
                    await self.hang_up(call_id)
            raise

    async def create_client_secret(self, session: Mapping[str, Any]) -> ClientSecret:
        """Mint a secret that starts calls with this session for one minute (``POST /realtime/client_secrets``)."""
        response = await self._client.post(
            f"{self.base_url}/realtime/client_secrets",
            headers=self._headers,
            secret=self._read_key(),
            json={
                "expires_after": {"anchor": "created_at", "seconds": _SECRET_SECONDS},
                "session": merged(self.session, session),
            },
        )
        try:
            value = response.json()["value"]
        except (ValueError, KeyError, TypeError, RecursionError):
            value = None
        if not isinstance(value, str) or not value:
            raise InvalidAnswer(f"{self.name} answered with something that holds no client secret.")
        return ClientSecret(value, f"{self.base_url}/realtime/calls")

    async def hang_up(self, call_id: str) -> None:
        """End the call; one that has already ended is no error."""
        try:
            await self._client.post(
                f"{self.base_url}/realtime/calls/{quote(call_id, safe='')}/hangup",
                headers=self._headers,
                secret=self._read_key(),
            )
        except (ServerNotFound, InvalidOffer):
            return  # `call_id_not_found` comes as 404 or as 400.

    def __repr__(self) -> str:
        return f"OpenAI(model={self.model!r}, base_url={self.base_url!r})"


def _key_reader(api_key: str | Callable[[], str] | None) -> tuple[Callable[[], str], Callable[[str], str]]:
    """Return what reads the key, and what strikes every key out of a text that was read so far."""
    used: set[bytes] = set()  # digests: what was read is not kept

    def read() -> str:
        key = api_key() if callable(api_key) else api_key or os.environ.get(KEY_VARIABLE, "")
        if not isinstance(key, str) or not (key := key.strip()):
            raise MissingKey(
                "There is no API key.", hint=f"Set {KEY_VARIABLE} before the kernel starts, or pass api_key=…"
            )
        if not key.isascii() or not key.isprintable():
            raise MissingKey("The API key has characters that no key has.", hint="Copy it once more.")
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
    """Return the end of an address's path; None where there is none, or the address is none."""
    try:
        return urlsplit(location).path.rstrip("/").rpartition("/")[2] or None
    except ValueError:
        return None


def _checked_url(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerNotFound(f"base_url={base_url!r} is no http address.", hint=f"Example: {DEFAULT_BASE_URL}")
    return base_url.rstrip("/")
