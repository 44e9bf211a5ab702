"""Saves the record of a widget's calls in a session file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rtc_widget._version import __version__
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.calls.record import CallRecord
from rtc_widget.saved.redaction import Redaction
from rtc_widget.saved.session_file import SessionContents, write_session


def save_session(
    path: str | Path,
    record: CallRecord,
    media: MediaRecord,
    *,
    server: str,
    settings: Mapping[str, Any],
    redact: Callable[[str], str],
) -> Path:
    """Write a session file and return its path; see `VoiceChat.save`."""
    path = Path(path).expanduser()
    events, calls = record.history()
    about = {
        "server": server,
        "settings": {**settings, "microphone": bool(settings["microphone"])},
        "saved": datetime.now(UTC).isoformat(),
        "rtc_widget": __version__,
    }
    contents = SessionContents(about, calls, events, record.usage.copy(), media.stats, media.recording)
    write_session(path, contents, Redaction(redact))
    return path
