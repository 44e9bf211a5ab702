"""What a chat model has said so far in one turn, put together from the pieces in which it is streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rtc_widget.local.mind import ToolCall

_CUT_OFF: Mapping[str, Literal["max_output_tokens", "content_filter"]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}


@dataclass(slots=True)
class _Call:
    index: int | None
    id: str | None
    name: str = ""
    arguments: str = ""


class ChatTurn:
    """Takes the chunks of a streamed chat completion.

    Attributes
    ----------
    cut_off : {"max_output_tokens", "content_filter"} or None
        Why the model stopped, when it did not stop by itself.
    """

    def __init__(self) -> None:
        self.cut_off: Literal["max_output_tokens", "content_filter"] | None = None
        self._calls: list[_Call] = []

    def take(self, chunk: Mapping[str, Any]) -> Iterator[str]:
        """Take one chunk and yield the words in it."""
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            for piece in delta.get("tool_calls") or ():
                self._add(piece)
            if isinstance(delta.get("content"), str) and delta["content"]:
                yield delta["content"]
            self.cut_off = _CUT_OFF.get(choice.get("finish_reason") or "", self.cut_off)

    def calls(self) -> list[ToolCall]:
        """Return the calls that the model wants, in its order; half a call, where it was cut off, is none."""
        return [
            ToolCall(call.name, call.arguments or "{}")
            for call in self._calls
            if call.name and (self.cut_off is None or _is_json(call.arguments or "{}"))
        ]

    def _add(self, piece: Mapping[str, Any]) -> None:
        """Add a piece of a call: OpenAI sends the name first, then the arguments in pieces, and servers vary that."""
        function = piece.get("function") or {}
        index, call_id = piece.get("index"), piece.get("id") or None
        call = self._same(index, call_id, bool(function.get("name")))
        if call is None:
            call = _Call(index, call_id)
            self._calls.append(call)
        # Some say the name with every piece.
        call.name = call.name or str(function.get("name") or "")
        arguments = function.get("arguments") or ""
        call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def _same(self, index: int | None, call_id: str | None, is_named: bool) -> _Call | None:
        """Return the call that a piece belongs to, if it has begun."""
        if call_id is not None:
            found = next((call for call in self._calls if call.id == call_id), None)
            # Some give all calls the index 0, and others every piece an id of its own; a new call has a name.
            if found is not None or is_named:
                return found
        if index is not None:
            return next((call for call in reversed(self._calls) if call.index == index), None)
        return self._calls[-1] if self._calls and not is_named else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
