"""Ephemeral keys (client secrets), with which a web page can begin sessions but cannot do anything else."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.messages import new_id
from rtc_widget.server.protocols.realtime.session_config import SessionConfig, new_session
from rtc_widget.server.strict_json import parse_json

MAX_KEYS = 1_000
"""Limit on valid keys, so that a program in a loop does not fill the memory."""

MAX_KEYS_BYTES = 16_000_000
"""Limit on the settings of all valid keys together, as JSON."""


@dataclass(frozen=True, slots=True)
class EphemeralKey:
    """A key that can begin any number of sessions with `settings` until it expires."""

    value: str = field(repr=False)
    expires_at: int
    settings: Mapping[str, Any]
    session: SessionConfig
    size: int = 0

    def to_wire(self) -> dict[str, Any]:
        """Return the response body of ``POST /v1/realtime/client_secrets``."""
        return {"value": self.value, "expires_at": self.expires_at, "session": self.session.to_wire()}


class _ClosedModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _ExpiresAfter(_ClosedModel):
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200)] = 600


class ClientSecretRequest(_ClosedModel):
    """The body of a request for a client secret."""

    expires_after: _ExpiresAfter = _ExpiresAfter()
    session: dict[str, Any] = {"type": "realtime"}


class EphemeralKeys:
    """The ephemeral keys of a server.

    Parameters
    ----------
    now : callable
        Returns the time in seconds since 1970.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._keys: dict[str, EphemeralKey] = {}

    def create_client_secret(self, body: bytes) -> EphemeralKey:
        """Create a key for the request `body`: a JSON object, or nothing.

        Raises
        ------
        ApiError
            When the body is invalid, or the server has `MAX_KEYS` keys or `MAX_KEYS_BYTES` of settings.
        """
        request = _parse_request(body)
        self._drop_expired()
        session = new_session(new_id("sess"), 0, request.session)
        size = len(json.dumps(request.session))
        if len(self._keys) >= MAX_KEYS or sum(key.size for key in self._keys.values()) + size > MAX_KEYS_BYTES:
            raise ApiError(
                "Too many ephemeral keys. Wait until one expires.",
                "rate_limit_exceeded",
                status=429,
                kind="rate_limit_error",
            )
        expires_at = round(self._now()) + request.expires_after.seconds
        key = EphemeralKey(f"ek_{secrets.token_hex(24)}", expires_at, request.session, session, size)
        self._keys[key.value] = key
        return key

    def find(self, value: str) -> EphemeralKey | None:
        """Return the key with that value, or None if it does not exist or has expired."""
        self._drop_expired()
        # The time of a lookup in a hash table reveals nothing about the key.
        return self._keys.get(value)

    def _drop_expired(self) -> None:
        now = self._now()
        self._keys = {value: key for value, key in self._keys.items() if key.expires_at > now}


def _parse_request(body: bytes) -> ClientSecretRequest:
    given = parse_json(body, "The body") if body.strip() else {}
    if not isinstance(given, dict):
        raise ApiError("The body must be a JSON object.", "invalid_value")
    try:
        return ClientSecretRequest.model_validate(given)
    except ValidationError as error:
        raise api_error_from(error, given, "") from None
