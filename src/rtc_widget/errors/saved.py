"""Errors about saved sessions."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class SessionFileError(RtcWidgetError, ValueError):
    """A file is damaged, of a newer format, or not a session file."""

    code = "session_file"


class SavedSessionOnly(RtcWidgetError, AttributeError):
    """A session that was loaded from a file cannot make calls."""

    code = "saved_session"
