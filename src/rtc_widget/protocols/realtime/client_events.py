"""The client events of the Realtime API that this package sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

from rtc_widget._unicode import well_formed
from rtc_widget.types import Role

ClientEvent = dict[str, Any]

CARRIED = "carried_"
"""The prefix of ids of items that repeat a turn of an earlier call; the page uses the same prefix."""
# The service accepts ids of at most 32 characters.
_MAX_ID_CHARACTERS = 32


def new_id(kind: str) -> str:
    """Return a new id of an event or an item, such as ``"event_4f…"``."""
    return f"{kind}_{uuid4().hex[:20]}"


def create_item(item: Mapping[str, Any], event_id: str | None = None) -> ClientEvent:
    """Add an item to the conversation."""
    return {"type": "conversation.item.create", "event_id": event_id or new_id("event"), "item": item}


def create_response(event_id: str | None = None) -> ClientEvent:
    """Ask for a response."""
    return {"type": "response.create", "event_id": event_id or new_id("event")}


def cancel_response(response_id: str | None = None) -> ClientEvent:
    """Stop the response that is being generated, or only the one with this id."""
    return {"type": "response.cancel", **({} if response_id is None else {"response_id": response_id})}


def clear_output_audio() -> ClientEvent:
    """Stop the audio that is being played (WebRTC only)."""
    return {"type": "output_audio_buffer.clear"}


def clear_input_audio() -> ClientEvent:
    """Discard the user's audio since the last turn."""
    return {"type": "input_audio_buffer.clear"}


def commit_input_audio() -> ClientEvent:
    """Commit the user's audio as a turn."""
    return {"type": "input_audio_buffer.commit"}


def update_session(settings: Mapping[str, Any], event_id: str | None = None) -> ClientEvent:
    """Change the session's settings."""
    named = {} if event_id is None else {"event_id": event_id}
    return {"type": "session.update", **named, "session": {"type": "realtime", **settings}}


def user_message(
    text: str, image_url: str | None = None, detail: Literal["auto", "low", "high"] = "auto"
) -> dict[str, Any]:
    """Return a user's message as an item: text, an image as a ``data:`` URL, or both."""
    words = [{"type": "input_text", "text": text}] if text.strip() else []
    if image_url is None:
        return {"id": new_id("item"), "type": "message", "role": "user", "content": words}
    image = {"type": "input_image", "image_url": image_url, "detail": detail}
    return {"type": "message", "role": "user", "content": [image, *words]}


def function_outputs(outputs: Mapping[str, str]) -> Sequence[dict[str, Any]]:
    """Return items for the outputs of functions by the id of the function call."""
    return [
        {"type": "function_call_output", "call_id": call_id, "output": well_formed(output)}
        for call_id, output in outputs.items()
    ]


def carry_turn(role: Role, text: str) -> ClientEvent:
    """Return the event that repeats a turn of an earlier call; page and kernel recognise it by its id."""
    item = {
        "id": _carried_id(),
        "type": "message",
        "role": role,
        "content": [{"type": "input_text" if role == "user" else "output_text", "text": text}],
    }
    return {"type": "conversation.item.create", "item": item}


def carry_function_result(name: str, arguments: str, output: str) -> list[ClientEvent]:
    """Return the events that repeat a function call of an earlier call and its output."""
    items = carried_function_items(name, arguments, output)
    return [{"type": "conversation.item.create", "item": item} for item in items]


def carried_function_items(name: str, arguments: str, output: str) -> list[dict[str, Any]]:
    """Return the items that repeat a function call of an earlier call and its output."""
    # A server may use the ids of its calls again in another session.
    call_id = _carried_id()
    given = well_formed(arguments or "{}")
    call = {"type": "function_call", "call_id": call_id, "name": well_formed(name), "arguments": given}
    result = {"type": "function_call_output", "call_id": call_id, "output": well_formed(output)}
    return [{"id": _carried_id(), **item} for item in (call, result)]


def _carried_id() -> str:
    return f"{CARRIED}{uuid4().hex}"[:_MAX_ID_CHARACTERS]
