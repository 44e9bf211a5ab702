"""A call used in a way, or with a message, that it cannot take."""

from __future__ import annotations

from rtc_widget.errors.root import RtcWidgetError


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
