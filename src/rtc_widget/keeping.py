"""Saving a whole session in a file, and loading it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rtc_widget._version import __version__
from rtc_widget.call_widget import CallWidget
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.saved.redaction import Redaction
from rtc_widget.saved.saved_session import SavedSession
from rtc_widget.saved.session_file import SessionContents, write_session
from rtc_widget.signaling.base import Signaling


class Keeping(CallWidget):
    """The part of `VoiceChat` that saves and loads sessions."""

    _heard: MediaRecord
    _signaling: Signaling

    def save(self, path: str | Path) -> Path:
        """Save events, transcript, statistics, sound and settings in one file, and return its path.

        It is a zip file of JSON lines, JSON and FLAC. The file appears when all of it is written, or not at all. API
        keys and other secrets are not in it: what stands in a field such as ``authorization``, or looks like a key, is
        struck out of the events. Look at what was said before you give it away.

        Parameters
        ----------
        path : str or Path
            Where to; a file of that name is replaced.

        Raises
        ------
        OSError
            If it cannot be written.
        ImportError
            If there is sound, and PyAV is not installed to write it (extra ``data``).

        Examples
        --------
        >>> chat.save("monday.zip")  # doctest: +SKIP
        >>> VoiceChat.load("monday.zip").recording.assistant  # doctest: +SKIP
        """
        path = Path(path).expanduser()
        events, calls = self._record.history()
        about = {
            "server": self.server,
            "settings": {**self.settings, "microphone": bool(self.settings["microphone"])},
            "saved": datetime.now(UTC).isoformat(),
            "rtc_widget": __version__,
        }
        usage = self._record.usage.copy()
        contents = SessionContents(about, calls, events, usage, self._heard.stats, self._heard.recording)
        write_session(path, contents, Redaction(getattr(self._signaling, "redacted", str)))
        return path

    @staticmethod
    def load(path: str | Path) -> SavedSession:
        """Load what `save` wrote, to study it without a call.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        SessionFileError
            If it is no session file, damaged, or of a newer version.
        """
        return SavedSession.load(path)
