"""An earlier conversation as the input of a new session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rtc_widget._unicode import well_formed
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.protocols.live.client_events import estimated_tokens, text_of
from rtc_widget.protocols.live.session_settings import MAX_INPUT_MESSAGES, MAX_INPUT_TOKENS


def history_messages(items: Sequence[Turn | FunctionResult], before: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return the newest turns as messages, as many as a session takes beside the messages that its input has already.

    Examples
    --------
    >>> history_messages([Turn("user", "Hello", "turn_1")])
    [{'type': 'message', 'role': 'user', 'content': [{'type': 'input_text', 'text': 'Hello'}]}]
    """
    messages: list[dict[str, Any]] = []
    tokens = sum(map(_tokens_of, before))
    for item in reversed(items):
        if isinstance(item, FunctionResult) or not item.heard.strip():
            continue
        tokens += estimated_tokens(item.heard)
        if tokens > MAX_INPUT_TOKENS or len(messages) + len(before) >= MAX_INPUT_MESSAGES:
            break
        kind = "input_text" if item.role == "user" else "output_text"
        content = [{"type": kind, "text": well_formed(item.heard)}]
        messages.append({"type": "message", "role": item.role, "content": content})
    return messages[::-1]


def _tokens_of(message: object) -> int:
    """Return how many tokens a message that a user has given may have, whatever its form is."""
    texts = message.get("content") if isinstance(message, Mapping) else message
    return estimated_tokens(texts if isinstance(texts, str) else text_of({"content": texts}))
