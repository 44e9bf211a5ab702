"""The function calls of a call and their outputs, as items of the Realtime API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget.conversation.facts import FunctionCall
from rtc_widget.conversation.turn import FunctionResult
from rtc_widget.protocols.realtime.client_events import CARRIED


class FunctionItems:
    """Function calls by their items, and their outputs. Items that were carried from an earlier call are left out."""

    def __init__(self) -> None:
        self._calls: dict[str, FunctionCall] = {}
        # Outputs by call, and the call whose output an item is, by item.
        self._outputs: dict[str, str] = {}
        self._output_items: dict[str, str] = {}

    def add(self, item_id: str, item: Mapping[str, Any]) -> None:
        """Process an item that the server reports, of any type."""
        call_id, name, arguments = item.get("call_id"), item.get("name"), item.get("arguments")
        if not isinstance(call_id, str) or call_id.startswith(CARRIED):
            return
        if item.get("type") == "function_call" and isinstance(name, str):
            known = self._calls.get(item_id)
            # The arguments may come later than the call.
            before = known.arguments if known else ""
            text = arguments if isinstance(arguments, str) and arguments else before
            self._calls[item_id] = FunctionCall(name, text, call_id)
        elif item.get("type") == "function_call_output" and isinstance(output := item.get("output"), str):
            self._outputs[call_id] = output
            self._output_items[item_id] = call_id

    def add_sent(self, item: object) -> None:
        """Process an item that was sent: not every server reports it."""
        if isinstance(item, Mapping) and item.get("type") == "function_call_output":
            call_id, output = item.get("call_id"), item.get("output")
            if isinstance(call_id, str) and isinstance(output, str):
                self._outputs[call_id] = output

    def delete(self, item_id: str) -> None:
        """Delete an item, of any type."""
        self._calls.pop(item_id, None)
        self._outputs.pop(self._output_items.pop(item_id, ""), None)

    def result(self, item_id: str) -> FunctionResult | None:
        """Return the function call that the item is, with its output; None without an output."""
        call = self._calls.get(item_id)
        if call is None or call.call_id not in self._outputs:
            return None
        return FunctionResult(call.name, call.arguments, self._outputs[call.call_id])
