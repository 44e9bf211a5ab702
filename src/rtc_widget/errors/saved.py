"""Errors about saved sessions."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class SessionFileError(RtcWidgetError, ValueError):
    """A session file is damaged, of a newer version, or not a session file."""

    code = "session_file"


class SavedSessionOnly(RtcWidgetError, AttributeError):
    """A session that was loaded from a file is read-only and cannot make calls."""

    code = "saved_session"
