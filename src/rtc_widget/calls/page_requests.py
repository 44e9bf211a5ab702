"""Does what a person asks for in a page: changes settings of the session and of the widget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from rtc_widget._error_text import error_text
from rtc_widget.calls.session_control import SessionControl
from rtc_widget.comm.call_messages import Done
from rtc_widget.errors import AwaitUnsupported, RtcWidgetError, UnexpectedError

logger = logging.getLogger("rtc_widget")

UPDATE_SECONDS = 10.0
"""How long the server may take to confirm a change; the page waits longer for the reply."""


class PageRequests:
    """The `PageRequestListener` of one widget.

    Parameters
    ----------
    session_control : SessionControl
        Changes the settings of the session.
    set_text_interrupts : callable
        Assigns the trait `VoiceChat.text_interrupts`.
    """

    def __init__(self, session_control: SessionControl, set_text_interrupts: Callable[[bool], None]) -> None:
        self._session_control = session_control
        self._set_text_interrupts = set_text_interrupts
        self._updates: set[asyncio.Task[None]] = set()

    def update_session(self, settings: Mapping[str, Any], done: Done) -> None:
        """Change settings of the session as `VoiceChat.update_session` does."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            done(AwaitUnsupported("No event loop runs that could wait for the server's confirmation."))
            return
        task = loop.create_task(self._update(settings, done))
        self._updates.add(task)
        task.add_done_callback(self._updates.discard)

    async def _update(self, settings: Mapping[str, Any], done: Done) -> None:
        try:
            await self._session_control.update(settings, UPDATE_SECONDS)
        except RtcWidgetError as error:
            done(error)
        except Exception as error:
            # The page must get a reply, whatever a custom Signaling raises.
            logger.exception("Updating the session failed")
            done(UnexpectedError(error_text(error), hint="The kernel's log has the traceback."))
        else:
            done({})

    def change_settings(self, text_interrupts: bool, done: Done) -> None:
        """Change settings of the widget."""
        self._set_text_interrupts(text_interrupts)
        done({})
