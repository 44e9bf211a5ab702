"""A page without a browser that does and says what a test wants."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rtc_widget import protocol
from rtc_widget.errors import (
    Cancelled,
    ConnectionFailed,
    DeviceNotFound,
    MessageTooLarge,
    NotConnected,
    RtcWidgetError,
    ServerHungUp,
    UnexpectedError,
)
from rtc_widget.pages import instead_of_browser
from rtc_widget.protocol import Direction, Message
from rtc_widget.signaling.session import merged, session_settings
from rtc_widget.testing.server_script import Event, Reaction, ScriptedAnswer, ScriptedCall, ServerScript
from rtc_widget.testing.states import CLOSED, CONNECTED, CONNECTING, IDLE

_FIRST_MOMENT_MS = 1_795_286_400_000.0


class ScriptedPage:
    """A page for tests: ``VoiceChat(page=ScriptedPage())`` makes calls without a browser, a network or a server.

    It obeys the widget as the browser's page does: `VoiceChat.connect` connects, what is sent arrives, and the server
    it plays answers with the next line of its script. The rest happens when the test says so.

    Parameters
    ----------
    acts : bool
        False: it obeys nothing and plays no server; every message is left to the test (`say`, `answer`).
    page : str
        Its name in messages.
    session : mapping, optional
        The session's settings, as `VoiceChat` takes them, that its server has of its own. Those that the app gives
        win over them.

    Attributes
    ----------
    sent : list of dict
        The client events that the app has sent, oldest first.
    notes : list of dict
        What the widget was told to show: ``{code, message, hint}``.
    clips : list of (int, bytes)
        The clips that were spoken: samples a second, and the signed 16-bit samples.
    approves : bool
        The person's answer when a tool asks for permission.
    now_ms : float
        The page's clock, in milliseconds since 1970. It goes on by one with each event and with `passes`.

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
        self.page = page
        self.sent: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.clips: list[tuple[int, bytes]] = []
        self.approves = False
        self.now_ms = _FIRST_MOMENT_MS
        self.settings: Mapping[str, Any] = {}
        self._acts = acts
        self._own_session = session_settings(session or {})
        self._app_session: Callable[[], Mapping[str, Any]] = dict
        self._server = ServerScript()
        self._say: Callable[[Message], None] = _unopened
        self._hears: list[ScriptedPage] = [self]
        self._messages: list[Message] = []
        self._log: list[tuple[str, list[object]]] = []
        self._next = 0
        self._seq = 0
        self._attempts = itertools.count(1)
        self._attempt: str | None = None
        self._state: dict[str, Any] = dict(IDLE)
        self._refusal: RtcWidgetError | None = None
        self._is_silent = False
        self._asked = itertools.count(1)

    # What the script says

    def will_say(self, text: str, **answer: Any) -> None:
        """Let the model say this when it is asked next; ``spoken=False`` writes it, `usage` counts its tokens."""
        self.will_answer(ScriptedAnswer(text, **answer))

    def will_call(self, tool: str, **arguments: Any) -> None:
        """Let the model call a tool when it is asked next."""
        self.will_answer(ScriptedAnswer(calls=(ScriptedCall(tool, arguments),)))

    def will_fail(self, message: str) -> None:
        """Let the next response fail."""
        self.will_answer(ScriptedAnswer(error=message))

    def will_answer(self, answer: ScriptedAnswer) -> None:
        """Let the model do this when it is asked next: words, several tools at once, both."""
        self._server.answers.append(answer)

    def will_refuse(self, error: RtcWidgetError) -> None:
        """Let the next call fail with this error, such as ``MicrophoneDenied("No.")``."""
        self._refusal = error

    def reacts(self, type: str, reaction: Reaction) -> None:
        """Say what the server does on a type of client event: a function of the event that returns server events."""
        self._server.reactions[type] = reaction

    # What happens

    def connect(self, *, microphone: bool | None = None) -> None:
        """Make a call, as a person does who clicks Connect. It is refused if the script says so."""
        self._attempt = f"a{next(self._attempts)}"
        wanted = bool(self.settings.get("microphone", True)) if microphone is None else microphone
        self._state = {**IDLE, "muted": self._state["muted"], "listening_only": not wanted}
        self._state |= {key: value for key, value in CONNECTING.items() if key not in ("muted", "listening_only")}
        self._tell()
        if self._refusal is not None:
            error, self._refusal = self._refusal, None
            self._fail(error)
            raise error
        permission = "granted" if wanted else "prompt"
        kept = {"muted": self._state["muted"], "listening_only": not wanted, "microphone_permission": permission}
        self._state = {**CONNECTED, **kept}
        self._tell()
        self._arrive(self._server.begin(self._session()))

    def disconnect(self) -> None:
        """End the call, as a person does who clicks Disconnect."""
        self._tell(**CLOSED, status="idle", error=None)

    def person_says(self, text: str) -> None:
        """Let a person speak. Where the session detects turns, the model answers with the next line of the script."""
        self._arrive(self._server.heard(text))
        if self._detects_turns:
            self._arrive(self._server.answer())

    def receives(self, *events: Event) -> None:
        """Let the server send events, whatever they are."""
        self._arrive(list(events))

    def passes(self, seconds: float) -> None:
        """Let time go by on the page's clock; nobody waits for it."""
        self.now_ms += 1000 * seconds

    def server_hangs_up(self) -> None:
        """Let the server end the call."""
        self._fail(ServerHungUp("The server closed the call.", hint="Connect again to start a new one."))

    def loses_connection(self) -> None:
        """Let the connection break; the page tries to recover until `recovers` or `gives_up`."""
        self._tell(status="reconnecting", connection_state="disconnected", ice_connection_state="disconnected")

    def recovers(self) -> None:
        """Let a lost connection be made anew, by a call that goes on with the one before."""
        self._attempt = f"a{next(self._attempts)}"
        self._tell(**{**CONNECTED, "muted": self._state["muted"]}, resumes=True)
        self._arrive(self._server.begin(self._session()))

    def gives_up(self) -> None:
        """Let a lost connection stay lost."""
        self._fail(ConnectionFailed("The connection to the server was lost.", hint="Check the network."))

    def falls_silent(self) -> None:
        """Obey and say nothing any more, as a page does that was closed or whose machine sleeps."""
        self._is_silent = True

    async def settled(self) -> None:
        """Wait until the widget has taken in what was said so far."""
        for _ in range(3):
            await asyncio.sleep(0)
        # As often as there are messages: each is a callback of its own on the loop.
        for _ in range(len(self._messages) + self._seq):
            await asyncio.sleep(0)

    @contextmanager
    def in_use(self) -> Iterator[ScriptedPage]:
        """Give this page to the widget that is made inside; for apps that make their `VoiceChat` themselves.

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

    # The messages themselves

    def say(self, type: str, **fields: Any) -> None:
        """Send one message of the page, whatever it says."""
        if not self._is_silent:
            # What cannot be JSON must fail here as it would on the wire.
            self._say(json.loads(json.dumps({"type": type, "page": self.page, **fields})))

    def hello(self) -> None:
        """Say that a page is there."""
        self.say("hello", protocol=protocol.PROTOCOL)

    def state(self, attempt: str | None = "a1", *, resumes: bool = False, **changes: Any) -> None:
        """Send a state: that of an idle page, with changes."""
        self._seq += 1
        self.say("state", seq=self._seq, attempt=attempt, resumes=resumes, state={**IDLE, **changes})

    def connected(self, attempt: str = "a1") -> None:
        """Send the state of a call that stands."""
        self.state(attempt, **CONNECTED)

    def events(
        self,
        *events: Mapping[str, Any] | str,
        direction: Direction = "received",
        first: int | None = None,
        attempt: str = "a1",
    ) -> None:
        """Send a batch of events; `first` is the running number of the first, the next one if left out."""
        number = self._next if first is None else first
        texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
        batch: list[list[object]] = []
        for text in texts:
            batch.append([direction, self.now_ms, text])
            self.now_ms += 1
        if number == len(self._log):
            self._log += [(attempt, event) for event in batch]
        self._next = max(self._next, number + len(batch))
        self.say("events", attempt=attempt, first=number, events=batch)

    def heard(self, type: str) -> list[dict[str, Any]]:
        """Return the messages of a type that the widget has sent this page."""
        return [message for message in self._messages if message["type"] == type]

    async def hears(self, type: str, count: int = 1, timeout: float = 5.0) -> dict[str, Any]:
        """Wait until the widget has sent this page so many messages of a type; return the last."""
        async with asyncio.timeout(timeout):
            while len(self.heard(type)) < count:  # noqa: ASYNC110 - heard on any thread
                await asyncio.sleep(0.005)
        return self.heard(type)[count - 1]

    async def answer(
        self, type: str, *, result: dict[str, Any] | None = None, error: Mapping[str, str] | None = None
    ) -> None:
        """Answer the first request of a type."""
        request = await self.hears(type)
        self.say("reply", id=request["id"], seq=self._seq, **({"error": error} if error else {"result": result or {}}))

    def beside(self, page: str) -> ScriptedPage:
        """Return another page of the same widget, which obeys nothing."""
        other = ScriptedPage(acts=False, page=page)
        other._say = self._say
        other.settings = self.settings
        self._hears.append(other)
        return other

    # What makes it a `Page`

    @property
    def makes_calls(self) -> bool:
        """Whether it calls the widget's server; only where the test itself makes it."""
        return not self._acts

    def take_settings(self, settings: Mapping[str, Any]) -> None:
        """Take in the widget's settings."""
        self.settings = json.loads(json.dumps(settings))

    def take_session(self, session: Callable[[], Mapping[str, Any]]) -> None:
        """Take the way to the session's settings that the app gives, with its tools; asked for each call."""
        self._app_session = session

    def open(self, say: Callable[[Message], None]) -> None:
        """Take the way to the widget, and say hello."""
        self._say = say
        if self._acts:
            self.hello()

    def hear(self, message: Message) -> None:
        """Take in a message of the widget."""
        copy = json.loads(json.dumps(message, default=str))
        for page in self._hears:
            if copy["page"] == page.page:
                page._messages.append(copy)
                if page._acts and not page._is_silent:
                    page._obey(copy)

    def close(self) -> None:
        """End the call with the widget."""
        if self._acts and self._state["status"] not in ("idle", "error"):
            self.disconnect()

    # How it acts

    def _obey(self, message: Message) -> None:
        match message["type"]:
            case "welcome":
                self._tell()
            case "alive":
                self.say("alive", time_ms=self.now_ms)
            case "resend":
                for number, (attempt, event) in list(enumerate(self._log))[message["first"] :]:
                    self.say("events", attempt=attempt, first=number, events=[event])
            case "ack" | "reply" | "media_ack":
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
                    self.connect(microphone=request["microphone"])
                return {"attempt": self._attempt}
            case "disconnect":
                self.disconnect()
            case "send":
                self._send(request["events"])
            case "mute":
                self._tell(muted=request["muted"])
            case "talk":
                turn = [{"type": "input_audio_buffer.commit"}, {"type": "response.create"}]
                events = [{"type": "input_audio_buffer.clear"}] if request["on"] else turn
                self._send([json.dumps(event) for event in events])
            case "devices":
                return {"devices": []}
            case "use_device":
                if request["device"] is not None:
                    raise DeviceNotFound("A scripted page has no devices.")
                return {"devices": []}
            case "diagnose":
                return {"steps": [], "cause": "", "hint": ""}
            case "approve":
                return {"approved": self.approves}
            case "note":
                self.notes.append({key: request[key] for key in ("code", "message", "hint")})
            case "say":
                return self._speak(request["clip"])
            case "hush" | "flush_audio":
                pass
            case kind:
                raise UnexpectedError(f"A scripted page does not know how to {kind}.")
        return {}

    def _send(self, texts: list[str]) -> None:
        if self._state["data_channel_state"] != "open":
            raise NotConnected("There is no connection, so nothing was sent.")
        limit = self._state["max_message_size"]
        for text in texts:
            if len(text.encode()) > limit:
                raise MessageTooLarge(f"The message has {len(text.encode())} bytes; the data channel carries {limit}.")
        for text in texts:
            event = json.loads(text)
            self.sent.append(event)
            self.events(text, direction="sent", attempt=self._attempt or "a1")
            self._arrive(self._server.react(event))

    def _speak(self, clip: str) -> dict[str, Any]:
        rate, sound = 0, b""
        first: int | None = 0
        while first is not None:
            id = f"{self.page}:{next(self._asked)}"
            self.say("clip", id=id, clip=clip, first=first)
            reply = next(message for message in reversed(self.heard("reply")) if message["id"] == id)
            if "error" in reply:
                raise Cancelled("The widget has let go of this clip.")
            part = reply["result"]
            rate, sound, first = part["rate"], sound + base64.b64decode(part["data"]), part["next"]
        self.clips.append((rate, sound))
        start_ms = self.now_ms
        self.passes(len(sound) / 2 / rate)
        return {"start_ms": start_ms, "end_ms": self.now_ms}

    def _arrive(self, events: list[Event]) -> None:
        if events:
            self.events(*events, attempt=self._attempt or "a1")

    def _fail(self, error: RtcWidgetError) -> None:
        self._tell(**CLOSED, status="error", error=error.to_wire())

    def _tell(self, *, resumes: bool = False, **changes: Any) -> None:
        self._state = {**self._state, **changes}
        self.state(self._attempt, resumes=resumes, **self._state)

    def _session(self) -> Mapping[str, Any]:
        own = merged({"model": "scripted", "instructions": ""}, self._own_session)
        return merged(own, self._app_session())

    @property
    def _detects_turns(self) -> bool:
        audio = self._server.session.get("audio") or {}
        return (audio.get("input") or {}).get("turn_detection", "default") is not None


def _unopened(_message: Message) -> None:
    raise RuntimeError("This page belongs to no widget yet: VoiceChat(page=page).")
