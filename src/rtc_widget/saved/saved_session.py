"""A session that was saved, to study without a call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtc_widget.audio.recording import Recording
from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.events import JsonObject
from rtc_widget.conversation.facts import SessionChanged, facts_of
from rtc_widget.conversation.latency import Latency
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.usage import Usage
from rtc_widget.errors import SavedSessionOnly
from rtc_widget.protocols.base import protocol_named
from rtc_widget.saved.session_file import SessionContents, read_session
from rtc_widget.webrtc.stats import StatsLog

NEEDS_A_CALL = frozenset(
    {
        "active_page",
        "ask",
        "assistant_speaking",
        "call_id",
        "close",
        "connect",
        "connection_state",
        "data_channel_state",
        "devices",
        "diagnose",
        "disconnect",
        "error",
        "errors",
        "exchange",
        "ice_connection_state",
        "ice_gathering_state",
        "interrupt",
        "is_recording",
        "max_duration",
        "max_message_size",
        "microphone",
        "microphone_permission",
        "mute",
        "muted",
        "observe",
        "off",
        "on",
        "progress",
        "push_to_talk",
        "receive_only",
        "reconnect",
        "record",
        "save",
        "say",
        "send",
        "send_image",
        "send_text",
        "server",
        "set_state",
        "settings",
        "signaling_state",
        "start_talking",
        "stats_interval",
        "status",
        "stop_talking",
        "stream",
        "tool",
        "tools",
        "unmute",
        "unobserve",
        "update_session",
        "use_microphone",
        "use_speaker",
        "user_speaking",
        "view_timeout",
        "wait_for",
    }
)
"""The attributes of `VoiceChat` that a saved session does not have."""


class SavedSession:
    """What `VoiceChat.save` wrote: the widget's attributes that need no call, and `latency`.

    Secrets that stood in the events are gone. Not in the file are the raw reports of the statistics, what callbacks
    and tools raised (`errors`), and the record of the tools that were called (``tools.calls``); calls and their
    results stand among the events.

    Attributes
    ----------
    events : EventLog
        Every event that was kept.
    transcript : Transcript
        What both sides said.
    stats : StatsLog
        How well the calls were carried.
    recording : Recording
        The sound of the call that was recorded last; may be empty.
    usage : Usage
        The tokens that were used, also by answers whose events the log had dropped.
    session : Session or None
        The session's settings as the server had confirmed them last.
    about : mapping
        ``server``, ``settings``, ``saved`` (when, as ISO 8601) and ``rtc_widget`` (by which version).

    Raises
    ------
    SavedSessionOnly
        By everything that a widget can do and this cannot, such as ``connect``.

    Examples
    --------
    >>> before, after = VoiceChat.load("before.zip"), VoiceChat.load("after.zip")  # doctest: +SKIP
    >>> [session.stats.to_pandas().round_trip_time.median() for session in (before, after)]  # doctest: +SKIP
    [0.041, 0.018]
    """

    def __init__(self, contents: SessionContents) -> None:
        self.about: Mapping[str, Any] = contents.about
        self.events: EventLog = contents.events
        self.stats: StatsLog = contents.stats
        self.recording: Recording = contents.recording
        self.transcript = _transcript_of(contents)
        self.usage: Usage = contents.usage
        self.session: JsonObject | None = _session_of(contents)

    def latency(self) -> Latency:
        """Return how long each answer took; see `VoiceChat.latency`."""
        return Latency(self.events)

    @classmethod
    def load(cls, path: str | Path) -> SavedSession:
        """Read a session file; see `VoiceChat.load`."""
        return cls(read_session(Path(path).expanduser()))

    def __getattr__(self, name: str) -> Any:
        if name in NEEDS_A_CALL:
            raise SavedSessionOnly(f"{name!r} needs a call, and this is a saved session.")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        turns = len(self.transcript)
        return f"<SavedSession: {self.about.get('server', '')}, {turns} turns, {len(self.events)} events>"


def _transcript_of(contents: SessionContents) -> Transcript:
    transcript = Transcript()
    starts = {start.first: start for start in contents.calls}
    call: int | None = None
    for number, event in enumerate(contents.events):
        if start := starts.get(number):
            call = start.again or transcript.begin_call(resumes=start.resumes)
        transcript.add(event, call=call)
    for late in {start.again for start in contents.calls if start.again}:
        transcript.end_call(late)
    transcript.end_call()
    return transcript


def _session_of(contents: SessionContents) -> JsonObject | None:
    session: JsonObject | None = None
    for event in contents.events:
        for fact in facts_of(event):
            if isinstance(fact, SessionChanged):
                session = protocol_named(event.protocol).session_object(fact.settings)
    return session
