"""Errors of the connection: while it is made, and while it lasts."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class CallError(RtcWidgetError):
    """The call could not be made, or ended."""

    code = "call"


class WebRTCUnavailable(CallError):
    """The browser has no RTCPeerConnection."""

    code = "webrtc_unavailable"


class ConnectionFailed(CallError):
    """ICE or DTLS could not connect to the server."""

    code = "connection_failed"


class ChannelTimeout(CallError):
    """The data channel did not open in time."""

    code = "channel_timeout"


class ServerHungUp(CallError):
    """The server closed the call."""

    code = "server_hung_up"


class SessionExpired(CallError):
    """The session reached its maximum duration (60 minutes with OpenAI)."""

    code = "session_expired"


class ReconnectFailed(CallError):
    """The connection was lost and could not be restored."""

    code = "reconnect_failed"


class CallTooLong(CallError):
    """The call reached the widget's `max_duration`."""

    code = "call_too_long"


class ConversationUnsupported(CallError):
    """The signaling names no wire protocol, so nothing can be written or asked."""

    code = "conversation_unsupported"


class NoView(CallError):
    """No view showed the call any more."""

    code = "no_view"


class CallTakenOver(CallError):
    """Another page took the call over."""

    code = "call_taken_over"


class KernelDied(CallError):
    """The kernel restarted or died during the call."""

    code = "kernel_died"


class NoNetwork(CallError):
    """The browser has no network interface for the call."""

    code = "no_network"


class KernelTimeout(CallError):
    """The kernel did not reply to the page in time."""

    code = "kernel_timeout"


class Cancelled(CallError):
    """The call was ended before it was connected."""

    code = "cancelled"
