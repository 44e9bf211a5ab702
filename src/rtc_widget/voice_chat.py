"""The widget people use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtc_widget._deprecated import warn_renamed
from rtc_widget.calls.ask import Asking
from rtc_widget.calls.clip_player import Saying, microphone_choice
from rtc_widget.calls.controller import Calling
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.calls.record import CallRecord
from rtc_widget.calls.recorder import Measuring
from rtc_widget.calls.settings import CallSettings, Exchange, Reconnect
from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.media import MediaReceiver
from rtc_widget.comm.negotiation import Negotiator
from rtc_widget.comm.pages import Page, PageName, PlaysServer, choose_page
from rtc_widget.counting import Counting
from rtc_widget.keeping import Keeping
from rtc_widget.kernel.auto_close import close_when_unreferenced
from rtc_widget.kernel.main_loop import MainLoop
from rtc_widget.protocols.realtime.response_queue import ResponseQueue
from rtc_widget.protocols.realtime.session_settings import session_settings
from rtc_widget.protocols.realtime.session_updates import SessionWatch
from rtc_widget.signaling.base import Signaling
from rtc_widget.signaling.default import WHAT_TO_DO, NoServer, default_signaling
from rtc_widget.steering import Steering
from rtc_widget.tooling import Tooling
from rtc_widget.tools.runner import ToolRunner
from rtc_widget.tools.session_tools import ToolOffer
from rtc_widget.tools.tool import Function, Tool, Tools
from rtc_widget.watching import Watching

if TYPE_CHECKING:
    from rtc_widget.calls.clip_player import Sound, Voice

_STATIC = Path(__file__).parent / "static"
if not (_STATIC / "widget.js").is_file():
    raise ImportError(
        "rtc_widget has no page half: src/rtc_widget/static/widget.js is missing. In a checkout run scripts/build."
    )


class VoiceChat(Calling, Asking, Steering, Tooling, Counting, Watching, Saying, Measuring, Keeping):
    """A voice call in a notebook.

    The page holds the microphone and the connection; this object holds the record: every event, the transcript,
    the state. Its traits are written by Python alone and can be observed.

    Parameters
    ----------
    signaling : Signaling, optional
        Whom to call. Left out: `OpenAI` when ``OPENAI_API_KEY`` is set, else the embedded `Local` server.
    microphone : bool, "clips", AudioClip, path or array
        False: calls without a microphone, for writing and listening. ``"clips"``: so that only clips can be said in
        them (`say`). A clip speaks in its place, once in each call.
    exchange : {"kernel", "browser"}
        Who sends the offer to the server: the kernel with its key, or the page with a short-lived secret that the
        kernel has minted (``client_secrets``).
    reconnect : Reconnect or None
        How a lost connection is made anew.
    max_duration : float
        Seconds after which a call is ended.
    view_timeout : float
        Seconds that a call may go on when no view of it is left on the page.
    stats_interval : float or None
        Every how many seconds the connection's statistics are read (`stats`); None: never.
    page : {"browser", "headless"} or Page, optional
        Who makes the calls: the page that shows the widget, or one in this process (extra ``local``). Left out: as the
        environment variable ``RTC_WIDGET_PAGE`` says, else the browser.
    tools : iterable
        Functions that the model may call (see `Tool` for options), and descriptions of others for the session.
    **session
        Session settings for its calls, such as ``instructions`` or ``voice``
        (see `rtc_widget.protocols.realtime.session_settings.session_settings`).

    Attributes
    ----------
    status : {"idle", "connecting", "connected", "reconnecting", "error"}
        How the call stands.
    connection_state, ice_connection_state, ice_gathering_state, signaling_state : str
        Those of the page's ``RTCPeerConnection`` (W3C WebRTC, section 4).
    data_channel_state : str
        That of its ``RTCDataChannel``; events can be sent while it is ``"open"``.
    microphone_permission : {"prompt", "granted", "denied", "unavailable"}
        What is known of it.
    muted, user_speaking, assistant_speaking : bool
        Who can be heard.
    receive_only : bool
        Whether the call, or the last one, has no microphone: it was made without, or the microphone was lost.
    max_message_size : int or None
        How many bytes one event may have (W3C WebRTC, ``RTCSctpTransport.maxMessageSize``); None without a call.
    error : dict or None
        ``{code, message, hint}`` of what went wrong last.
    call_id : str or None
        What the server calls this call.
    holder : str or None
        Which of the pages that show this widget has the call; the others follow it.
    server : str
        Whom this widget calls.
    progress : str
        What is being waited for, in words; empty when nothing is.

    Raises
    ------
    InvalidSession
        If a session setting is unknown.
    TypeError, ValueError
        If a setting of the calls is none, such as an `exchange` of another name.
    InvalidAudio, ClipTooLong, OSError
        If `microphone` is no clip that can be spoken, or a file that cannot be read.
    InvalidTool
        If one of `tools` cannot be described to a model.
    ImportError
        If something is asked for whose package is not installed; says how to install it.

    Examples
    --------
    >>> chat = VoiceChat()
    >>> chat.status
    'idle'
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    def __init__(
        self,
        signaling: Signaling | None = None,
        *,
        microphone: Voice | Sound = True,
        exchange: Exchange = "kernel",
        reconnect: Reconnect | None = Reconnect(),  # noqa: B008 - frozen
        max_duration: float = 3600.0,
        view_timeout: float = 10.0,
        stats_interval: float | None = 1.0,
        page: PageName | Page | None = None,
        tools: Iterable[Function | Tool | dict[str, Any]] = (),
        **session: Any,
    ) -> None:
        if "view_grace" in session:
            warn_renamed("VoiceChat(view_grace=…)", "view_timeout")
            view_timeout = session.pop("view_grace")
        settings = session_settings(session)
        hears = microphone_choice(microphone)
        self._call_settings = CallSettings(
            exchange=exchange,
            reconnect=reconnect,
            max_duration=max_duration,
            view_timeout=view_timeout,
            stats_interval=stats_interval or None,
        )
        if isinstance(signaling, type):
            raise TypeError(f"signaling must be an instance, not a class; use {signaling.__name__}()")
        if signaling is not None and not isinstance(signaling, Signaling):
            raise TypeError(f"signaling must be OpenAI(…), Local(…) or another Signaling, not {signaling!r}")
        self._page = choose_page(page)
        super().__init__()
        self._signaling = default_signaling() if signaling is None else signaling
        self._record = CallRecord(self._write)
        self._tools = Tools()
        self._offer = ToolOffer(self._tools, self._send_if_open)
        self._session_watch = SessionWatch()
        self._main = MainLoop()
        self._response_queue = ResponseQueue(self._send_events, self._main.call_later)
        self._runner = ToolRunner(
            self._tools,
            self._response_queue,
            self._approve,
            self._record.failures,
            self._send_events,
            self._offer.others,
        )
        self._record.followers = [self._session_watch, self._offer, self._response_queue, self._runner]
        self._record.failures.show_by(self._show_failure)
        starts_early = self._page is None or self._page.makes_calls

        def session_of_call() -> Mapping[str, Any]:
            return self._offer.added_to(settings)

        self._negotiator = Negotiator(self._signaling, session_of_call, self._progress, starts_early=starts_early)
        self._heard = MediaRecord(self._record.began_ms, self._main.call)
        self._recorders = set()
        self._connecting = set()
        self._media = MediaReceiver(self._heard)
        self._bridge = Bridge(self._post_to_pages, self._negotiator, self._media, self._record, self._main)
        self._write({"server": self._signaling.name})
        self.microphone = hears
        if isinstance(self._signaling, NoServer):
            self._write({"progress": WHAT_TO_DO})
            self._change_settings(can_call=False)
        if self._page is None:
            self.on_msg(self._receive)
        else:
            if isinstance(self._page, PlaysServer):
                self._page.take_session(session_of_call)
            self._page.open(self._bridge.receive)
        for tool in tools:
            self._offer.add(tool)
        close_when_unreferenced(self)

    def close(self) -> None:
        """End the call, stop the microphone and take the widget off every page."""
        # `__del__` closes too, also what was never finished because a parameter was wrong.
        if hasattr(self, "_negotiator"):
            self._negotiator.close()
        if hasattr(self, "_bridge"):
            self._bridge.close()
        if self._page is not None:
            self._page.close()
        if hasattr(self, "_main"):
            self._main.call_now(self._record.close)
        super().close()

    def __repr__(self) -> str:
        page = f", {self._page.name}" if self._page is not None else ""
        return f"<VoiceChat: {self.status}, {self.server}{page}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        # A page in this process makes the calls: one in the browser would offer buttons that do nothing.
        return {"text/plain": repr(self)} if self._page is not None else super()._repr_mimebundle_(**options)

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        self._bridge.receive(content)

    def _progress(self, words: str) -> None:
        # Comes on the I/O thread; traits are assigned on the main loop.
        self._main.call(self._write, {"progress": words})
