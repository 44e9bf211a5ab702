"""Sends the tools to the server: with the offer, and whenever they change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, SessionChanged
from rtc_widget.errors import InvalidTool
from rtc_widget.protocols.base import VoiceProtocol
from rtc_widget.tools.tool import Function, Tool, Tools


class SessionTools:
    """Keeps the session's tools equal to the tools in Python; used on the kernel's main loop.

    Parameters
    ----------
    tools : Tools
        The functions.
    protocol : VoiceProtocol
        Puts tools into the session's settings.
    send : callable
        Sends the present functions to the server, if there is a call.
    """

    def __init__(
        self, tools: Tools, protocol: VoiceProtocol, send: Callable[[Sequence[Mapping[str, Any]]], object]
    ) -> None:
        self._tools = tools
        self._protocol = protocol
        self._send = send
        self._as_given: tuple[dict[str, Any], ...] = ()
        self._sent_revisions: Mapping[str, int] = {}
        self._is_stale = False
        tools.on_change(self._update)

    def add(self, tool: Function | Tool | dict[str, Any]) -> None:
        """Add a function, or the description of a tool that is run elsewhere.

        Raises
        ------
        InvalidTool
            If the function cannot be described, or the description is not JSON.
        """
        if isinstance(tool, dict):
            before, self._as_given = self._as_given, (*self._as_given, _described(tool))
            try:
                self._update()
            except BaseException:
                self._as_given = before
                raise
        else:
            self._tools.add(tool)

    def others(self) -> set[str]:
        """Return the names of the functions that are run elsewhere."""
        return {
            str(tool["name"])
            for tool in self._as_given
            if tool.get("type", "function") == "function" and "name" in tool
        }

    def added_to(self, session: Mapping[str, Any]) -> dict[str, Any]:
        """Return session settings with the tools in them; safe on any thread."""
        return self._protocol.with_tools(session, self._wire())

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call."""
        # The page repeats earlier session changes to a resumed call.
        self._is_stale = resumes and bool(self._wire())

    def end_call(self) -> None:
        """End the call."""

    def consume(self, event: Event, facts: Iterable[Fact]) -> None:
        """Process the next event: the server may report the tools that it knows, and tools may have been reloaded."""
        if self._tools.revisions() != self._sent_revisions:
            self._update()
        for fact in facts:
            # Some servers ignore settings in the offer, and tools may have been added since.
            if isinstance(fact, SessionChanged) and fact.is_new and not self._is_known(fact.tools):
                self._update()

    def _is_known(self, tools: Set[str]) -> bool:
        return not self._is_stale and self._tools.keys() <= tools

    def _update(self) -> None:
        self._send(self._wire())

    def _wire(self) -> list[dict[str, Any]]:
        self._sent_revisions = self._tools.revisions()
        names = self._tools.keys()
        return [*(tool for tool in self._as_given if tool.get("name") not in names), *self._tools.to_wire()]


def _described(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a description, which must be JSON."""
    try:
        copy: dict[str, Any] = json.loads(json.dumps(tool, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidTool(
            f"The description of the tool {tool.get('name', 'without a name')!r} cannot be written as JSON: {error}.",
            hint="Use dicts with string keys, lists, strings, finite numbers, booleans and None.",
        ) from None
    return copy
