"""A session that was loaded from a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtc_widget.audio.recording import Recording
from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.facts import SessionChanged
from rtc_widget.conversation.json_object import JsonObject
from rtc_widget.conversation.latency import Latency
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.usage import Usage
from rtc_widget.errors import SavedSessionOnly
from rtc_widget.protocols.base import protocol_named
from rtc_widget.saved.session_file import SessionContents, read_session
from rtc_widget.types import DEFAULT_PROTOCOL
from rtc_widget.webrtc.stats import StatsLog

NEEDS_A_CALL = frozenset(
    {
        "active_page",
        "ask",
        "assistant_speaking",
        "call_id",
        "close",
        "connect",
        "delegations",
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
        "inform",
        "instruct",
        "interrupt",
        "is_recording",
        "max_duration",
        "max_message_size",
        "microphone",
        "microphone_permission",
        "mute",
        "muted",
        "network",
        "observe",
        "off",
        "on",
        "prices",
        "progress",
        "push_to_talk",
        "receive_only",
        "reconnect",
        "record",
        "save",
        "save_transcript",
        "say",
        "send",
        "send_image",
        "send_raw",
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
        "tell",
        "text_interrupts",
        "tool",
        "tools",
        "unmute",
        "unobserve",
        "update_session",
        "usage_totals",
        "use_microphone",
        "use_speaker",
        "user_speaking",
        "view_timeout",
        "wait_for",
    }
)
"""The attributes of `VoiceChat` that a saved session does not have."""


class SavedSession:
    """A session that `VoiceChat.save` wrote: the attributes of the widget that need no call, and `latency`.

    Secrets in the events were removed. The file does not have the raw statistics reports, the exceptions of callbacks
    and tools (`errors`), and the log of tool calls (``tools.calls``); function calls and their outputs are among the
    events.

    Attributes
    ----------
    events : EventLog
        The events that the widget's log had.
    transcript : Transcript
        The turns of both sides.
    stats : StatsLog
        The statistics of the connections.
    recording : Recording
        The audio of the call that was recorded last; may be empty.
    usage : Usage
        The tokens of all calls; dropped events count as well.
    session : Session or None
        The session's settings that the server confirmed last.
    about : mapping
        ``server``, ``settings``, ``saved`` (the time, as ISO 8601) and ``rtc_widget`` (the version that wrote it).

    Raises
    ------
    SavedSessionOnly
        By attributes of the widget that need a call, such as ``connect``.

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
        """Return the latency of each response; see `VoiceChat.latency`."""
        return Latency(self.events)

    @classmethod
    def load(cls, path: str | Path) -> SavedSession:
        """Read a session file; see `VoiceChat.load`."""
        return cls(read_session(Path(path).expanduser()))

    def __getattr__(self, name: str) -> Any:
        if name in NEEDS_A_CALL:
            raise SavedSessionOnly(f"{name!r} needs a call; this is a saved session.")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        turns = len(self.transcript)
        return f"<SavedSession: {self.about.get('server', '')}, {turns} turns, {len(self.events)} events>"


def _transcript_of(contents: SessionContents) -> Transcript:
    protocol = contents.events[0].protocol if contents.events else DEFAULT_PROTOCOL
    transcript = Transcript(protocol=protocol)
    starts = {start.first: start for start in contents.calls}
    call: int | None = None
    ends: dict[int, float | None] = {}
    for number, event in enumerate(contents.events):
        if start := starts.get(number):
            call = start.continues_call or transcript.begin_call(resumes=start.resumes)
            ends.setdefault(call, start.heard_until)
        transcript.add(event, call=call)
    for ended, heard_until in ends.items():
        transcript.end_call(ended, at=heard_until)
    transcript.end_call()
    return transcript


def _session_of(contents: SessionContents) -> JsonObject | None:
    session: JsonObject | None = None
    for event in contents.events:
        for fact in facts_of(event):
            if isinstance(fact, SessionChanged):
                session = protocol_named(event.protocol).session_object(fact.settings)
    return session
