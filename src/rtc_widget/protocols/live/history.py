"""An earlier conversation as the input of a new session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rtc_widget._unicode import well_formed
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.protocols.live.client_events import estimated_tokens
from rtc_widget.protocols.live.session_settings import MAX_INPUT_MESSAGES, MAX_INPUT_TOKENS


def history_messages(items: Sequence[Turn | FunctionResult], used: int = 0) -> list[dict[str, Any]]:
    """Return the newest turns as messages, as many as a session takes; `used` are in its input already.

    Examples
    --------
    >>> history_messages([Turn("user", "Hello", "turn_1")])
    [{'type': 'message', 'role': 'user', 'content': [{'type': 'input_text', 'text': 'Hello'}]}]
    """
    messages: list[dict[str, Any]] = []
    tokens = 0
    for item in reversed(items):
        if isinstance(item, FunctionResult) or not item.heard.strip():
            continue
        tokens += estimated_tokens(item.heard)
        if tokens > MAX_INPUT_TOKENS or len(messages) + used >= MAX_INPUT_MESSAGES:
            break
        kind = "input_text" if item.role == "user" else "output_text"
        content = [{"type": kind, "text": well_formed(item.heard)}]
        messages.append({"type": "message", "role": item.role, "content": content})
    return messages[::-1]
