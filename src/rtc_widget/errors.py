"""Everything that can go wrong, as classes.

Every error has a stable ``code``, says what happened (``message``) and what to do next (``hint``).

::

    RtcWidgetError
    ├── PageError                     the notebook page
    │   ├── PageNotFound              no page has answered
    │   ├── AwaitNotPossible          this kernel cannot hear the page during a cell
    │   ├── PageTimeout               the page did not answer in time
    │   └── ProtocolMismatch          page and kernel are of different versions
    ├── MicrophoneError
    │   ├── MicrophoneDenied          refused by the person, the browser or the host
    │   ├── MicrophoneBlocked         the page around the notebook forbids it; VS Code does
    │   ├── MicrophoneNotFound
    │   ├── MicrophoneInUse
    │   ├── MicrophoneConstraints     no microphone fits what was asked for
    │   ├── DeviceNotFound            no microphone or loudspeaker of that name
    │   ├── InsecureContext           plain http on a remote host
    │   └── MediaUnavailable          the browser has no microphone API here
    ├── SignalingError                the exchange of offer and answer
    │   ├── MissingKey                no API key
    │   ├── InvalidSession            unknown or impossible session settings
    │   ├── InvalidKey                401
    │   ├── AccessDenied              403
    │   ├── ServerNotFound            404
    │   ├── HostNotFound              no such host name
    │   ├── InvalidOffer              400
    │   ├── RateLimited               429, too many requests
    │   ├── QuotaExceeded             429, no credit left
    │   ├── ServerError               5xx and anything else unexpected
    │   ├── ServerUnreachable         refused, reset, no route
    │   ├── InsecureServer            TLS
    │   ├── SignalingTimeout
    │   ├── InvalidAnswer             the body is no SDP
    │   ├── ExchangeRefused           the server refused the page's own offer (``exchange="browser"``)
    │   ├── SecretNotPossible         this server gives no short-lived secrets
    │   └── LocalServerError          the embedded server did not start
    ├── CallError                     the connection itself
    │   ├── WebRTCUnavailable
    │   ├── ConnectionFailed          ICE or DTLS found no way
    │   ├── ChannelTimeout            the data channel did not open
    │   ├── NoNetwork                 the browser has no network interface
    │   ├── ServerHungUp              the server closed the call
    │   ├── SessionExpired            the session reached its longest duration
    │   ├── ReconnectFailed           the connection was lost and could not be made anew
    │   ├── CallTooLong               `max_duration`
    │   ├── CallUnwatched             nothing showed the call any more
    │   ├── CallTakenOver             another page has it now
    │   ├── KernelGone                the kernel restarted or died during the call
    │   ├── KernelTimeout             the page waited for the kernel in vain
    │   └── Cancelled                 disconnected while connecting
    ├── NotConnected                  sending without an open data channel
    ├── MessageTooLarge               more than the data channel carries
    ├── WaitTimeout                   `wait_for` saw no such event in time (also a TimeoutError)
    └── UnexpectedError               a fault of this package
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class RtcWidgetError(Exception):
    """The root of all errors raised on purpose by this package.

    Parameters
    ----------
    message : str
        What happened, in a sentence.
    hint : str
        What to do next, in a sentence; may be empty.

    Attributes
    ----------
    code : str
        A stable name for programs; `message` and `hint` are for people.
    """

    code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        super().__init__(f"{message} {self.hint}".rstrip())

    def to_wire(self) -> dict[str, str]:
        """Return ``{"code", "message", "hint"}``, the form in which errors cross to the page."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class PageError(RtcWidgetError):
    """The notebook page did not do its part."""

    code = "page"


class PageNotFound(PageError):
    """No page has answered."""

    code = "page_not_found"
    default_hint = "Open the notebook in JupyterLab (or another host of Jupyter widgets) and display the widget."


class AwaitNotPossible(PageError):
    """The kernel cannot hear the page while a cell runs."""

    code = "await_not_possible"
    default_hint = (
        "Split the cell in two: click Connect (or schedule the call with asyncio.ensure_future) in one cell and use "
        "the result in the next. With ipykernel 7.4 or newer it works in one cell."
    )


class PageTimeout(PageError):
    """The page did not answer in time."""

    code = "page_timeout"
    default_hint = "Look at the widget: it may be waiting for your permission to use the microphone."


class ProtocolMismatch(PageError):
    """The page and the kernel run different versions of rtc_widget."""

    code = "protocol_mismatch"
    default_hint = "Reload the page and restart the kernel."


class MicrophoneError(RtcWidgetError):
    """The microphone could not be opened."""

    code = "microphone"


class MicrophoneDenied(MicrophoneError):
    """The microphone was refused."""

    code = "microphone_denied"


class MicrophoneBlocked(MicrophoneError):
    """The page around the notebook forbids the microphone."""

    code = "microphone_blocked"


class DeviceNotFound(MicrophoneError):
    """There is no microphone or loudspeaker of that name."""

    code = "device_not_found"


class MicrophoneNotFound(MicrophoneError):
    """There is no microphone."""

    code = "microphone_not_found"


class MicrophoneInUse(MicrophoneError):
    """Another program holds the microphone."""

    code = "microphone_in_use"


class MicrophoneConstraints(MicrophoneError):
    """No microphone fits what was asked for."""

    code = "microphone_constraints"


class InsecureContext(MicrophoneError):
    """The page was loaded over plain http from another machine."""

    code = "insecure_context"


class MediaUnavailable(MicrophoneError):
    """The browser offers no microphone API here."""

    code = "media_unavailable"


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


class InvalidAnswer(SignalingError):
    """The server answered with something that is no SDP."""

    code = "answer_invalid"
    default_hint = "Check that base_url leads to a realtime server that speaks WebRTC."


class ExchangeRefused(SignalingError):
    """The server refused the offer that the page sent itself."""

    code = "exchange_refused"


class SecretNotPossible(SignalingError):
    """The server gives no short-lived secrets."""

    code = "secret_not_possible"
    default_hint = "Use exchange='kernel', which works with every server."


class LocalServerError(SignalingError):
    """The embedded server did not start, or ended."""

    code = "local_server"


class CallError(RtcWidgetError):
    """The call could not be made, or ended."""

    code = "call"


class WebRTCUnavailable(CallError):
    """The browser has no RTCPeerConnection."""

    code = "webrtc_unavailable"


class ConnectionFailed(CallError):
    """ICE or DTLS found no way to the server."""

    code = "connection_failed"


class ChannelTimeout(CallError):
    """The data channel did not open in time."""

    code = "channel_timeout"


class ServerHungUp(CallError):
    """The server closed the call."""

    code = "server_hung_up"


class SessionExpired(CallError):
    """The session reached its longest duration (60 minutes with OpenAI)."""

    code = "session_expired"


class ReconnectFailed(CallError):
    """The connection was lost and could not be made anew."""

    code = "reconnect_failed"


class CallTooLong(CallError):
    """The call reached the widget's `max_duration`."""

    code = "call_too_long"


class CallUnwatched(CallError):
    """No view showed the call any more."""

    code = "call_unwatched"


class CallTakenOver(CallError):
    """Another page took the call over."""

    code = "call_taken_over"


class KernelGone(CallError):
    """The kernel restarted or died during the call."""

    code = "kernel_gone"


class NoNetwork(CallError):
    """The browser has no network interface to call from."""

    code = "no_network"


class KernelTimeout(CallError):
    """The page waited for the kernel in vain."""

    code = "kernel_timeout"


class Cancelled(CallError):
    """The call was ended before it was connected."""

    code = "cancelled"


class NotConnected(RtcWidgetError):
    """There is no open data channel to send on."""

    code = "not_connected"
    default_hint = "Click Connect or `await chat.connect()` first."


class MessageTooLarge(RtcWidgetError):
    """The message is larger than the data channel carries."""

    code = "message_too_large"


class WaitTimeout(RtcWidgetError, TimeoutError):
    """The awaited event did not come in time."""

    code = "wait_timeout"


class UnexpectedError(RtcWidgetError):
    """A fault of this package."""

    code = "unexpected"
    default_hint = "Please report it."


def _all_kinds(kind: type[RtcWidgetError]) -> dict[str, type[RtcWidgetError]]:
    found = {kind.code: kind}
    for child in kind.__subclasses__():
        found |= _all_kinds(child)
    return found


_KINDS = _all_kinds(RtcWidgetError)


def error_from_wire(wire: Mapping[str, object]) -> RtcWidgetError:
    """Make the error that `wire` describes; a code nobody knows becomes `UnexpectedError`.

    Examples
    --------
    >>> error_from_wire({"code": "invalid_key", "message": "Wrong key.", "hint": ""})
    InvalidKey('Wrong key.')
    """
    kind = _KINDS.get(str(wire.get("code")), UnexpectedError)
    return kind(str(wire.get("message", "Something went wrong.")), hint=str(wire.get("hint", "")))
