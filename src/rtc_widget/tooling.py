"""Letting the model call Python functions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, overload

from rtc_widget.calls.sender import Conversing
from rtc_widget.conversation.subscriptions import Failure
from rtc_widget.errors import NotConnected, PageNotFound
from rtc_widget.tools.call_log import ToolCall
from rtc_widget.tools.session_tools import ToolOffer
from rtc_widget.tools.tool import Confirm, Function, Tools

_GRACE_SECONDS = 5.0


class Tooling(Conversing):
    """The part of `VoiceChat` that gives the model tools."""

    _offer: ToolOffer

    @overload
    def tool(self, function: Function) -> Function: ...

    @overload
    def tool(
        self,
        function: None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        thread: bool = False,
        confirm: Confirm = False,
        timeout: float | None = 60.0,
    ) -> Callable[[Function], Function]: ...

    def tool(self, function: Function | None = None, **options: Any) -> Function | Callable[[Function], Function]:
        """Let the model call a function, from now on and in the calls to come: ``@chat.tool``.

        The schema comes from signature, type hints and docstring. During a call the server is told at once; a function
        of the same name is replaced, so that a cell can be run again. See `Tool` for the options.

        Parameters
        ----------
        function : callable, optional
            Sync or async. Left out: use ``@chat.tool(confirm=True)``.

        Raises
        ------
        InvalidTool
            If the function cannot be described, at once.

        Examples
        --------
        >>> @chat.tool
        ... def get_weather(city: str) -> dict:
        ...     "Tell the weather of a city."
        ...     return {"city": city, "sky": "sunny"}
        >>> chat.tools["get_weather"].parameters["properties"]
        {'city': {'type': 'string'}}
        """
        if function is None:
            return lambda function: self.tool(function, **options)
        self._tools.add(function, **options)
        return function

    @property
    def tools(self) -> Tools:
        """The functions that the model may call; ``chat.tools.calls`` is the record of its calls."""
        return self._tools

    async def _approve(self, call: ToolCall, seconds: float) -> bool:
        answer = await self._bridge.request(
            "approve",
            timeout=seconds + _GRACE_SECONDS,
            call_id=call.call_id,
            name=call.name,
            arguments=dict(call.arguments),
            seconds=seconds,
        )
        return answer.get("approved") is True

    def _show_failure(self, failure: Failure) -> None:
        # Where no page shows the widget, the log has it.
        with contextlib.suppress(PageNotFound):
            self._bridge.post(
                "note",
                lambda error: None,
                code=failure.code,
                message=str(failure),
                hint="chat.errors has it, with the traceback.",
            )

    def _send_if_open(self, events: list[Mapping[str, Any]]) -> bool:
        try:
            self._send_events(events)
        except NotConnected:
            return False
        return True
