"""The scripted server: reacts to client events of the GA Realtime protocol with server events."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rtc_widget._deprecated import renamed_names
from rtc_widget._unicode import json_text
from rtc_widget.types import Track

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip

ServerEvent = dict[str, Any]
Reaction = Callable[[Mapping[str, Any]], list[ServerEvent] | ServerEvent | None]

_SPEECH_SECONDS = 1.0
_NO_USAGE: Mapping[str, Any] = {
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
}


@dataclass(frozen=True, slots=True)
class ScriptedAudio:
    """Audio of one side, played before the next event.

    Attributes
    ----------
    track : {"user", "assistant"}
        The side.
    clip : AudioClip
        The audio.
    """

    track: Track
    clip: AudioClip


@dataclass(frozen=True, slots=True)
class ScriptedPause:
    """Time in which nothing happens: the page's clock advances."""

    seconds: float


ScriptStep = ServerEvent | ScriptedAudio | ScriptedPause


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A tool call of the model."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ScriptedResponse:
    """A response of the model.

    Attributes
    ----------
    text : str or None
        Its text; None for tool calls only.
    calls : tuple of ScriptedCall
        Its tool calls.
    spoken : bool
        Whether it is spoken, or only text.
    sound : AudioClip or None
        Its audio; None for no audio, in no time.
    usage : mapping
        The ``usage`` of its ``response.done``.
    error : str or None
        If set, the response fails with this message.
    delegates : bool
        Whether the voice hands the work over to the app (GPT-Live); `text` is what it says meanwhile.
    """

    text: str | None = None
    calls: tuple[ScriptedCall, ...] = ()
    spoken: bool = True
    sound: AudioClip | None = None
    usage: Mapping[str, Any] = field(default_factory=lambda: dict(_NO_USAGE))
    error: str | None = None
    delegates: bool = False


class ServerScript:
    """Reacts to client events with server events.

    Attributes
    ----------
    responses : deque of ScriptedResponse
        The next responses of the model, in order.
    reactions : dict
        Reactions to types of client events, which replace the default ones.
    """

    def __init__(self) -> None:
        self.responses: deque[ScriptedResponse] = deque()
        self.reactions: dict[str, Reaction] = {}
        self.session: dict[str, Any] = {}
        self._numbers: dict[str, itertools.count[int]] = {}
        self._last_item: str | None = None

    def begin(self, session: Mapping[str, Any]) -> list[ServerEvent]:
        """Return the first events of a server."""
        self._last_item = None
        self.session = {"type": "realtime", "object": "realtime.session", "id": self._id("sess"), **session}
        return [self._event("session.created", session=dict(self.session))]

    def react(self, event: Mapping[str, Any]) -> Sequence[ScriptStep]:
        """Return the server's events in reaction to a client event."""
        reaction = self.reactions.get(str(event.get("type")))
        if reaction is not None:
            events = reaction(event)
            return [] if events is None else [events] if isinstance(events, dict) else list(events)
        match event.get("type"):
            case "session.update" if (refusal := _refusal(event)) is not None:
                return [self._event("error", error=refusal)]
            case "session.update":
                self.session = _merged(self.session, event.get("session") or {})
                return [self._event("session.updated", session=dict(self.session))]
            case "conversation.item.create":
                return self._item({"status": "completed", **(event.get("item") or {})})
            case "conversation.item.delete":
                return [self._event("conversation.item.deleted", item_id=event.get("item_id"))]
            case "input_audio_buffer.commit":
                return self._committed()
            case "input_audio_buffer.clear":
                return [self._event("input_audio_buffer.cleared")]
            case "output_audio_buffer.clear":
                return [self._event("output_audio_buffer.cleared")]
            case "response.create":
                return self.next_response()
            case _:
                return []

    def user_turn(self, text: str, sound: AudioClip | None = None) -> list[ScriptStep]:
        """Return the events of a spoken turn, up to its transcript; the response is separate."""
        item_id = self._id("item")
        item = {
            "id": item_id,
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        before = self._last_item
        seconds = _SPEECH_SECONDS if sound is None else sound.duration
        return [
            self._event("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0),
            *([] if sound is None else [ScriptedAudio("user", sound)]),
            self._event("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=round(1000 * seconds)),
            self._event("input_audio_buffer.committed", item_id=item_id, previous_item_id=before),
            *self._item(item),
            self._event(
                "conversation.item.input_audio_transcription.completed",
                item_id=item_id,
                content_index=0,
                transcript=text,
            ),
        ]

    def next_response(self) -> list[ScriptStep]:
        """Return all events of the next scripted response."""
        script = self.responses.popleft() if self.responses else script_ended()
        response_id = self._id("resp")
        response = {"object": "realtime.response", "id": response_id, "status": "in_progress", "output": []}
        events: list[ScriptStep] = [self._event("response.created", response=response)]
        output: list[ServerEvent] = []
        if script.text is not None:
            events += self._message(script.text, response_id, output, spoken=script.spoken)
        for call in script.calls:
            events += self._call(call, response_id, output)
        details = {"type": "failed", "error": {"code": "server_error", "message": script.error}}
        done = {
            **response,
            "status": "failed" if script.error else "completed",
            "status_details": details if script.error else None,
            "output": output,
            "usage": dict(script.usage),
        }
        events.append(self._event("response.done", response=done))
        if script.text is not None and script.spoken:
            # The audio plays longer than the response takes.
            events += [] if script.sound is None else [ScriptedAudio("assistant", script.sound)]
            events.append(self._event("output_audio_buffer.stopped", response_id=response_id))
        return events

    def _message(self, text: str, response_id: str, output: list[ServerEvent], *, spoken: bool) -> list[ServerEvent]:
        item_id = self._id("item")
        kind, field_name, stem = (
            ("output_audio", "transcript", "response.output_audio_transcript")
            if spoken
            else ("output_text", "text", "response.output_text")
        )
        where = {"response_id": response_id, "item_id": item_id, "output_index": len(output), "content_index": 0}
        begun = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        part = {"type": kind, field_name: text}
        item = {**begun, "status": "completed", "content": [part]}
        started = [self._event("output_audio_buffer.started", response_id=response_id)] if spoken else []
        pieces = [self._event(f"{stem}.delta", delta=word, **where) for word in _words(text)]
        events = [
            *self._item_begun(begun, response_id, len(output)),
            self._event("response.content_part.added", part={"type": kind, field_name: ""}, **where),
            *pieces[:1],
            *started,
            *pieces[1:],
            self._event(f"{stem}.done", **{field_name: text}, **where),
            self._event("response.content_part.done", part=part, **where),
            *self._item_done(item, response_id, len(output)),
        ]
        output.append(item)
        return events

    def _call(self, call: ScriptedCall, response_id: str, output: list[ServerEvent]) -> list[ServerEvent]:
        item_id, call_id = self._id("item"), self._id("call")
        arguments = json_text(call.arguments)
        begun = {
            "id": item_id,
            "type": "function_call",
            "status": "in_progress",
            "name": call.name,
            "call_id": call_id,
            "arguments": "",
        }
        item = {**begun, "status": "completed", "arguments": arguments}
        where = {"response_id": response_id, "item_id": item_id, "output_index": len(output), "call_id": call_id}
        events = [
            *self._item_begun(begun, response_id, len(output)),
            self._event("response.function_call_arguments.delta", delta=arguments, **where),
            self._event("response.function_call_arguments.done", name=call.name, arguments=arguments, **where),
            *self._item_done(item, response_id, len(output)),
        ]
        output.append(item)
        return events

    def _item_begun(self, item: ServerEvent, response_id: str, index: int) -> list[ServerEvent]:
        before, self._last_item = self._last_item, item["id"]
        return [
            self._event("response.output_item.added", response_id=response_id, output_index=index, item=item),
            self._event("conversation.item.added", previous_item_id=before, item=item),
        ]

    def _item_done(self, item: ServerEvent, response_id: str, index: int) -> list[ServerEvent]:
        return [
            self._event("response.output_item.done", response_id=response_id, output_index=index, item=item),
            self._event("conversation.item.done", previous_item_id=None, item=item),
        ]

    def _item(self, item: ServerEvent) -> list[ServerEvent]:
        item = {"id": self._id("item"), **item}
        before, self._last_item = self._last_item, item["id"]
        return [
            self._event("conversation.item.added", previous_item_id=before, item=item),
            self._event("conversation.item.done", previous_item_id=before, item=item),
        ]

    def _committed(self) -> list[ServerEvent]:
        item_id, before = self._id("item"), self._last_item
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content}
        return [
            self._event("input_audio_buffer.committed", item_id=item_id, previous_item_id=before),
            *self._item(item),
        ]

    def _event(self, type: str, **fields: Any) -> ServerEvent:
        return {"type": type, "event_id": self._id("event"), **fields}

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers.setdefault(kind, itertools.count(1)))}"


_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def refusal_of_tools(session: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why a server refuses the tools of a session: the parameter and the reason; None if it takes them."""
    tools = session.get("tools", [])
    if not isinstance(tools, list):
        return "session.tools", "must be an array"
    for number, tool in enumerate(tools):
        where = f"session.tools[{number}]"
        if not isinstance(tool, Mapping) or not isinstance(tool.get("type"), str):
            return where, "must be an object with a 'type'"
        if tool["type"] != "function":
            continue
        if not isinstance(name := tool.get("name"), str) or not _TOOL_NAME.fullmatch(name):
            return f"{where}.name", f"must have 1 to 64 letters, digits, _ or -, got {name!r}"
        if not isinstance(tool.get("description", ""), str):
            return f"{where}.description", "must be a string"
        if not isinstance(tool.get("parameters", {}), Mapping):
            return f"{where}.parameters", "must be an object"
    return None


def _refusal(update: Mapping[str, Any]) -> ServerEvent | None:
    session = update.get("session")
    refused = refusal_of_tools(session if isinstance(session, Mapping) else {})
    if refused is None:
        return None
    where, reason = refused
    return {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": f"Invalid '{where}': it {reason}.",
        "param": where,
        "event_id": update.get("event_id"),
    }


def script_ended() -> ScriptedResponse:
    """Return what a server does whose script has ended."""
    return ScriptedResponse(error="The script has no response left. Add one with page.will_say(…).")


def _words(text: str) -> list[str]:
    """Return the text in the parts of a stream of words."""
    words = text.split(" ")
    return [word if at == 0 else f" {word}" for at, word in enumerate(words)]


def _merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(settings)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return merged


__getattr__ = renamed_names(__name__, {"ScriptedAnswer": "ScriptedResponse", "ScriptedSound": "ScriptedAudio"})
