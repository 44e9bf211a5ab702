"""Shows questions and notes on the page."""

from __future__ import annotations

import contextlib

from rtc_widget._unicode import well_formed, well_formed_json
from rtc_widget.comm.bridge import Bridge
from rtc_widget.conversation.subscriptions import Failure
from rtc_widget.errors import PageNotFound
from rtc_widget.tools.call_log import ToolCall

_GRACE_SECONDS = 5.0


class PagePrompts:
    """Asks the user at the page, and shows what callbacks, observers and tools raise.

    Parameters
    ----------
    bridge : Bridge
        The way to the page.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def approve(self, call: ToolCall, seconds: float) -> bool:
        """Return whether the user allows a tool's call; False after so many seconds."""
        answer = await self._bridge.request(
            "approve",
            timeout=seconds + _GRACE_SECONDS,
            call_id=call.call_id,
            name=well_formed(call.name),
            arguments=well_formed_json(dict(call.arguments)),
            seconds=seconds,
        )
        return answer.get("approved") is True

    def show_failure(self, failure: Failure) -> None:
        """Show a failure of the user's own code; without a page only the log has it."""
        with contextlib.suppress(PageNotFound):
            self._bridge.post(
                "note",
                lambda error: None,
                code=failure.code,
                message=str(failure),
                hint="chat.errors has it, with the traceback.",
            )
