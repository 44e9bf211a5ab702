"""Telling the server which tools there are: with the call that is made, and whenever they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rtc_widget.conversation.events import Event, fields_of
from rtc_widget.tools.tool import Function, Tool, Tools


class ToolOffer:
    """Keeps the session's ``tools`` what they are in Python; lives on the kernel's main loop.

    Parameters
    ----------
    tools : Tools
        The functions.
    send : callable
        Sends events if the data channel is open, and says whether it was.
    """

    def __init__(self, tools: Tools, send: Callable[[list[Mapping[str, Any]]], bool]) -> None:
        self._tools = tools
        self._send = send
        self._as_given: tuple[dict[str, Any], ...] = ()
        self._is_stale = False
        tools.on_change(self._tell)

    def add(self, tool: Function | Tool | dict[str, Any]) -> None:
        """Offer a function, or a tool that somebody else runs, described as the session wants it."""
        if isinstance(tool, dict):
            self._as_given = (*self._as_given, dict(tool))
            self._tell()
        else:
            self._tools.add(tool)

    def others(self) -> set[str]:
        """Return the names of the functions that are not run here."""
        return {
            str(tool["name"])
            for tool in self._as_given
            if tool.get("type", "function") == "function" and "name" in tool
        }

    def added_to(self, session: Mapping[str, Any]) -> dict[str, Any]:
        """Return session settings with the tools in them; callable from any thread."""
        tools = self._wire()
        return {**session, "tools": tools} if tools else dict(session)

    def begin_call(self, *, resumes: bool) -> None:
        """The events that follow are another call's."""
        # A call that goes on with another is told its old changes once more, by the page.
        self._is_stale = resumes and bool(self._wire())

    def end_call(self) -> None:
        """The next call is told with its offer."""

    def follow(self, event: Event) -> None:
        """Take in the next event: the server says which tools it knows."""
        if event.direction == "sent" or event.type != "session.created":
            return
        session = fields_of(event).get("session")
        known = session.get("tools") if isinstance(session, Mapping) else None
        names = {tool.get("name") for tool in known or () if isinstance(tool, Mapping)}
        # Not every server takes settings with the offer; and tools may have come while it was made.
        if self._is_stale or not self._tools.keys() <= names:
            self._tell()

    def _tell(self) -> None:
        self._send([{"type": "session.update", "session": {"type": "realtime", "tools": self._wire()}}])

    def _wire(self) -> list[dict[str, Any]]:
        names = self._tools.keys()
        return [*(tool for tool in self._as_given if tool.get("name") not in names), *self._tools.to_wire()]
