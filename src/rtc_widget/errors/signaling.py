"""Errors of the exchange of offer and answer."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class SignalingError(RtcWidgetError):
    """The offer could not be exchanged for an answer.

    Attributes
    ----------
    status : int or None
        The HTTP status of the reply; None if there was no reply.
    """

    code = "signaling"

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class MissingKey(SignalingError):
    """No API key is set."""

    code = "missing_key"


class InvalidSession(SignalingError):
    """A session setting is unknown or invalid."""

    code = "invalid_session"


class InvalidKey(SignalingError):
    """The server did not accept the API key (HTTP 401)."""

    code = "invalid_key"


class AccessDenied(SignalingError):
    """The API key has no permission for this request (HTTP 403)."""

    code = "access_denied"


class ServerNotFound(SignalingError):
    """The server does not know the address or the model (HTTP 404)."""

    code = "server_not_found"


class HostNotFound(SignalingError):
    """DNS does not know the host name."""

    code = "host_not_found"


class InvalidOffer(SignalingError):
    """The server refused the request as invalid (HTTP 400)."""

    code = "invalid_offer"


class RateLimited(SignalingError):
    """The account sent too many requests (HTTP 429)."""

    code = "rate_limited"


class QuotaExceeded(SignalingError):
    """The account has no credit left (HTTP 429)."""

    code = "quota_exceeded"


class ServerError(SignalingError):
    """The server failed (HTTP 5xx), or its reply has an unexpected form."""

    code = "server_error"


class ServerUnreachable(SignalingError):
    """The server could not be reached: connection refused, reset or not routed."""

    code = "server_unreachable"


class InsecureServer(SignalingError):
    """The TLS connection to the server failed."""

    code = "insecure_server"


class SignalingTimeout(SignalingError):
    """The server did not respond in time."""

    code = "signaling_timeout"


class InvalidIceServers(SignalingError):
    """The browser does not accept the signaling's `ice_servers`."""

    code = "invalid_ice_servers"


class InvalidAnswer(SignalingError):
    """The server did not return a valid SDP answer."""

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


class NetworkUnsupported(SignalingError):
    """The network of a call can be impaired only on the embedded server of `Local`."""

    code = "network_unsupported"


class LocalServerError(SignalingError):
    """The embedded server did not start, or ended."""

    code = "local_server"
