"""What has come of the tools since somebody said something last."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from rtc_widget.local.conversation import Conversation
from rtc_widget.local.items import FunctionCall, FunctionCallOutput, Message
from rtc_widget.local.mind import ToolCall
from rtc_widget.local.tool_request import ToolRequest
from rtc_widget.local.tool_result import spoken_result


@dataclass(frozen=True, slots=True)
class ToolTurn:
    """The calls of a turn and what they gave back.

    Attributes
    ----------
    calls : tuple of FunctionCall
        What was called.
    outputs : tuple of FunctionCallOutput
        What has come back.
    """

    calls: tuple[FunctionCall, ...]
    outputs: tuple[FunctionCallOutput, ...]

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Return the turn at the end of `conversation`."""
        items = list(itertools.takewhile(lambda item: not isinstance(item, Message), reversed(conversation.items)))
        items.reverse()
        return cls(
            tuple(item for item in items if isinstance(item, FunctionCall)),
            tuple(item for item in items if isinstance(item, FunctionCallOutput)),
        )

    def left_of(self, wanted: Iterable[ToolRequest]) -> list[ToolCall]:
        """Return the calls of `wanted` that have not been made; a client may want them one at a time."""
        made = [(call.name, call.arguments) for call in self.calls]
        return [call for call in tool_calls(wanted) if (call.name, call.arguments) not in made]

    def says(self) -> str:
        """Return what has come back, as a person would say it; of several things, which is which."""
        if len(self.outputs) == 1:
            return spoken_result(self.outputs[0].output)
        calls = {call.call_id: call for call in self.calls}
        return " ".join(_named(calls.get(output.call_id), output.output) for output in self.outputs)


def tool_calls(wanted: Iterable[ToolRequest]) -> list[ToolCall]:
    """Return `wanted` as calls."""
    return [ToolCall(request.tool.name, json.dumps(request.arguments)) for request in wanted]


def _named(call: FunctionCall | None, output: str) -> str:
    said = spoken_result(output)
    try:
        arguments: Any = json.loads(call.arguments) if call else {}
    except ValueError:
        return said
    name = next((value for value in arguments.values() if isinstance(value, str)), "")
    return f"{name}: {said}" if name else said
