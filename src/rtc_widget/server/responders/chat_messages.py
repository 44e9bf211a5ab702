"""Converts a conversation to the `messages` of the Chat Completions API."""

from __future__ import annotations

from typing import Any

from rtc_widget.server.conversation import FunctionCallItem, FunctionCallOutput, MessageItem
from rtc_widget.server.responders.responder import Question


def chat_messages(question: Question) -> list[dict[str, Any]]:
    """Return `question` as a list of messages with `role` and `content`, instructions first.

    Tool calls and their results are included. A call without a result is left out, because chat servers reject it.
    """
    messages: list[dict[str, Any]] = []
    if question.instructions:
        messages.append({"role": "system", "content": question.instructions})
    items = question.conversation.items
    called = {item.call_id for item in items if isinstance(item, FunctionCallItem)}
    answered = {item.call_id for item in items if isinstance(item, FunctionCallOutput)}
    for item in items:
        match item:
            case MessageItem() if item.text or _images(item):
                messages.append({"role": item.role, "content": _content(item)})
            case FunctionCallItem() if item.call_id in answered:
                _add_call(messages, item)
            case FunctionCallOutput() if item.call_id in called:
                messages.append({"role": "tool", "tool_call_id": item.call_id, "content": item.output})
    return messages


def _content(item: MessageItem) -> str | list[dict[str, Any]]:
    images = _images(item)
    if not images:
        return item.text
    text = [{"type": "text", "text": item.text}] if item.text else []
    return [*text, *({"type": "image_url", "image_url": image} for image in images)]


def _images(item: MessageItem) -> list[dict[str, str]]:
    return [
        {"url": part.image_url, **({"detail": part.detail} if part.detail else {})}
        for part in item.parts
        if part.image_url
    ]


def _add_call(messages: list[dict[str, Any]], call: FunctionCallItem) -> None:
    # Parallel calls are one message, together with the text before them.
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    function = {"name": call.name, "arguments": call.arguments}
    messages[-1].setdefault("tool_calls", []).append({"id": call.call_id, "type": "function", "function": function})
