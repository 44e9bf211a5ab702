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
    default_hint = "Check the key, and that it belongs to this server."


class AccessDenied(SignalingError):
    """The key may not do this (403)."""

    code = "access_denied"
    default_hint = "Check that the project of this key may use the model."


class ServerNotFound(SignalingError):
    """There is no such address on the server (404)."""

    code = "server_not_found"
    default_hint = "Check base_url and the model's name."


class HostNotFound(SignalingError):
    """There is no host of that name (DNS)."""

    code = "host_not_found"
    default_hint = "Check base_url and the network."


class InvalidOffer(SignalingError):
    """The server refused the request itself (400)."""

    code = "invalid_offer"


class RateLimited(SignalingError):
    """Too many requests (429)."""

    code = "rate_limited"
    default_hint = "Wait a little and connect again."


class QuotaExceeded(SignalingError):
    """The account has no credit left (429)."""

    code = "quota_exceeded"
    default_hint = "Check the plan and the billing details of the account."


class ServerError(SignalingError):
    """The server failed (5xx), or answered in a way that nobody expects."""

    code = "server_error"
    default_hint = "Connect again; if it stays so, look at the server's status page or log."


class ServerUnreachable(SignalingError):
    """The server could not be reached."""

    code = "server_unreachable"
    default_hint = "Check base_url, the network and the proxy."


class InsecureServer(SignalingError):
    """The encrypted connection to the server could not be made (TLS)."""

    code = "insecure_server"
    default_hint = "Check the server's certificate, this machine's clock, and any proxy that inspects TLS."


class SignalingTimeout(SignalingError):
    """The server did not answer in time."""

    code = "signaling_timeout"
    default_hint = "Check the network and connect again. The server may have started a call that ends by itself."


class InvalidIceServers(SignalingError):
    """The browser does not take the signaling's `ice_servers`."""

    code = "invalid_ice_servers"


class InvalidAnswer(SignalingError):
    """The server answered with something that is no SDP."""

    code = "invalid_answer"
    default_hint = "Check that base_url leads to a realtime server that speaks WebRTC."


class ExchangeRefused(SignalingError):
    """The server refused the offer that the page sent itself."""

    code = "exchange_refused"


class ClientSecretsUnsupported(SignalingError):
    """The server gives no short-lived secrets."""

    code = "client_secrets_unsupported"
    default_hint = "Use exchange='kernel', which works with every server."


class RenegotiationUnsupported(SignalingError):
    """The server changes no call that it has; the page makes a new one instead."""

    code = "renegotiation_unsupported"
    default_hint = "Connect again for a new call."


class LocalServerError(SignalingError):
    """The embedded server did not start, or ended."""

    code = "local_server"
