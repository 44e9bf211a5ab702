"""A page without a browser that follows the script of a test."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rtc_widget._deprecated import warn_renamed
from rtc_widget.comm.pages import instead_of_browser
from rtc_widget.comm.protocol import Message
from rtc_widget.errors import (
    Cancelled,
    ConnectionFailed,
    DeviceNotFound,
    InvalidSession,
    MessageTooLarge,
    NotConnected,
    RtcWidgetError,
    ServerHungUp,
    UnexpectedError,
)
from rtc_widget.errors.texts import text
from rtc_widget.protocols.realtime.session import detects_turns
from rtc_widget.protocols.realtime.session_settings import merged, session_settings
from rtc_widget.testing.raw_page import CLOSED, CONNECTED, CONNECTING, IDLE, RawPage
from rtc_widget.testing.scripted_live_server import LiveServerScript
from rtc_widget.testing.scripted_media import Measures, ScriptedMedia
from rtc_widget.testing.scripted_server import (
    Reaction,
    ScriptedAudio,
    ScriptedCall,
    ScriptedPause,
    ScriptedResponse,
    ScriptStep,
    ServerEvent,
    ServerScript,
    refusal_of_tools,
)
from rtc_widget.types import Track

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip
    from rtc_widget.comm.media import ClipSource


class ScriptedPage(RawPage):
    """A page for tests: ``VoiceChat(page=ScriptedPage())`` makes calls without a browser, a network or a server.

    It handles the widget's requests as the browser's page does: `VoiceChat.connect` connects, sent events arrive, and
    its scripted server gives the next response of the script. Everything else happens when the test calls a method.

    Parameters
    ----------
    acts : bool
        False: it ignores requests and has no server; the test sends every message itself (`say`, `answer`).
    page : str
        The page's name in messages.
    session : mapping, optional
        The server's own session settings, as `VoiceChat` takes them. The settings of the app override them.

    Attributes
    ----------
    sent : list of dict
        The client events that the app has sent, oldest first.
    notes : list of dict
        The notes that the widget asked the page to show: ``{code, message, hint}``.
    clips : list of (int, bytes)
        The clips that were played: sample rate in Hz, and the signed 16-bit samples.
    approves : bool
        Whether the user allows tools that ask for permission.
    now_ms : float
        The page's clock, in milliseconds since 1970. It advances by one with each event, and with `passes`.

    Examples
    --------
    >>> from rtc_widget import VoiceChat
    >>> page = ScriptedPage()
    >>> page.will_say("It smooths the arrival of packets.")
    >>> chat = VoiceChat(page=page)
    >>> page.connect()
    >>> _ = chat.send_text("What is a jitter buffer?")
    >>> [event["type"] for event in page.sent]
    ['conversation.item.create', 'response.create']
    >>> chat.transcript[-1].text
    'It smooths the arrival of packets.'
    """

    name = "scripted page"

    def __init__(self, *, acts: bool = True, page: str = "p1", session: Mapping[str, Any] | None = None) -> None:
        super().__init__(page)
        self.sent: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.clips: list[tuple[int, bytes]] = []
        self.approves = False
        self._is_automatic = acts
        self._own_session = session_settings(session or {})
        self._app_session: Callable[[], Mapping[str, Any]] = dict
        self._server: ServerScript | LiveServerScript = ServerScript()
        self._pages: list[ScriptedPage] = [self]
        self._attempts = itertools.count(1)
        self._attempt: str | None = None
        self._state: dict[str, Any] = dict(IDLE)
        self._next_error: RtcWidgetError | None = None
        self._numbers = itertools.count(1)
        self._media = ScriptedMedia(self.say)
        # When audio of the other side was heard last: at the loss of the connection, or the end of the call.
        self._heard_until_ms: float | None = None

    # The script of the model

    def will_say(self, text: str, *, sound: ClipSource | None = None, **response: Any) -> None:
        """Script the next response as this text; ``spoken=False`` sends only text, `usage` sets its token counts.

        A `sound` (a clip, a path or an array) is the response's audio; the page's clock advances by its duration.
        """
        self.will_respond(ScriptedResponse(text, sound=_clip(sound), **response))

    def will_call(self, tool: str, **arguments: Any) -> None:
        """Script the next response as a tool call."""
        self.will_respond(ScriptedResponse(calls=(ScriptedCall(tool, arguments),)))

    def will_delegate(self, text: str | None = "One moment.") -> None:
        """Script the next response as work that is handed over to the app (GPT-Live), and what is said meanwhile."""
        self.will_respond(ScriptedResponse(text, delegates=True))

    def will_fail(self, message: str) -> None:
        """Script the next response as a failure."""
        self.will_respond(ScriptedResponse(error=message))

    def will_answer(self, response: ScriptedResponse) -> None:
        """Script the next response; the old name of `will_respond`."""
        warn_renamed("ScriptedPage.will_answer", "ScriptedPage.will_respond")
        self.will_respond(response)

    def will_respond(self, response: ScriptedResponse) -> None:
        """Script the next response: text, one or several tool calls, or both."""
        self._server.responses.append(response)

    def will_refuse(self, error: RtcWidgetError) -> None:
        """Let the next call fail with this error, such as ``MicrophoneDenied("No.")``."""
        self._next_error = error

    def reacts(self, type: str, reaction: Reaction) -> None:
        """Set the server's reaction to a type of client event: a function of the event that returns server events."""
        self._server.reactions[type] = reaction

    # User, server and network

    def connect(self, *, microphone: bool | None = None, resume: bool = False) -> None:
        """Make a call, as a user does with Connect. Raises the error of `will_refuse`.

        With `resume`, it resumes the last call, as ``chat.connect(resume=True)`` requests.
        """
        self._begin_attempt()
        wanted = bool(self.settings.get("microphone", True)) if microphone is None else microphone
        self._state = {**IDLE, "muted": self._state["muted"], "receive_only": not wanted}
        self._state |= {key: value for key, value in CONNECTING.items() if key not in ("muted", "receive_only")}
        self._report_state(resumes=resume)
        if self._next_error is not None:
            error, self._next_error = self._next_error, None
            self._fail(error)
            raise error
        session = self._session()
        if (refused := refusal_of_tools(session)) is not None:
            invalid = InvalidSession(f"The server refused the session: '{refused[0]}' {refused[1]}.")
            self._fail(invalid)
            raise invalid
        permission = "granted" if wanted else "prompt"
        kept = {"muted": self._state["muted"], "receive_only": not wanted, "microphone_permission": permission}
        self._state = {**CONNECTED, **kept}
        self._report_state(resumes=resume)
        self._deliver(self._begin_session())

    def disconnect(self) -> None:
        """End the call, as a user does with Disconnect."""
        self._report_state(**CLOSED, status="idle", error=None)

    def person_says(self, text: str, *, sound: ClipSource | None = None) -> None:
        """Let the user speak. If the session detects turns, the model gives the next response of the script.

        A `sound` (a clip, a path or an array) is the user's audio; the page's clock advances by its duration.
        """
        self._deliver(self._server.user_turn(text, _clip(sound)))
        if self._detects_turns:
            self._deliver(self._server.next_response())

    def receives(self, *events: ServerEvent) -> None:
        """Let the server send any events."""
        self._deliver(list(events))

    def passes(self, seconds: float) -> None:
        """Advance the page's clock, without waiting."""
        self.now_ms += 1000 * seconds

    def measures(self, seconds: float = 1.0, **values: Any) -> None:
        """Advance the page's clock, and send a sample of the connection's statistics (`VoiceChat.stats`).

        The values are those of `StatsSample`: ``round_trip_time``, ``jitter``, ``loss``, ``sent_loss``,
        ``received_bitrate``, ``sent_bitrate``, ``assistant_level``, ``user_level``, ``playout_delay``, ``concealed``,
        ``codec``. As in a browser, rates and shares (loss, bitrates, delay, concealment) refer to the time since the
        previous sample, so the first sample of a connection has none.

        Raises
        ------
        NotConnected
            If no call is connected.
        """
        found = Measures(**values)
        if self._attempt is None or self._state["connection_state"] != "connected":
            raise NotConnected("Nothing was measured: the page is not connected.")
        self.passes(seconds)
        if self.settings.get("stats_interval") is not None:
            self._media.measure(found, seconds, self._attempt, self.now_ms)

    def measures_sound(self, is_audible: bool) -> None:
        """Report that the assistant has become audible, or silent, at this time of the page's clock.

        A page measures this where the server does not report when its audio is played.

        Raises
        ------
        NotConnected
            If no call is connected.
        """
        if self._attempt is None or self._state["connection_state"] != "connected":
            raise NotConnected("Nothing was measured: the page is not connected.")
        self.say("sound", attempt=self._attempt, speaker="assistant", is_audible=is_audible, at_ms=self.now_ms)

    def server_hangs_up(self) -> None:
        """Let the server end the call."""
        self._fail(ServerHungUp("The server closed the call.", hint="Connect again to start a new one."))

    def loses_connection(self) -> None:
        """Interrupt the connection; the page tries to reconnect until `recovers` or `gives_up`."""
        self._heard_until_ms = self.now_ms
        self._report_state(status="reconnecting", connection_state="disconnected", ice_connection_state="disconnected")

    def recovers(self) -> None:
        """Restore a lost connection by a new call that resumes the previous one."""
        self._report_state(**CLOSED)
        self._begin_attempt()
        self._report_state(**{**CONNECTED, "muted": self._state["muted"]}, resumes=True)
        self._deliver(self._begin_session())

    def gives_up(self) -> None:
        """End a lost connection with an error."""
        self._fail(ConnectionFailed(text("connection_lost"), hint="Check the network."))

    def falls_silent(self) -> None:
        """Stop responding, as a page that was closed or whose computer sleeps."""
        self._is_silent = True

    @contextmanager
    def in_use(self) -> Iterator[ScriptedPage]:
        """Use this page for the widget that is created inside; for apps that create their `VoiceChat` themselves.

        Examples
        --------
        >>> from rtc_widget import VoiceChat
        >>> with ScriptedPage().in_use() as page:
        ...     chat = VoiceChat()
        >>> page.connect()
        >>> chat.status
        'connected'
        """
        with instead_of_browser(lambda: self):
            yield self

    def beside(self, page: str) -> ScriptedPage:
        """Return another page of the same widget, which ignores requests."""
        other = ScriptedPage(acts=False, page=page)
        other._send_message = self._send_message
        other.settings = self.settings
        self._pages.append(other)
        return other

    # The interface `Page`

    @property
    def makes_calls(self) -> bool:
        """Whether it calls the widget's server: only with ``acts=False``."""
        return not self._is_automatic

    def take_session(self, session: Callable[[], Mapping[str, Any]]) -> None:
        """Use a function that returns the app's session settings with its tools; called for each call."""
        self._app_session = session

    def open(self, send: Callable[[Message], None]) -> None:
        """Connect to the widget, and say hello."""
        self._send_message = send
        if self._is_automatic:
            self.hello()

    def hear(self, message: Message) -> None:
        """Receive a message of the widget."""
        # As Jupyter sends it: strict JSON in UTF-8.
        copy = json.loads(json.dumps(message, ensure_ascii=False, allow_nan=False).encode())
        for part in copy["messages"] if copy["type"] == "bundle" else [copy]:
            for page in self._pages:
                if part["page"] == page.page:
                    page._messages.append(part)
                    if page._is_automatic and not page._is_silent:
                        page._handle(part)

    def close(self) -> None:
        """End the call when the widget closes."""
        if self._is_automatic and self._state["status"] not in ("idle", "error"):
            self.disconnect()

    # Requests of the widget

    def _handle(self, message: Message) -> None:
        match message["type"]:
            case "welcome":
                self._report_state()
            case "ping":
                self.say("pong", time_ms=self.now_ms)
            case "resend":
                for number, (attempt, event) in list(enumerate(self._log))[message["first"] :]:
                    self.say("events", attempt=attempt, first=number, events=[event])
            case "ack" | "reply" | "media_ack" | "log_grew" | "preparation" | "listening":
                pass
            case _:
                self._reply(message)

    def _reply(self, request: Message) -> None:
        try:
            result = self._do(request)
        except RtcWidgetError as error:
            self.say("reply", id=request["id"], seq=self._seq, error=error.to_wire())
        else:
            self.say("reply", id=request["id"], seq=self._seq, result=result)

    def _do(self, request: Message) -> dict[str, Any]:
        match request["type"]:
            case "connect":
                if self._state["status"] != "connected":
                    self.connect(microphone=request["microphone"], resume=request["resume"])
                return {"attempt": self._attempt}
            case "disconnect":
                self.disconnect()
            case "send":
                self._send_events(request["events"])
            case "mute":
                self._report_state(muted=request["muted"])
            case "talk":
                turn = [{"type": "input_audio_buffer.commit"}, {"type": "response.create"}]
                events = [{"type": "input_audio_buffer.clear"}] if request["on"] else turn
                self._send_events([json.dumps(event) for event in events])
            case "devices":
                return {"devices": []}
            case "use_device":
                if request["device"] is not None:
                    raise DeviceNotFound("A scripted page has no devices.")
                return {"devices": []}
            case "diagnose":
                return {"steps": [], "pairs": [], "cause": "", "hint": ""}
            case "approve":
                return {"approved": self.approves}
            case "note":
                self.notes.append({key: request[key] for key in ("code", "message", "hint")})
            case "play_clip":
                return self._play_clip(request["clip"])
            case "cancel_clip" | "flush_audio" | "silence_output":
                pass
            case kind:
                raise UnexpectedError(f"A scripted page does not support the request {kind!r}.")
        return {}

    def _send_events(self, texts: list[str]) -> None:
        if self._state["data_channel_state"] != "open":
            raise NotConnected("Nothing was sent: the page is not connected.")
        limit = self._state["max_message_size"]
        for wire in texts:
            if (size := len(wire.encode())) > limit:
                raise MessageTooLarge(text("message_too_large", size=size, limit=limit))
        for wire in texts:
            event = json.loads(wire, parse_constant=_refuse_constant)
            self.sent.append(event)
            self.events(wire, direction="sent", attempt=self._attempt or "a1")
            self._deliver(self._server.react(event))

    def _play_clip(self, clip: str) -> dict[str, Any]:
        rate, samples = 0, b""
        first: int | None = 0
        while first is not None:
            id = f"{self.page}:{next(self._numbers)}"
            self.say("clip", id=id, clip=clip, first=first)
            reply = next(message for message in reversed(self.heard("reply")) if message["id"] == id)
            if "error" in reply:
                raise Cancelled("The clip has been withdrawn.")
            part = reply["result"]
            rate, samples, first = part["rate"], samples + base64.b64decode(part["data"]), part["next"]
        self.clips.append((rate, samples))
        start_ms = self.now_ms
        self._play("user", rate, samples)
        return {"start_ms": start_ms, "end_ms": self.now_ms}

    def _deliver(self, steps: Iterable[ScriptStep]) -> None:
        events: list[ServerEvent] = []
        for step in steps:
            if not isinstance(step, ScriptedAudio | ScriptedPause):
                events.append(step)
                continue
            self._flush(events)
            if isinstance(step, ScriptedPause):
                self.passes(step.seconds)
                continue
            self._play(step.track, step.clip.sample_rate, step.clip.pcm.astype("<i2").tobytes())
        self._flush(events)

    def _flush(self, events: list[ServerEvent]) -> None:
        if events:
            self.events(*events, attempt=self._attempt or "a1")
            events.clear()

    def _play(self, track: Track, rate: int, pcm: bytes) -> None:
        """Play audio of one side: advance the clock, and send the audio if the widget records and it is not muted."""
        if self.settings.get("record") and not (track == "user" and self._state["muted"]):
            self._media.record(track, rate, pcm, self._attempt or "a1", self.now_ms)
        self.passes(len(pcm) / 2 / rate)

    def _fail(self, error: RtcWidgetError) -> None:
        self._report_state(**CLOSED, status="error", error=error.to_wire())

    def _report_state(self, *, resumes: bool = False, **changes: Any) -> None:
        was_open = self._state["data_channel_state"] == "open"
        self._state = {**self._state, **changes}
        is_open = self._state["data_channel_state"] == "open"
        if was_open and not is_open and self._heard_until_ms is None:
            self._heard_until_ms = self.now_ms
        heard_until_ms = None if is_open else self._heard_until_ms
        self.state(self._attempt, resumes=resumes, heard_until_ms=heard_until_ms, **self._state)

    def _begin_attempt(self) -> None:
        self._attempt = f"a{next(self._attempts)}"
        self._heard_until_ms = None

    def _begin_session(self) -> Sequence[ScriptStep]:
        """Return the first events of the server, which has the widget's protocol."""
        if self.settings.get("protocol") == "live" and isinstance(self._server, ServerScript):
            self._server = LiveServerScript(self._server.responses, self._server.reactions)
        return self._server.begin(self._session())

    def _session(self) -> Mapping[str, Any]:
        own = merged({"model": "scripted", "instructions": ""}, self._own_session)
        return merged(own, self._app_session())

    @property
    def _detects_turns(self) -> bool:
        return detects_turns(self._server.session)


def _refuse_constant(name: str) -> None:
    raise UnexpectedError(f"The event is not JSON: it has {name}.")


def _clip(sound: ClipSource | None) -> AudioClip | None:
    if sound is None:
        return None
    from rtc_widget.audio.clip import AudioClip

    return AudioClip.of(sound)
