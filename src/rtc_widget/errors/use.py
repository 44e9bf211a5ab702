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


class SessionFileError(RtcWidgetError, ValueError):
    """A session file is damaged, of a newer version, or none."""

    code = "session_file"


class SavedSessionOnly(RtcWidgetError, AttributeError):
    """A session that was loaded from a file can be studied, but not called."""

    code = "saved_session"
    default_hint = "Make a `VoiceChat()` to call."


class WaitTimeout(RtcWidgetError, TimeoutError):
    """The awaited event did not come in time."""

    code = "wait_timeout"
