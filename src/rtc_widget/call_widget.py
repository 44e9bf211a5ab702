"""What every part of the widget stands on: its synced traits, its pages and its record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets

from rtc_widget._deprecated import RenamedAttribute, warn_renamed
from rtc_widget.calls.record import CallRecord
from rtc_widget.calls.settings import CallSettings
from rtc_widget.comm import protocol
from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.media import MediaReceiver
from rtc_widget.comm.negotiation import Negotiator
from rtc_widget.comm.pages import Page
from rtc_widget.comm.protocol import Message
from rtc_widget.errors import AwaitUnsupported
from rtc_widget.kernel.ipykernel import require_await
from rtc_widget.kernel.main_loop import MainLoop
from rtc_widget.protocols.realtime.response_queue import ResponseQueue
from rtc_widget.protocols.realtime.session_updates import SessionWatch
from rtc_widget.tools.runner import ToolRunner
from rtc_widget.tools.tool import Tools

logger = logging.getLogger("rtc_widget")


def _from_page(values: tuple[str, ...], default: str) -> Any:
    return traitlets.Enum(values, default, read_only=True).tag(sync=True)


_OLD_TRAITS = {"listening_only": "receive_only", "activity": "progress", "holder": "active_page"}


def _current_names(names: Any) -> Any:
    """Replace old names of traits, with a warning."""

    def current(name: Any) -> Any:
        if name in _OLD_TRAITS:
            warn_renamed(f"The trait {name!r}", repr(_OLD_TRAITS[name]), stacklevel=5)
        return _OLD_TRAITS.get(name, name)

    return [current(name) for name in names] if isinstance(names, (list, tuple)) else current(names)


class CallWidget(anywidget.AnyWidget):
    """The traits of a call, written by Python alone; `VoiceChat` says what they mean."""

    _main: MainLoop
    _page: Page | None = None
    _bridge: Bridge
    _negotiator: Negotiator
    _media: MediaReceiver
    _record: CallRecord
    _response_queue: ResponseQueue
    _session_watch: SessionWatch
    _tools: Tools
    _runner: ToolRunner

    status = _from_page(protocol.STATUSES, "idle")
    connection_state = _from_page(protocol.CONNECTION_STATES, "new")
    ice_connection_state = _from_page(protocol.ICE_CONNECTION_STATES, "new")
    ice_gathering_state = _from_page(protocol.ICE_GATHERING_STATES, "new")
    signaling_state = _from_page(protocol.SIGNALING_STATES, "stable")
    data_channel_state = _from_page(protocol.DATA_CHANNEL_STATES, "closed")
    microphone_permission = _from_page(protocol.MICROPHONE_PERMISSIONS, "prompt")
    muted = traitlets.Bool(False, read_only=True).tag(sync=True)
    receive_only = traitlets.Bool(False, read_only=True).tag(sync=True)
    max_message_size = traitlets.Int(None, allow_none=True, read_only=True).tag(sync=True)
    user_speaking = traitlets.Bool(False, read_only=True).tag(sync=True)
    assistant_speaking = traitlets.Bool(False, read_only=True).tag(sync=True)
    error = traitlets.Dict(allow_none=True, default_value=None, read_only=True).tag(sync=True)
    call_id = traitlets.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    active_page = traitlets.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    progress = traitlets.Unicode("", read_only=True).tag(sync=True)
    server = traitlets.Unicode("", read_only=True).tag(sync=True)
    settings = traitlets.Dict(default_value=CallSettings().to_wire(), read_only=True).tag(sync=True)

    listening_only = RenamedAttribute("receive_only")
    activity = RenamedAttribute("progress")
    holder = RenamedAttribute("active_page")

    def observe(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Call `handler` when traits change; see `traitlets.HasTraits.observe`."""
        super().observe(handler, _current_names(names), type)

    def unobserve(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Call `handler` no more; see `traitlets.HasTraits.unobserve`."""
        super().unobserve(handler, _current_names(names), type)

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take no state from a page: Python is the only writer of the traits."""

    def _write(self, values: Mapping[str, object]) -> None:
        # One message for all of them, so that the pages never see half a state.
        with self.hold_sync():
            # `status` last: who observes it looks at the other traits then.
            for name, value in sorted(values.items(), key=lambda entry: entry[0] == "status"):
                try:
                    self.set_trait(name, value)
                except Exception:
                    # An observer of the user's failed: the other traits must not lag behind for that.
                    logger.exception("An observer of %r failed", name)

        if self._page is not None and "settings" in values:
            self._page.take_settings(self.settings)

    def _post_to_pages(self, message: Message) -> None:
        if self._page is not None:
            self._page.hear(message)
        else:
            # ipywidgets' own `send`; `VoiceChat.send` is for events.
            super().send(message)

    def _await_here(self) -> None:
        """See that the caller can wait for the page: on the main loop, or on one that takes its place.

        Raises
        ------
        AwaitUnsupported
            In a cell of ipykernel 6, which cannot hear the browser before it has ended; a page in this process is.
        """
        if self._page is None:
            require_await()
        self._main.adopt()

    def _await_news_here(self) -> None:
        """See that the caller can wait for events: as `_await_here`, and on the main loop itself.

        Raises
        ------
        AwaitUnsupported
            Also on another loop while the main one runs, since events would not wake it.
        """
        self._await_here()
        if self._main.runs_elsewhere:
            raise AwaitUnsupported(
                "Events are told to the kernel's event loop, and this is another one.",
                hint="Await it in a cell, or by asyncio.run_coroutine_threadsafe(…, loop) from a thread.",
            )
