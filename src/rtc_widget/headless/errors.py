"""What can go wrong in a page without a browser, in words; the codes are those of the browser's page."""

from __future__ import annotations

import json
import logging

from rtc_widget.errors import (
    Cancelled,
    ChannelTimeout,
    ConnectionFailed,
    NotConnected,
    RtcWidgetError,
    ServerHungUp,
    SessionExpired,
    UnexpectedError,
)

logger = logging.getLogger("rtc_widget")

# Of the way, not of the matter: the same call may succeed a moment later.
TRANSIENT = frozenset(
    {
        "connection_failed",
        "channel_timeout",
        "no_network",
        "kernel_timeout",
        "server_unreachable",
        "server_error",
        "signaling_timeout",
        "host_not_found",
        "local_server",
        "rate_limited",
    }
)


def is_passing(error: RtcWidgetError) -> bool:
    """Whether the same call may succeed a moment later."""
    return error.code in TRANSIENT


def as_error(raised: BaseException) -> RtcWidgetError:
    """Make an error of this package of whatever was raised."""
    if isinstance(raised, RtcWidgetError):
        return raised
    logger.error("The headless page failed", exc_info=raised)
    return UnexpectedError(f"Something unexpected happened in the page ({type(raised).__name__}: {raised}).")


def cancelled() -> RtcWidgetError:
    """The call was ended while it was being made."""
    return Cancelled("The call was ended while it was being made.", hint="Connect again when you want to talk.")


def connection_failed() -> RtcWidgetError:
    """ICE or DTLS found no way, or lost it."""
    return ConnectionFailed(
        "The connection to the server failed.",
        hint="A firewall or VPN may block UDP. Try another network, or a TURN server among the ICE servers.",
    )


def channel_timeout(seconds: float) -> RtcWidgetError:
    """The data channel did not open in time."""
    return ChannelTimeout(
        f"The data channel did not open within {seconds:g} s.",
        hint="A firewall or VPN may block UDP, or the server did not accept the data channel. Connect again.",
    )


def not_connected() -> RtcWidgetError:
    """Nothing can be sent."""
    return NotConnected("There is no connection, so nothing was sent.", hint="Connect first.")


def server_hung_up() -> RtcWidgetError:
    """The server closed the call."""
    return ServerHungUp(
        "The server closed the call.",
        hint="Connect again to start a new one. If it happens at once, the server's log may say why.",
    )


def farewell_in(text: str) -> RtcWidgetError | None:
    """Return the reason for the end of the call that an event announces, if it does."""
    # Parsing every event twice would cost more than all the rest here.
    if "session_expired" not in text:
        return None
    try:
        error = json.loads(text)["error"]
        code, message = error["code"], error.get("message")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if code != "session_expired":
        return None
    stock = "The session reached its longest duration and the server closed it."
    return SessionExpired(message if isinstance(message, str) else stock, hint="Connect again to start a new one.")
