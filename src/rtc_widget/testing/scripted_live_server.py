"""The scripted server of GPT-Live: reacts to client events with server events, by a session clock of its own."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rtc_widget._unicode import json_text
from rtc_widget.protocols.live.client_events import REPLY
from rtc_widget.protocols.live.input_queue import MAX_QUEUED_BYTES
from rtc_widget.protocols.realtime.session_settings import merged
from rtc_widget.testing.scripted_server import (
    Reaction,
    ScriptedAudio,
    ScriptedCall,
    ScriptedPause,
    ScriptedResponse,
    ScriptStep,
    ServerEvent,
    script_ended,
)

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip

_WORD_MS = 200
_PLACE_MS = 600
"""How long it takes to place what was appended."""
_QUIET_SECONDS = 2.0
_WAIT_MS = 800
_EXPIRES_AT = 4_000_000_000
"""In the year 2096; a test sends another session if it wants it to expire."""


class LiveServerScript:
    """Reacts to client events with server events; the twin of `ServerScript` for GPT-Live.

    The voice says what is appended as commentary, unless it is asked to reply: then it gives the next response of the
    script, as after a spoken turn. A response with tool calls is a delegation to the backend. After each response two
    seconds of quiet pass, and the usage is reported.

    Parameters
    ----------
    responses : deque of ScriptedResponse
        The next responses, in order.
    reactions : dict
        Reactions to types of client events, which replace the default ones.
    """

    def __init__(self, responses: deque[ScriptedResponse], reactions: dict[str, Reaction]) -> None:
        self.responses = responses
        self.reactions = reactions
        self.session: dict[str, Any] = {}
        self._numbers: dict[str, itertools.count[int]] = {}
        self._clock_ms = 0
        self._queued = 0
        self._owed: set[str] = set()
        self._delegation: str | None = None

    def begin(self, session: Mapping[str, Any]) -> list[ServerEvent]:
        """Return the first events of a server."""
        self._clock_ms, self._queued, self._owed, self._delegation = 0, 0, set(), None
        own = {"id": self._id("live_u"), "status": "active", "expires_at": _EXPIRES_AT, "store": False}
        self.session = merged(own, {name: value for name, value in session.items() if name != "input"})
        delegation = self.session.get("delegation") or {}
        if delegation.get("type") == "responses":
            # The page knows the app's functions, but not the backend's model.
            backend = merged({"model": "scripted"}, delegation.get("responses") or {})
            self.session["delegation"] = {**delegation, "responses": backend}
        return [self._event("session.started", session=dict(self.session))]

    def react(self, event: Mapping[str, Any]) -> Sequence[ScriptStep]:
        """Return the server's events in reaction to a client event."""
        kind = str(event.get("type"))
        reaction = self.reactions.get(kind)
        if reaction is not None:
            events = reaction(event)
            return [] if events is None else [events] if isinstance(events, dict) else list(events)
        named = {"client_event_id": event.get("event_id")}
        match kind:
            case "session.update":
                self.session = merged(self.session, event.get("session") or {})
                return [self._event("session.updated", session=dict(self.session), **named)]
            case "session.instructions.append" | "session.thinking.append" | "session.commentary.append":
                return self._append(kind, event, named)
            case "session.input_audio.mute" | "session.input_audio.unmute":
                return [self._event(f"{kind}d", **named)]
            case "response.item.create":
                return self._item(event, named)
            case "response.create" if self._owed:
                missing = f"{len(self._owed)} outputs are missing."
                return [self._refusal("function_call_outputs_required", missing, named)]
            case "response.create":
                self._queued = 0
                return self._backend(self._next(), self._delegation)
            case "session.close":
                usage = {"seconds": self._seconds()}
                closed = {"reason": "close_requested", "session": dict(self.session), "usage": usage}
                return [self._event("session.closed", **closed, **named)]
            case _:
                return [self._refusal("invalid_value", f"Unknown event type {kind!r}.", named)]

    def user_turn(self, text: str, sound: AudioClip | None = None) -> list[ScriptStep]:
        """Return the events of spoken words; the response is separate."""
        self._clock_ms += _WAIT_MS
        audio: list[ScriptStep] = [] if sound is None else [ScriptedAudio("user", sound)]
        return [*audio, *self._words("session.input_transcript.delta", text)]

    def next_response(self) -> list[ScriptStep]:
        """Return the events of the next scripted response to a spoken turn."""
        script = self._next()
        if not script.delegates and not script.calls:
            return self._voice(script)
        target = "client" if script.delegates else "responses"
        key, response_id = self._id("item"), self._id("resp")
        given = {"id": key, "type": "delegation", "target": target}
        if script.calls:
            given["response_id"] = response_id
        created = self._event("session.delegation.created", offset_ms=self._clock_ms, delegation=given)
        spoken = [] if script.text is None else self._voice(script)
        if script.delegates:
            return [created, *spoken]
        self._delegation = key
        return [created, *spoken, *self._nested(script, key, response_id)]

    def _next(self) -> ScriptedResponse:
        return self.responses.popleft() if self.responses else script_ended()

    def _append(self, kind: str, event: Mapping[str, Any], named: ServerEvent) -> list[ScriptStep]:
        start, self._clock_ms = self._clock_ms, self._clock_ms + _PLACE_MS
        placed = self._event(f"{kind}ed", start_ms=start, end_ms=self._clock_ms, **named)
        if kind != "session.commentary.append":
            return [placed]
        content = str(event.get("content"))
        return [placed, *self._voice(self._next() if content == REPLY else ScriptedResponse(content))]

    def _item(self, event: Mapping[str, Any], named: ServerEvent) -> list[ServerEvent]:
        item = event.get("item") or {}
        self._queued += len(json_text(item).encode())
        if self._queued > MAX_QUEUED_BYTES:
            return [self._refusal("response_input_buffer_full", "The input buffer is full.", named)]
        if item.get("type") == "function_call_output":
            self._owed.discard(str(item.get("call_id")))
        return []

    def _backend(self, script: ScriptedResponse, key: str | None) -> list[ScriptStep]:
        events: list[ScriptStep] = list(self._nested(script, key, self._id("resp")))
        if script.text is not None and not script.error:
            events += self._voice(script)
        return events

    def _nested(self, script: ScriptedResponse, key: str | None, response_id: str) -> list[ServerEvent]:
        """Return the events of a response of the backend."""
        begun = {"id": response_id, "object": "response", "status": "in_progress", "output": [], "tools": []}
        numbers = itertools.count(1)

        def nested(type: str, **fields: Any) -> ServerEvent:
            inner = {"type": type, "sequence_number": next(numbers), **fields}
            return self._event("response.event", delegation_id=key, event=inner)

        events = [nested("response.created", response=begun)]
        for index, call in enumerate(script.calls):
            events.append(nested("response.output_item.done", output_index=index, item=self._call(call)))
        status = "failed" if script.error else "completed"
        error = {"code": "server_error", "message": script.error} if script.error else None
        tokens = {name: script.usage.get(name, 0) for name in ("input_tokens", "output_tokens", "total_tokens")}
        done = {**begun, "status": status, "error": error, "usage": tokens}
        events.append(nested(f"response.{status}", response=done))
        if script.error:
            self._owed.clear()  # a failed response's calls are discarded
        if script.error or not script.calls:
            self._delegation = None
        return events

    def _call(self, call: ScriptedCall) -> ServerEvent:
        call_id = self._id("call")
        self._owed.add(call_id)
        given = {"name": call.name, "call_id": call_id, "arguments": json_text(call.arguments)}
        return {"type": "function_call", "id": self._id("fc"), **given, "status": "completed"}

    def _voice(self, script: ScriptedResponse) -> list[ScriptStep]:
        """Return the events of words that the voice says."""
        if script.error:
            return [self._event("error", error={"type": "server_error", "code": None, "message": script.error})]
        self._clock_ms += _WAIT_MS
        words = self._words("session.output_transcript.delta", script.text or "")
        audio: list[ScriptStep] = [] if script.sound is None else [ScriptedAudio("assistant", script.sound)]
        self._clock_ms += round(1000 * _QUIET_SECONDS)
        usage = self._event("session.usage.updated", usage={"seconds": self._seconds()})
        return [*audio, *words, ScriptedPause(_QUIET_SECONDS), usage]

    def _words(self, kind: str, text: str) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        for at, word in enumerate(text.split(" ")):
            start, self._clock_ms = self._clock_ms, self._clock_ms + _WORD_MS
            delta = word if at == 0 else f" {word}"
            events.append(self._event(kind, delta=delta, start_ms=start, end_ms=self._clock_ms))
        return events

    def _seconds(self) -> float:
        return self._clock_ms / 1000

    def _refusal(self, code: str, message: str, named: ServerEvent) -> ServerEvent:
        error = {"type": "invalid_request_error", "code": code, "message": message, "param": None, **named}
        return self._event("error", error=error)

    def _event(self, type: str, **fields: Any) -> ServerEvent:
        return {"type": type, "event_id": self._id("event"), **fields}

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers.setdefault(kind, itertools.count(1)))}"
