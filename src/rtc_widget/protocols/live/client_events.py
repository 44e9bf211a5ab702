"""The client events of GPT-Live that this package sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

from rtc_widget._unicode import well_formed

ClientEvent = dict[str, Any]
Channel = Literal["instructions", "thinking", "commentary"]

TYPED = "The user typed: "
"""Begins the note to the voice model on what the user has written; page and kernel recognise a written turn by it."""
REPLY = "Reply now to what the user typed last."
"""Asks the voice model to reply, where no backend of the service does."""
STOP = "Stop speaking now and listen."

MAX_TOKENS = 500
"""The service refuses an append of more tokens."""


def new_id() -> str:
    """Return a new id of an event."""
    return f"event_{uuid4().hex[:20]}"


def append(
    channel: Channel, content: str, delegation_id: str | None = None, event_id: str | None = None
) -> ClientEvent:
    """Add a text to what the voice model knows; the key ``delegation_id`` is required, also where it is null."""
    return {
        "type": f"session.{channel}.append",
        "event_id": event_id or new_id(),
        "delegation_id": delegation_id,
        "content": well_formed(content),
    }


def create_item(item: Mapping[str, Any], event_id: str | None = None) -> ClientEvent:
    """Add an item to the input of the backend."""
    return {"type": "response.item.create", "event_id": event_id or new_id(), "item": dict(item)}


def create_response(event_id: str | None = None) -> ClientEvent:
    """Let the backend respond."""
    return {"type": "response.create", "event_id": event_id or new_id()}


def update_session(settings: Mapping[str, Any], event_id: str | None = None) -> ClientEvent:
    """Change what can be changed during a session."""
    return {"type": "session.update", "event_id": event_id or new_id(), "session": dict(settings)}


def close_session(event_id: str | None = None) -> ClientEvent:
    """End the session; the service confirms it with the final usage."""
    return {"type": "session.close", "event_id": event_id or new_id()}


def user_message(text: str, image_url: str | None = None, detail: str = "auto") -> dict[str, Any]:
    """Return a user's message as an item of the backend's input."""
    words = [{"type": "input_text", "text": well_formed(text)}] if text.strip() else []
    images = [] if image_url is None else [{"type": "input_image", "image_url": image_url, "detail": detail}]
    return {"type": "message", "role": "user", "content": [*images, *words]}


def text_of(item: Mapping[str, Any]) -> str:
    """Return the text of a user's message."""
    parts = item.get("content")
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    return "\n".join(text for text in texts if isinstance(text, str))


def function_outputs(outputs: Mapping[str, str]) -> Sequence[dict[str, Any]]:
    """Return items for the outputs of functions by the id of the function call."""
    return [
        {"type": "function_call_output", "call_id": call_id, "output": well_formed(output)}
        for call_id, output in outputs.items()
    ]


def estimated_tokens(text: str) -> int:
    """Return a generous estimate of the tokens of a text: a third of the ASCII characters, and all others."""
    plain = sum(map(str.isascii, text))
    return -(-plain // 3) + len(text) - plain


def chunks(text: str) -> list[str]:
    """Split a text into parts that one append each can carry, at the ends of sentences or words where there are any."""
    rest, parts = text.strip(), []
    while estimated_tokens(rest) > MAX_TOKENS:
        size = _fitting(rest)
        head = rest[:size]
        cut = max(head.rfind(mark) for mark in (". ", "! ", "? ", "\n")) + 1 or head.rfind(" ") + 1 or size
        parts.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [*parts, rest] if rest else parts


def shortened(text: str) -> str:
    """Return the beginning of a text that one append can carry."""
    return text if estimated_tokens(text) <= MAX_TOKENS else f"{text[: _fitting(text) - 1]}…"


def _fitting(text: str) -> int:
    """Return how many characters from the beginning one append can carry."""
    used = 0.0
    for index, character in enumerate(text):
        used += 1 / 3 if character.isascii() else 1.0
        if used > MAX_TOKENS - 1:
            return index
    return len(text)
