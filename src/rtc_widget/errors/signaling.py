"""The exchange of offer and answer."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class SignalingError(RtcWidgetError):
    """The offer could not be exchanged for an answer.

    Attributes
    ----------
    status : int or None
        The HTTP status, where there was one.
    """

    code = "signaling"

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class MissingKey(SignalingError):
    """There is no API key."""

    code = "missing_key"


class InvalidSession(SignalingError):
    """The session settings have unknown or impossible entries."""

    code = "invalid_session"


class InvalidKey(SignalingError):
    """The server did not accept the API key (401)."""

    code = "invalid_key"


class AccessDenied(SignalingError):
    """The key may not do this (403)."""

    code = "access_denied"


class ServerNotFound(SignalingError):
    """There is no such address on the server (404)."""

    code = "server_not_found"


class HostNotFound(SignalingError):
    """There is no host of that name (DNS)."""

    code = "host_not_found"


class InvalidOffer(SignalingError):
    """The server refused the request itself (400)."""

    code = "invalid_offer"


class RateLimited(SignalingError):
    """Too many requests (429)."""

    code = "rate_limited"


class QuotaExceeded(SignalingError):
    """The account has no credit left (429)."""

    code = "quota_exceeded"


class ServerError(SignalingError):
    """The server failed (5xx), or answered in an unexpected form."""

    code = "server_error"


class ServerUnreachable(SignalingError):
    """The server could not be reached."""

    code = "server_unreachable"


class InsecureServer(SignalingError):
    """The encrypted connection to the server could not be made (TLS)."""

    code = "insecure_server"


class SignalingTimeout(SignalingError):
    """The server did not answer in time."""

    code = "signaling_timeout"


class InvalidIceServers(SignalingError):
    """The browser does not accept the signaling's `ice_servers`."""

    code = "invalid_ice_servers"


class InvalidAnswer(SignalingError):
    """The server answered with no SDP answer."""

    code = "invalid_answer"


class ExchangeRefused(SignalingError):
    """The server refused the offer that the page sent itself."""

    code = "exchange_refused"


class ClientSecretsUnsupported(SignalingError):
    """The server creates no short-lived client secrets."""

    code = "client_secrets_unsupported"


class RenegotiationUnsupported(SignalingError):
    """The server cannot renegotiate a call; the page makes a new call instead."""

    code = "renegotiation_unsupported"


class LocalServerError(SignalingError):
    """The embedded server did not start, or ended."""

    code = "local_server"
