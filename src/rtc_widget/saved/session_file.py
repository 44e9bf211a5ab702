"""The session file: a zip archive of JSON, JSON lines and FLAC.

======================  ==============================================================================
``session.json``        format version, settings, calls, usage, time of saving, version of rtc_widget
``events.jsonl``        one event per line, as in `EventLog.to_jsonl`
``statistics.jsonl``    one sample per line
``recording.flac``      the recorded audio (left: user, right: assistant), if any
======================  ==============================================================================
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from rtc_widget._unicode import json_text
from rtc_widget.audio.pcm_store import PcmStore
from rtc_widget.audio.recording import Recording
from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.log_segments import CallStart
from rtc_widget.conversation.usage import Usage, UsageEntry
from rtc_widget.errors import RtcWidgetError, SessionFileError
from rtc_widget.saved.redaction import Redaction
from rtc_widget.webrtc.stats import StatsLog, StatsSample

FORMAT = "rtc_widget session"
FORMAT_VERSION = 1
_SESSION, _EVENTS, _STATISTICS, _RECORDING = "session.json", "events.jsonl", "statistics.jsonl", "recording.flac"


@dataclass(frozen=True, slots=True)
class SessionContents:
    """The contents of a session file.

    Attributes
    ----------
    about : mapping
        JSON values: ``server``, ``settings``, ``saved`` and ``rtc_widget``.
    calls : sequence of CallStart
        Where calls start in `events`.
    events : EventLog
        The events that the log had.
    usage : Usage
        The tokens of all calls; dropped events count as well.
    stats : StatsLog
        The statistics, without raw reports.
    recording : Recording
        The audio of the call that was recorded last; may be empty.
    """

    about: Mapping[str, Any]
    calls: Sequence[CallStart]
    events: EventLog
    usage: Usage
    stats: StatsLog
    recording: Recording


def write_session(path: Path, contents: SessionContents, redaction: Redaction) -> None:
    """Write a session file. A file at `path` is replaced only after all of the new file was written."""
    # Not mkstemp: its files are readable by their owner only.
    part = path.with_name(f".{path.name}.{uuid4().hex[:12]}.part")
    try:
        with part.open("xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                _write_all(archive, contents, redaction)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_session(path: Path) -> SessionContents:
    """Read a session file.

    Raises
    ------
    FileNotFoundError
        If there is no file at `path`.
    SessionFileError
        If the file is damaged, of a newer format, or not a session file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_all(archive, path)
    except (RtcWidgetError, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except zipfile.BadZipFile as error:
        raise _damaged(path, str(error)) from error
    except (KeyError, ValueError, TypeError, EOFError, OSError, NotImplementedError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _write_all(archive: zipfile.ZipFile, contents: SessionContents, redaction: Redaction) -> None:
    recording = contents.recording
    has_audio = bool(recording.duration)
    audio = {"start": recording.start, "lost": recording.lost} if has_audio else None
    about = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        **redaction.of(dict(contents.about)),
        "calls": [_call_to_json(call) for call in contents.calls],
        "usage": [asdict(entry) for entry in contents.usage.entries],
        "recording": audio,
    }
    archive.writestr(_SESSION, json_text(about, indent=1, overflow=True))
    _write_lines(archive, _EVENTS, (redaction.of(line) for line in contents.events.to_json()))
    _write_lines(archive, _STATISTICS, (sample.to_json() for sample in contents.stats))
    if has_audio:
        from rtc_widget.audio.files import write_flac

        # FLAC is compressed already.
        entry = zipfile.ZipInfo(_RECORDING, time.localtime()[:6])
        entry.external_attr = 0o600 << 16
        entry.compress_type = zipfile.ZIP_STORED
        with tempfile.TemporaryFile(suffix=".flac") as flac:
            write_flac(flac, recording.blocks(), recording.sample_rate)
            flac.seek(0)
            with archive.open(_RECORDING, "w", force_zip64=True) as file:
                while block := flac.read(1 << 20):
                    file.write(block)


def _write_lines(archive: zipfile.ZipFile, name: str, lines: Iterable[Mapping[str, Any]]) -> None:
    with archive.open(name, "w", force_zip64=True) as file:
        for line in lines:
            file.write(json_text(line, overflow=True).encode() + b"\n")


def _read_all(archive: zipfile.ZipFile, path: Path) -> SessionContents:
    if _SESSION not in archive.namelist():
        raise SessionFileError(f"{path} is a zip file, but not a session file.", hint="`chat.save(path)` writes one.")
    about = json.loads(archive.read(_SESSION))
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise SessionFileError(f"{path} is not a session file.", hint="`chat.save(path)` writes one.")
    version = about["version"]
    if version > FORMAT_VERSION:
        raise SessionFileError(
            f"{path} has format {version}; this version of rtc_widget reads formats up to {FORMAT_VERSION}.",
            hint="Run: pip install --upgrade rtc-widget",
        )
    calls = _calls(about.pop("calls"))
    events = EventLog.from_json(_lines(archive, _EVENTS))
    entries = about.pop("usage", None)  # the first versions did not write it
    usage = Usage(events) if entries is None else Usage.of(UsageEntry(**entry) for entry in entries)
    stats = StatsLog(StatsSample.from_json(line) for line in _lines(archive, _STATISTICS))
    audio = about.pop("recording")
    store = PcmStore()
    recording = Recording(store, lambda: 0.0)
    if audio is not None:
        from rtc_widget.audio.files import read_flac

        with archive.open(_RECORDING) as file, tempfile.TemporaryFile(suffix=".flac") as flac:
            while block := file.read(1 << 20):
                flac.write(block)
            flac.seek(0)
            store.fill(1000 * float(audio["start"]), float(audio["lost"]), *read_flac(flac))
    return SessionContents(about, calls, events, usage, stats, recording)


def _call_to_json(call: CallStart) -> dict[str, Any]:
    return {
        "first": call.first,
        "resumes": call.resumes,
        "again": call.continues_call,
        "heard_until": call.heard_until,
    }


def _calls(entries: Sequence[Mapping[str, Any]]) -> list[CallStart]:
    calls: list[CallStart] = []
    for entry in entries:
        continues_call = entry.get("again")  # the first versions did not write it
        count = sum(call.continues_call is None for call in calls)
        if continues_call is not None and not 1 <= continues_call <= count:
            raise ValueError(f"there is no call {continues_call}")
        heard_until = entry.get("heard_until")  # the first versions did not write it
        until = None if heard_until is None else float(heard_until)
        calls.append(CallStart(int(entry["first"]), bool(entry["resumes"]), continues_call, until))
    return calls


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(archive.read(name).splitlines(), 1):
        entry = json.loads(line)
        if not isinstance(entry, dict):
            raise ValueError(f"{name}, line {number}: a JSON object is expected")
        yield entry


def _damaged(path: Path, reason: str) -> SessionFileError:
    return SessionFileError(
        f"{path} cannot be read as a session: {reason}.", hint="It may be damaged, or not a session file."
    )
