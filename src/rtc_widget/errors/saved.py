"""Errors about saved sessions."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class SessionFileError(RtcWidgetError, ValueError):
    """A session file is damaged, of a newer version, or none."""

    code = "session_file"


class SavedSessionOnly(RtcWidgetError, AttributeError):
    """A session that was loaded from a file can be studied, but not called."""

    code = "saved_session"
    default_hint = "Make a `VoiceChat()` to call."
