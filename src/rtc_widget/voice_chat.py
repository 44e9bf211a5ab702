"""The widget people use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, cast, overload

import anywidget
import traitlets

from rtc_widget._deprecated import RenamedAttribute, current_names, renamed_argument, warn_renamed
from rtc_widget.calls.ask import Asker
from rtc_widget.calls.clip_player import ClipPlayer, SpokenInterval, microphone_choice
from rtc_widget.calls.controller import CallController
from rtc_widget.calls.event_access import EventAccess
from rtc_widget.calls.event_listeners import EventListeners
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.calls.network_control import NetworkControl
from rtc_widget.calls.notebook_outputs import NotebookOutputs
from rtc_widget.calls.observers import Observers
from rtc_widget.calls.page_choice import choose_page
from rtc_widget.calls.page_prompts import PagePrompts
from rtc_widget.calls.page_requests import PageRequests
from rtc_widget.calls.record import CallRecord
from rtc_widget.calls.recorder import CallRecorder, Recorder
from rtc_widget.calls.saving import save_session
from rtc_widget.calls.sender import EventSender, UserMessages
from rtc_widget.calls.session_control import SessionControl
from rtc_widget.calls.session_options import session_options
from rtc_widget.calls.settings import (
    TRAITS,
    Prices,
    Setting,
    SettingsWriter,
    check_attribute,
    check_exchange,
    check_parameters,
)
from rtc_widget.calls.usage_report import UsageReport, usage_totals
from rtc_widget.comm import protocol
from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.call_messages import CallMessages
from rtc_widget.comm.media import ClipOffers, MediaReceiver
from rtc_widget.comm.negotiation import Negotiator
from rtc_widget.comm.pages import Page, PageName, PlaysServer
from rtc_widget.comm.settings import CallSettings, Exchange, Layout, Reconnect
from rtc_widget.conversation.latency import Latency
from rtc_widget.conversation.subscriptions import FailureLog
from rtc_widget.conversation.usage import Usage, checked_prices
from rtc_widget.kernel.auto_close import close_when_unreferenced
from rtc_widget.kernel.await_guard import AwaitGuard
from rtc_widget.kernel.main_loop import MainLoop
from rtc_widget.kernel.operation import operations_of, say_when_stopped
from rtc_widget.protocols.base import NamesEvents, protocol_named
from rtc_widget.saved.saved_session import SavedSession
from rtc_widget.signaling.base import ChecksSession, Signaling, protocol_of
from rtc_widget.signaling.default import WHAT_TO_DO, NoServer, default_signaling
from rtc_widget.tools.runner import ToolRunner
from rtc_widget.tools.session_tools import SessionTools
from rtc_widget.tools.tool import Confirm, Function, Tool, Tools

if TYPE_CHECKING:
    import ipywidgets

    from rtc_widget._aiortc.network import Direction, NetworkReport
    from rtc_widget.audio.recording import Recording
    from rtc_widget.calls.clip_player import Microphone
    from rtc_widget.comm.media import ClipSource
    from rtc_widget.conversation.event_log import EventLog
    from rtc_widget.conversation.events import Event
    from rtc_widget.conversation.json_object import JsonObject
    from rtc_widget.conversation.subscriptions import Callback, EventStream
    from rtc_widget.conversation.transcript import Transcript
    from rtc_widget.conversation.turn import Turn
    from rtc_widget.protocols.base import Detail
    from rtc_widget.protocols.live.delegations import Delegation
    from rtc_widget.webrtc.devices import Device, Devices
    from rtc_widget.webrtc.diagnosis import Diagnosis
    from rtc_widget.webrtc.stats import StatsLog

logger = logging.getLogger("rtc_widget")

_STATIC = Path(__file__).parent / "static"
if not (_STATIC / "widget.js").is_file():
    raise ImportError(
        "rtc_widget has no page half: src/rtc_widget/static/widget.js is missing. In a checkout run scripts/build."
    )
_OLD_TRAITS = {"listening_only": "receive_only", "activity": "progress", "holder": "active_page"}


def _from_page(values: tuple[str, ...], default: str) -> Any:
    return traitlets.Enum(values, default, read_only=True).tag(sync=True)


_INSTEAD: Mapping[str, str] = {
    "muted": "use chat.mute() or chat.unmute()",
    "receive_only": "use chat.connect(microphone=False)",
    "status": "use chat.connect() or chat.disconnect()",
}
"""What to use in place of setting a read-only trait."""


def _what_goes_on(chat: VoiceChat) -> str:
    return "The call goes on." if chat.status not in ("idle", "error") else "There is no call."


def _waiting(chat: VoiceChat) -> AbstractContextManager[None]:
    return chat._listeners.waiting()


_operation = operations_of("chat", _what_goes_on, _waiting)


class VoiceChat(anywidget.AnyWidget):
    """A voice call in a notebook.

    The page has the microphone and the connection; this object has the record: every event, the transcript, the state.
    Python alone writes its traits; they can be observed.

    Parameters
    ----------
    signaling : Signaling, optional
        The server to call. Default: `OpenAI` when ``OPENAI_API_KEY`` is set, else the embedded `Local` server.
    microphone : bool, "clips", AudioClip, path or array
        False makes calls without a microphone, for writing and listening. ``"clips"`` makes calls in which only clips
        are heard (`say`). A clip replaces the microphone: it is heard once in each call.
    exchange : {"kernel", "browser"}
        Who sends the offer to the server: the kernel with its key, or the page with a short-lived secret that the
        kernel has created (``client_secrets``).
    reconnect : Reconnect or None
        How a lost connection is restored, and whether a new call replaces one whose session expires; None: neither.
    max_duration : float
        Seconds after which a call is ended; applies to the next call.
    view_timeout : float
        Seconds for which a call continues when the page shows no view of it.
    stats_interval : float or None
        Seconds between two samples of the connection's statistics (`stats`); None turns them off.
    save_transcript : bool
        Whether a cell that shows the widget also has the transcript, for those who read the notebook without a kernel.
    text_interrupts : bool
        Whether a message that is written in the page while the assistant speaks interrupts it.
    prices : mapping, optional
        The price list by which the page shows what the calls cost, as `Usage.cost` takes it.
    layout : {"full", "compact"}
        What the page shows: everything, or one line with the state and the buttons. An ipywidgets ``Layout`` is taken
        for the attribute of this name, as in every widget.
    page : {"browser", "headless"} or Page, optional
        What makes the calls: the page that shows the widget, or one in this process (extra ``local``). Default: the
        environment variable ``RTC_WIDGET_PAGE``, else the browser.
    tools : iterable
        Functions that the model may call (see `Tool` for options), and descriptions of other tools for the session.
    **session
        Session settings of its calls, such as ``instructions`` or ``voice``
        (see `rtc_widget.protocols.realtime.session_settings.session_settings`).

    Attributes
    ----------
    status : {"idle", "connecting", "connected", "reconnecting", "error"}
        The state of the call.
    connection_state, ice_connection_state, ice_gathering_state, signaling_state : str
        The states of the page's ``RTCPeerConnection`` (W3C WebRTC, section 4).
    data_channel_state : str
        The state of its ``RTCDataChannel``; events can be sent while it is ``"open"``.
    microphone_permission : {"prompt", "granted", "denied", "unavailable"}
        The permission, as far as it is known.
    muted, user_speaking, assistant_speaking : bool
        Whether the microphone is muted, and who speaks.
    receive_only : bool
        Whether the call, or the last one, has no microphone: it was made without one, or has lost it.
    max_message_size : int or None
        How many bytes one event may have (W3C WebRTC, ``RTCSctpTransport.maxMessageSize``); None without a call.
    error : dict or None
        The last error: ``{code, message, hint}``.
    call_id : str or None
        The server's id of the call.
    active_page : str or None
        The page that has the call, of those that show this widget; the others follow it.
    server : str
        The server that this widget calls.
    progress : str
        What the call waits for; empty when it does not wait.
    exchange, reconnect, max_duration, view_timeout, stats_interval, save_transcript, text_interrupts, prices
        The parameters; they can be changed at any time.
    usage_totals : dict
        What `usage` adds up to, for the page: ``{amounts, cost, unpriced}``.

    Raises
    ------
    InvalidSession
        If a session setting is unknown, or the server has no such voice.
    ClientSecretsUnsupported
        If `exchange` is ``"browser"``, and the server has no client secrets, such as GPT-Live.
    InvalidSetting, TypeError
        If a parameter has a wrong value, such as an unknown `exchange`.
    InvalidAudio, ClipTooLong, OSError
        If `microphone` is a clip that cannot be played, or a file that cannot be read.
    InvalidTool
        If one of `tools` cannot be described to a model.
    ImportError
        If a parameter needs a package that is not installed; says how to install it.

    Examples
    --------
    >>> chat = VoiceChat()
    >>> chat.status
    'idle'
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

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
    usage_totals = traitlets.Dict(default_value=usage_totals(Usage(), {}), read_only=True).tag(sync=True)

    # Not synced one by one: the page reads `settings`.
    exchange: Setting[Exchange] = Setting("kernel")
    reconnect: Setting[Reconnect | None] = Setting(Reconnect())
    max_duration: Setting[float] = Setting(3600.0)
    view_timeout: Setting[float] = Setting(10.0)
    stats_interval: Setting[float | None] = Setting(1.0)
    text_interrupts: Setting[bool] = Setting(True)

    save_transcript = traitlets.Bool(False)
    prices = Prices()

    listening_only = RenamedAttribute("receive_only")
    activity = RenamedAttribute("progress")
    holder = RenamedAttribute("active_page")
    view_grace = RenamedAttribute("view_timeout")

    _page: Page | None = None
    _first_settings = CallSettings()
    # Empty in a widget that a wrong parameter left unfinished: `__del__` closes it as well.
    _close_parts: tuple[Callable[[], object], ...] = ()
    _close_outputs: Callable[[], None] = staticmethod(lambda: None)

    def __init__(
        self,
        signaling: Signaling | None = None,
        *,
        microphone: Microphone | ClipSource = True,
        exchange: Exchange = "kernel",
        reconnect: Reconnect | None = Reconnect(),  # noqa: B008 - frozen
        max_duration: float = 3600.0,
        view_timeout: float = 10.0,
        stats_interval: float | None = 1.0,
        save_transcript: bool = False,
        text_interrupts: bool = True,
        prices: Mapping[str, float] | None = None,
        layout: Layout | ipywidgets.Layout | dict[str, Any] = "full",
        page: PageName | Page | None = None,
        tools: Iterable[Function | Tool | dict[str, Any]] = (),
        **session: Any,
    ) -> None:
        if "view_grace" in session:
            warn_renamed("VoiceChat(view_grace=…)", "view_timeout")
            view_timeout = session.pop("view_grace")
        # Everything that can be wrong is checked before the widget exists.
        check_parameters(session)
        if callable(tools) or not isinstance(tools, Iterable):
            raise TypeError(f"tools must be a list of functions, got {tools!r}.")
        if isinstance(signaling, type):
            raise TypeError(f"signaling must be an instance, not a class; use {signaling.__name__}()")
        if signaling is not None and not isinstance(signaling, Signaling):
            raise TypeError(f"signaling must be OpenAI(…), Local(…) or another Signaling, got {signaling!r}.")
        signaling = default_signaling() if signaling is None else signaling
        self._protocol = protocol_named(protocol_of(signaling))
        session_settings = self._protocol.session_settings(session)
        if isinstance(signaling, ChecksSession):
            signaling.check_session(session_settings)
        microphone, prices = microphone_choice(microphone), checked_prices(prices)
        check_exchange(exchange, signaling)
        settings = CallSettings(
            protocol=self._protocol.name,
            exchange=exchange,
            reconnect=reconnect,
            max_duration=max_duration,
            view_timeout=view_timeout,
            stats_interval=stats_interval,
            text_interrupts=text_interrupts,
            layout=cast("Layout", layout) if isinstance(layout, str) else "full",
        )
        self._page = choose_page(page)
        self._observers = Observers(lambda failure: self._record.failures.add(failure))
        # The page chooses its wire protocol when it opens, so the first state that it gets must have the settings.
        self._first_settings = settings
        super().__init__(**({} if isinstance(layout, str) else {"layout": layout}))
        self._signaling = signaling
        self._settings = SettingsWriter(settings, self._write)
        self._compose(session_settings)
        for name in TRAITS:
            setattr(self, name, getattr(settings, name))
        self._write({"server": signaling.name})
        self.microphone = microphone
        self.save_transcript, self.prices = save_transcript, prices
        if isinstance(signaling, NoServer):
            self._write({"progress": WHAT_TO_DO})
            self._settings.change(can_call=False)
        self._open_page(lambda: self._session_tools.added_to(session_settings))
        for tool in tools:
            self._session_tools.add(tool)
        close_when_unreferenced(self)

    def _compose(self, session_settings: Mapping[str, Any]) -> None:
        """Make the parts; each gets what it needs."""
        self._main = MainLoop()
        self._writing = RLock()
        self._guard = AwaitGuard(self._main, is_browser=self._page is None)
        self._record = CallRecord(self._write, self._protocol, self._main.call_later)
        self._media = MediaRecord(self._record.began_ms, self._main.call)
        self._negotiator = Negotiator(
            self._signaling,
            lambda: self._session_tools.added_to(session_settings),
            self._show_progress,
            starts_early=self._page is None or self._page.makes_calls,
            resumed=self._with_history,
        )
        receiver, clips = MediaReceiver(self._media), ClipOffers()
        self._bridge = Bridge(self._post_to_pages, self._main)
        self._controller = CallController(
            self._bridge,
            self._negotiator,
            self._record,
            self._guard,
            self._asks_for_microphone,
            lambda seconds: self._session.close(seconds),
        )
        self._sender = EventSender(self._bridge, self._record, self._protocol.max_event_bytes)
        options = session_options(self._signaling, self._record.failures.add)
        self._session = self._protocol.open(self._sender.send, self._main.call_later, options)
        self._messages = UserMessages(self._session, self._sender)
        self._session_control = SessionControl(
            self._session, self._bridge, self._record, self._guard, self._check_update
        )
        requests = PageRequests(self._session_control, partial(setattr, self, "text_interrupts"))
        self._bridge.owner = CallMessages(
            self._bridge,
            self._negotiator,
            receiver,
            clips,
            self._record,
            requests,
            self._main,
            lambda tell: self._listeners.report(tell),
        )
        self._prompts = PagePrompts(self._bridge)
        self._tools = Tools()
        self._session_tools = SessionTools(self._tools, self._protocol, self._session.set_tools)
        runner = ToolRunner(
            self._tools, self._session, self._prompts.approve, self._record.failures, self._session_tools.others
        )
        self._recorder = CallRecorder(self._bridge, self._settings, self._record, self._media, self._guard)
        self._asker = Asker(self._messages, self._session, runner, self._recorder, self._record, self._guard)
        self._clips = ClipPlayer(self._bridge, clips, self._settings, self._record, self._media, self._guard)
        self._listeners = EventListeners(
            lambda on: self._bridge.tell(lambda page: protocol.listening(page, on=on)),
            lambda: self._record.subscriptions.exist,
            lambda: bool(self._tools),
            lambda: self._observers.exist,
            lambda: options.delegate is not None,
        )
        self._record.subscriptions.on_change(self._listeners.update)
        self._tools.on_change(self._listeners.update)
        self._observers.on_change(self._listeners.update)
        names = self._protocol.event_names if isinstance(self._protocol, NamesEvents) else ()
        self._events = EventAccess(self._record, self._guard, names)
        self._network = NetworkControl(self._signaling, self._record)
        self._outputs = NotebookOutputs(
            self._record.transcript,
            lambda: self.server,
            getattr(self._signaling, "redacted", str),
            self._main.call_later,
        )
        self._close_outputs = self._outputs.close
        self._record.consumers = [self._session, self._session_tools, runner, self._outputs]
        self._record.failures.show_by(self._prompts.show_failure)
        self._usage_report = UsageReport(self._record.usage, lambda: self.prices, self._write, self._main)
        self._record.on_usage = self._usage_report.notify
        close_page = () if self._page is None else (self._page.close,)
        close_record = partial(self._main.call_now, self._record.close)
        self._close_parts = (self._negotiator.close, self._bridge.close, *close_page, close_record)

    # Calls

    @operations_of("chat", lambda chat: "The call was not made.", _waiting)
    async def connect(
        self, timeout: float | None = None, *, microphone: bool | None = None, resume: bool = False
    ) -> None:
        """Make the call and return when events can be sent. Without effect when there is a call.

        The page asks for the microphone if it has to. If this is cancelled or times out, the attempt ends.

        Parameters
        ----------
        timeout : float, optional
            Seconds for everything, including the user's decision at the permission prompt. Default: 30 s; the time in
            which the embedded server starts (at most 120 s) does not count then. `progress` says what it waits for.
        microphone : bool, optional
            False: this call is for writing and listening. Default: as the widget's `microphone` says.
        resume : bool
            True: the new call resumes the last one, however that ended (`SessionExpired`, `disconnect`, an error). The
            server gets the session settings and the last 100 turns and function calls again, as after a reconnection;
            of an interrupted response, what was heard. Without an earlier call, as after a restart of the kernel, a
            warning is logged and a new conversation begins.

        Raises
        ------
        AwaitUnsupported
            In a cell of ipykernel 6, which cannot hear the page before the cell has ended.
        PageNotFound, PageTimeout, WidgetClosed
            If no page shows this widget, or it does not reply, or the widget was closed.
        SignalingTimeout
            If the time is over while the server is still starting.
        MicrophoneError, SignalingError, CallError
            If the page could not make the call.
        """
        await self._controller.connect(timeout, microphone=microphone, resume=resume)

    @operations_of("chat", lambda chat: "The call is being ended.", _waiting)
    async def disconnect(self, timeout: float = 10) -> None:
        """End the call and stop the microphone; without effect when there is no call.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the page. The server is told in any case.

        Raises
        ------
        AwaitUnsupported, PageTimeout
            As for `connect`.
        """
        await self._controller.disconnect(timeout)

    async def __aenter__(self) -> Self:
        """Make the call; the end of the block ends it and closes the widget."""
        try:
            await self.connect()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, at: object) -> None:
        try:
            await self.disconnect()
        finally:
            self.close()
            say_when_stopped(error, "The call has ended.")

    def mute(self) -> None:
        """Silence the microphone without closing it; applies to the next call as well.

        Raises
        ------
        PageNotFound
            If no page shows this widget.
        """
        self._controller.mute(muted=True)

    def unmute(self) -> None:
        """Let the microphone be heard again.

        Raises
        ------
        PageNotFound
            If no page shows this widget.
        """
        self._controller.mute(muted=False)

    @_operation
    async def devices(self, timeout: float = 10) -> Devices:
        """Return the microphones and speakers of the page's machine.

        Their names are known once the microphone has been permitted.

        Raises
        ------
        AwaitUnsupported, PageNotFound, PageTimeout
            As for `connect`.
        """
        return await self._controller.devices(timeout)

    @_operation
    async def use_microphone(self, microphone: str | Device | None, timeout: float = 10) -> Devices:
        """Use another microphone, also during a call; the browser remembers the choice.

        Parameters
        ----------
        microphone : str, Device or None
            Its name, a part of the name that only one has, or its id. None leaves the choice to the browser.

        Returns
        -------
        list of Device
            The devices after the change.

        Raises
        ------
        DeviceNotFound
            If there is no such device.
        MicrophoneError, AwaitUnsupported, PageNotFound, PageTimeout
            As for `connect`.
        """
        return await self._controller.use_device("microphone", microphone, timeout)

    @_operation
    async def use_speaker(self, speaker: str | Device | None, timeout: float = 10) -> Devices:
        """Use another speaker, where the browser lets a page choose; see `use_microphone`."""
        return await self._controller.use_device("speaker", speaker, timeout)

    @_operation
    async def diagnose(self, timeout: float = 10) -> Diagnosis:
        """Return what the last call tried and where it stopped: ``print(await chat.diagnose())``.

        Raises
        ------
        AwaitUnsupported, PageNotFound, PageTimeout
            As for `connect`.
        """
        return await self._controller.diagnose(timeout)

    @_operation
    async def network(
        self,
        *,
        loss: float | None = None,
        burst: float | None = None,
        delay: float | None = None,
        jitter: float | None = None,
        reorder: float | None = None,
        rate: float | None = None,
        queue: float | None = None,
        down: bool | None = None,
        seed: int | None = None,
        direction: Direction = "both",
    ) -> NetworkReport:
        """Impair the network between the page and the embedded server, and return what happened to the packets.

        The conditions hold from now on, until they are replaced or the call ends. What is not given is perfect, so
        ``loss=0`` restores everything; without any condition nothing changes. The statistics and the audio show the
        effect. Connect first: under loss a call takes long to connect.

        Parameters
        ----------
        loss : float
            The share of packets that are lost, from 0 to 1.
        burst : float
            The mean number of packets that are lost in a row; by default each is lost independently.
        delay : float
            Milliseconds that each packet takes longer, in each direction.
        jitter : float
            Milliseconds by which `delay` varies, up and down. The order of packets is kept.
        reorder : float
            The share of packets that later ones overtake, from 0 to 1.
        rate : float
            Kilobits per second that are carried.
        queue : float
            Milliseconds that a packet waits at most for a link of that `rate` before it is dropped; default: 500.
        down : bool
            Whether the link is down. After half a minute the embedded server ends the call.
        seed : int
            Makes the same choices again for the same sequence of packets.
        direction : {"both", "sent", "received"}
            Which packets: those that the page sends, those that it receives, or both.

        Returns
        -------
        NetworkReport
            For ``sent`` and ``received`` each: the conditions, and how many packets were carried and dropped, and why.

        Raises
        ------
        NetworkUnsupported
            If the server of this widget is not the embedded one of `Local`.
        NotConnected
            If the widget has no call.
        TypeError, ValueError
            If a condition has a wrong type or is out of range.

        Examples
        --------
        >>> await chat.network(loss=0.1, delay=80)  # doctest: +SKIP
        >>> await chat.network()  # doctest: +SKIP
        <NetworkReport: sent: 431 carried, 52 dropped (52 loss); received: 468 carried, 47 dropped (47 loss)>
        """
        link = {"rate": rate, "queue": queue, "down": down, "seed": seed}
        path = {"loss": loss, "burst": burst, "delay": delay, "jitter": jitter, "reorder": reorder}
        return await self._network.change(direction, **path, **link)

    # Conversation

    @_operation
    async def ask(
        self,
        text: str,
        *,
        image: Any = None,
        timeout: float | None = 60,
        until_spoken: bool = True,
        audio: bool = True,
        interrupt: bool = False,
    ) -> Turn:
        """Ask in writing and wait for the finished response; tools that the model calls are run.

        The call is recorded meanwhile, for the response's audio; `recording` has it as well.

        Parameters
        ----------
        text : str
            The question.
        image : PIL image, array, path or figure, optional
            An image to go with it; see `send_image`.
        timeout : float or None
            Seconds until the response has ended; None waits without a limit. Its audio may take a moment more.
        until_spoken : bool
            Wait until the response has been spoken to its end. False: until its text is complete, which is earlier.
        audio : bool
            Record the response's audio. False records nothing.
        interrupt : bool
            Stop the response that is being generated or spoken first (`interrupt`). False: ask after it.

        Returns
        -------
        Turn
            The response; see ``turn.interrupted`` where somebody may have spoken meanwhile. ``turn.audio`` is None
            where nothing was spoken, waited for or recorded, numpy is missing, or the page cannot record.

        Raises
        ------
        ResponseFailed
            If the server could not respond, or the response has no text.
        EventRefused
            If the server refused the question.
        MessageTooLarge
            If the data channel does not carry so much in one message.
        InvalidImage, OSError
            If the image cannot be used, made small enough, or read.
        TypeError, ValueError
            If the text is empty.
        WaitTimeout
            If it takes too long.
        NotConnected
            If there is no call, or it ends.
        AwaitUnsupported
            In a cell of ipykernel 6.

        Examples
        --------
        >>> turn = await chat.ask("What is ICE?")  # doctest: +SKIP
        >>> turn.text  # doctest: +SKIP
        'ICE is short for Interactive Connectivity Establishment. …'
        """
        return await self._asker.ask(
            text, image=image, timeout=timeout, until_spoken=until_spoken, audio=audio, interrupt=interrupt
        )

    def send(self, event: Mapping[str, Any]) -> str:
        """Send one client event, such as ``{"type": "response.create"}``, over the data channel.

        Parameters
        ----------
        event : mapping
            A JSON object with a ``type``.

        Returns
        -------
        str
            Its ``event_id``; a new one if it had none. Servers name it in the errors that it causes.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        MessageTooLarge
            If it is larger than the data channel carries.
        SendQueueFull
            If the page has not confirmed 5,000 earlier events yet; await something now and then.
        ValueError, TypeError
            If it has no type, or cannot be written as JSON.
        """
        return self._sender.send_one(event)

    def send_raw(self, message: str) -> None:
        """Send a text over the data channel as it is, for servers whose messages are not JSON objects with a type.

        Parameters
        ----------
        message : str
            The text. It is logged as an event of type ``rtc_widget.unreadable`` unless it is a JSON object.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        MessageTooLarge
            If it is larger than the data channel carries.
        SendQueueFull
            If the page has not confirmed 5,000 earlier events yet.
        TypeError
            If it is not a str.
        """
        self._sender.send_text(message)

    def send_text(self, text: str) -> str:
        """Write something and ask for a response.

        A server refuses to begin a response while another is active: it is asked for when that one has ended.

        Returns
        -------
        str
            The ``event_id`` of the item's event.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        MessageTooLarge
            If the data channel does not carry so much in one message.
        ValueError
            If the text is empty.
        """
        return self._messages.send_text(text)

    def send_image(
        self,
        image: Any,
        text: str | None = None,
        *,
        detail: Detail = "auto",
        respond: bool = True,
        answer: bool | None = None,
    ) -> str:
        """Show the model an image, made small enough for the data channel.

        Parameters
        ----------
        image : PIL image, array, path or figure
            An array is H × W, H × W × 3 or H × W × 4: numbers from 0 to 1, or bytes.
        text : str, optional
            Text to go with it.
        detail : {"auto", "low", "high"}
            How closely the model looks.
        respond : bool
            Ask for a response. False only adds the image to the conversation.
        answer : bool, optional
            The old name of `respond`.

        Returns
        -------
        str
            The ``event_id`` of the item's event.

        Raises
        ------
        InvalidImage, OSError
            If it cannot be used, made small enough, or read.
        NotConnected
            If the data channel is not open.
        ImportError
            If Pillow is needed and not installed; says how to install it.
        """
        respond = renamed_argument("answer", answer, "respond", respond)
        return self._messages.send_image(image, text, detail, respond=respond)

    def interrupt(self) -> bool:
        """Stop the response that is being generated or spoken.

        GPT-Live cannot be stopped: the page silences the voice until it has been quiet for half a second, and the voice
        model is told to stop. The transcript has the words that were silenced as if they had been heard.

        Returns
        -------
        bool
            Whether there was anything to stop.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        self._sender.require_open()
        was_speaking = self.assistant_speaking
        return self._session_control.interrupt(was_speaking, silences_page=self._protocol.silences_output)

    @_operation
    async def instruct(self, text: str, timeout: float = 10, *, delegation_id: str | None = None) -> None:
        """Add an instruction for the voice model during a call, such as "Greet the user now." (GPT-Live).

        Returns when the service has placed it, which says nothing about what the voice will say.

        Parameters
        ----------
        text : str
            The instruction; a text of more than about 500 tokens is sent in parts.
        timeout : float
            Seconds to wait.
        delegation_id : str, optional
            The delegation that it belongs to; see `delegations`.

        Raises
        ------
        OperationUnsupported
            If the protocol of the call cannot do it, as the Realtime API.
        EventRefused
            If the service refuses it.
        WaitTimeout
            If it is not placed in time; says whether the session clock stands still.
        NotConnected
            If there is no call, or it ends.
        ValueError
            If the text is empty.
        AwaitUnsupported
            In a cell of ipykernel 6.
        """
        await self._session_control.append("instructions", text, timeout, delegation_id)

    @_operation
    async def tell(self, text: str, timeout: float = 10, *, delegation_id: str | None = None) -> None:
        """Give the voice model something to say, in its own words (GPT-Live); see `instruct`.

        With the id of a delegation, it is the result of that work.
        """
        await self._session_control.append("commentary", text, timeout, delegation_id)

    @_operation
    async def inform(self, text: str, timeout: float = 10, *, delegation_id: str | None = None) -> None:
        """Tell the voice model something that it does not say now, but may use later (GPT-Live); see `instruct`.

        Do not give it secrets: it may say them.
        """
        await self._session_control.append("thinking", text, timeout, delegation_id)

    @property
    def delegations(self) -> Sequence[Delegation]:
        """The work that the voice model of GPT-Live has handed over, in all calls, oldest first; else empty."""
        return self._session.delegations

    @property
    def transcript(self) -> Transcript:
        """What both sides said, in the order of the conversation."""
        return self._record.transcript

    # Session

    @property
    def session(self) -> JsonObject | None:
        """The session's settings as the server has confirmed them last; None before the first call.

        With GPT-Live, ``chat.session.fixed`` names those that are fixed at the start, and what to do instead.
        """
        return self._session.settings

    @_operation
    async def update_session(self, timeout: float = 10, **settings: Any) -> JsonObject:
        """Change the session's settings and wait until the server has confirmed the change.

        Tools are changed by ``chat.tool`` and ``chat.tools.remove`` instead.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the server's confirmation.
        **settings
            As for `VoiceChat`: ``instructions``, ``voice``, ``turn_detection`` … None turns a setting off.

        Returns
        -------
        JsonObject
            The session's settings that the server has confirmed.

        Raises
        ------
        InvalidSession
            If a setting is unknown.
        EventRefused
            If the server refuses the change; the settings are as before.
        WaitTimeout
            If it does not reply.
        NotConnected
            If there is no call: settings for the next are given to `VoiceChat`.
        AwaitUnsupported
            In a cell of ipykernel 6.
        """
        return await self._session_control.update(settings, timeout)

    def start_talking(self) -> None:
        """Begin a turn of push-to-talk: the assistant stops, the microphone is heard.

        With GPT-Live, which decides itself when to speak, it only unmutes the microphone; mute it after connecting.

        Needs a session without turn detection: ``VoiceChat(turn_detection=None)``, or
        ``await chat.update_session(turn_detection=None)``. A muted microphone stays muted.

        Raises
        ------
        TurnDetectionEnabled
            If the server detects turns.
        NotConnected
            If there is no call.
        """
        self._session_control.talk(on=True)

    def stop_talking(self) -> None:
        """End the turn and ask for the response; a turn shorter than 0.3 s is discarded.

        Raises
        ------
        TurnDetectionEnabled, NotConnected
            As for `start_talking`.
        """
        self._session_control.talk(on=False)

    def push_to_talk(self) -> AbstractContextManager[None]:
        """Talk inside the block: ``with chat.push_to_talk(): await asyncio.sleep(3)``.

        Raises
        ------
        TurnDetectionEnabled, NotConnected
            As for `start_talking`.
        """
        return self._session_control.push_to_talk()

    # Tools

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
        """Let the model call a function, from now on and in later calls: ``@chat.tool``.

        The schema comes from signature, type hints and docstring. During a call the server is told at once; a function
        of the same name is replaced, so that a cell can be run again. See `Tool` for the options.

        Parameters
        ----------
        function : callable, optional
            Sync or async. Without it: use ``@chat.tool(confirm=True)``.

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
        return self._tools.decorate(function, **options)

    @property
    def tools(self) -> Tools:
        """The functions that the model may call; ``chat.tools.calls`` is the record of its calls."""
        return self._tools

    # Events

    @overload
    def on(self, type: str, callback: Callback) -> Callback: ...

    @overload
    def on(self, type: str, callback: None = None) -> Callable[[Callback], Callback]: ...

    def on(self, type: str, callback: Callback | None = None) -> Callback | Callable[[Callback], Callback]:
        """Call a function with each event of a type from now on, on the kernel's main loop.

        A function of the same module and qualified name that was given for the same type is replaced, so that a cell
        can be run again. Lambdas and methods have no such name: each is called until `off` is.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern such as ``"response.*"``.
        callback : callable, optional
            A function or coroutine function of one `Event`. Without it: use ``@chat.on("response.done")``.

        Raises
        ------
        TypeError
            If the type is not a string, or the callback cannot be called.
        UnknownEvent
            If the type is almost the name of an event; `wait_for` and `stream` raise it as well.
        """
        return self._events.on(type, callback)

    def off(self, type: str, callback: Callback) -> None:
        """Stop calling a function that `on` was given."""
        self._events.off(type, callback)

    @_operation
    async def wait_for(
        self, type: str, timeout: float | None = 30, *, where: Callable[[Event], object] | None = None
    ) -> Event:
        """Return the next event of a type.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern.
        timeout : float or None
            Seconds; None waits without a limit.
        where : callable, optional
            A condition on the event, such as ``lambda event: event.response.status == "completed"``. What it raises
            is raised here.

        Raises
        ------
        WaitTimeout
            If no such event comes in time (it is a `TimeoutError` as well).
        NotConnected
            If the call ends in which the waiting began. Before a call it waits for one.
        AwaitUnsupported
            In a cell of ipykernel 6.
        """
        return await self._events.wait_for(type, timeout, where)

    def stream(self, type: str = "*") -> EventStream[Event]:
        """Return the events of a type from now on, for ``async for``; the loop ends with the call.

        Events that come between two reads are kept.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern.

        Raises
        ------
        NotConnected
            If there is no call.
        AwaitUnsupported
            In a cell of ipykernel 6.

        Examples
        --------
        >>> async for event in chat.stream("response.*"):  # doctest: +SKIP
        ...     print(event.type)
        """
        return self._events.stream(type)

    @property
    def events(self) -> EventLog:
        """Every event of this widget's calls, oldest first."""
        return self._record.events

    @property
    def errors(self) -> FailureLog:
        """What callbacks, observers and tools have raised, oldest first.

        Each has its ``error`` with the traceback. They are also logged and shown in the widget, and never end the call.
        """
        return FailureLog(self._record.failures)

    # Audio and measurements

    @_operation
    async def say(self, clip: ClipSource, timeout: float | None = None) -> SpokenInterval:
        """Play a clip in place of the microphone; returns when it has been heard.

        A second of silence follows, so that the server detects the end; then the microphone, if there is one, is heard
        again. A muted microphone does not mute clips. Clips that are said at the same time are played one after the
        other. If this is cancelled or times out, the clip stops.

        Parameters
        ----------
        clip : AudioClip, path or array
            At most ten minutes. An array has 24,000 samples per second.
        timeout : float, optional
            Seconds; default: half a minute more than the clip lasts.

        Returns
        -------
        SpokenInterval
            When it began and ended, from which a latency can be measured.

        Raises
        ------
        NotConnected
            If there is no call.
        ReceiveOnly
            If the call was made for listening only. ``microphone="clips"`` makes a call in which clips are heard and
            the user is not asked for a microphone.
        InvalidAudio, ClipTooLong
            If it cannot be played.
        ClipInterrupted
            If the call ends before the clip does.
        AwaitUnsupported, PageTimeout
            As for `connect`.

        Examples
        --------
        >>> said = await chat.say("question.wav")  # doctest: +SKIP
        >>> started = await chat.wait_for("output_audio_buffer.started")  # doctest: +SKIP
        >>> started.elapsed - said.end  # doctest: +SKIP
        0.83
        """
        return await self._clips.play(clip, timeout)

    @property
    def microphone(self) -> Microphone:
        """The audio that a call sends: True, a microphone; False, none, so that the user can only write; or a clip.

        ``"clips"`` is a call without a microphone that sends clips (`say`). A clip, a path or an array is sent once in
        each call, as soon as events can be sent; silence follows. The browser then asks for no microphone. Applies to
        the next call.
        """
        return self._clips.microphone

    @microphone.setter
    def microphone(self, value: Microphone | ClipSource) -> None:
        self._clips.microphone = value

    def record(self) -> Recorder:
        """Record both sides from now on, in this call and in later ones, until it is stopped.

        Returns
        -------
        Recorder
            Has `stop`, and can be used with ``with`` or ``async with``. `recording` has the audio.

        Raises
        ------
        ImportError
            If numpy is not installed (extra ``data``).

        Examples
        --------
        >>> async with chat.record():  # doctest: +SKIP
        ...     await chat.connect()
        ...     await chat.wait_for("output_audio_buffer.stopped")
        >>> chat.recording.assistant  # doctest: +SKIP
        <AudioClip: 9.13 s from 0.02 s at 24 kHz, peak 0.41>
        """
        return self._recorder.start()

    @property
    def is_recording(self) -> bool:
        """Whether calls are recorded now."""
        return self._recorder.is_running()

    @property
    def recording(self) -> Recording:
        """The audio of the call that was recorded last; it grows while the call is recorded.

        A new call begins a new recording; one that you hold stays as it is.
        """
        return self._recorder.recording

    @property
    def stats(self) -> StatsLog:
        """Samples of the connection's W3C ``getStats``, one per `stats_interval`."""
        return self._media.stats

    def latency(self) -> Latency:
        """Return how long each response took: from the end of the question to the first text, the voice, the end.

        It is read from ``chat.events``: responses whose events the log has dropped are missing. Where the server does
        not report when its audio is played, the page measures the first audio (`TurnLatency.is_measured`); a saved
        session does not have it.

        Examples
        --------
        >>> chat.latency().plot()  # doctest: +SKIP
        >>> chat.latency().to_pandas().first_audio.median()  # doctest: +SKIP
        0.61
        """
        return Latency(self._record.timed_events())

    @property
    def usage(self) -> Usage:
        """The tokens and seconds that all calls have used so far; ``chat.usage.cost(prices)`` is their price."""
        return self._record.usage.copy()

    # Files

    def save(self, path: str | Path) -> Path:
        """Save events, transcript, statistics, audio and settings in one file, and return its path.

        It is a zip file of JSON lines, JSON and FLAC, and replaces another file only when it is complete. API keys and
        other secrets are removed: values of fields such as ``authorization``, and texts that look like a key. Check
        what was said before you share it.

        Parameters
        ----------
        path : str or Path
            The file; one of that name is replaced.

        Raises
        ------
        OSError
            If it cannot be written.
        ImportError
            If there is audio, and PyAV is not installed to write it (extra ``data``).

        Examples
        --------
        >>> chat.save("monday.zip")  # doctest: +SKIP
        >>> VoiceChat.load("monday.zip").recording.assistant  # doctest: +SKIP
        """
        redact = getattr(self._signaling, "redacted", str)
        return save_session(path, self._record, self._media, server=self.server, settings=self.settings, redact=redact)

    @staticmethod
    def load(path: str | Path) -> SavedSession:
        """Load a file that `save` wrote, to study it without a call.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        SessionFileError
            If it is not a session file, is damaged, or of a newer version.
        """
        return SavedSession.load(path)

    # Widget

    def close(self) -> None:
        """End the call, stop the microphone and leave the last transcript in the place of each view."""
        for close_part in self._close_parts:
            close_part()
        super().close()
        self._close_outputs()

    def observe(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Call `handler` when traits change; see `traitlets.HasTraits.observe`.

        What it raises is logged, shown in the widget and kept in `errors`. A function of the same module and qualified
        name that observes the same trait is replaced, so that a cell can be run again.
        """
        names = current_names(names, _OLD_TRAITS)
        # The `traitlets.observe` methods of the classes are registered before `__init__`.
        if not isinstance(handler, traitlets.EventHandler):
            each = traitlets.parse_notifier_name(names)
            for name, outdated in self._observers.outdated(handler, each, type):
                self.unobserve(outdated, name, type)
            handler = self._observers.add(handler, each, type)
        super().observe(handler, names, type)

    def unobserve(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Stop calling `handler`; see `traitlets.HasTraits.unobserve`."""
        names = current_names(names, _OLD_TRAITS)
        if handler is not None and not isinstance(handler, traitlets.EventHandler):
            handler = self._observers.remove(handler, traitlets.parse_notifier_name(names), type)
        super().unobserve(handler, names, type)

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take no state from a page: Python is the only writer of the traits."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            check_attribute(name, self._protocol.setting_names)
        if getattr(self.traits().get(name), "read_only", False):
            instead = _INSTEAD.get(name, "it shows a state and cannot be set")
            raise traitlets.TraitError(f"{name} is read-only: {instead}.")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        page = f", {self._page.name}" if self._page is not None else ""
        return f"<VoiceChat: {self.status}, {self.server}{page}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if self._page is not None:
            # A page in this process makes the calls: a view in the browser would have buttons without effect.
            return {"text/plain": repr(self)}
        live = super()._repr_mimebundle_(**options)
        return live and ({**live[0], "text/plain": repr(self), "text/html": self._outputs.line_html()}, live[1])

    def _ipython_display_(self) -> None:
        # Not by the bundle alone: only an output with an id can be replaced when the widget is closed.
        bundle = None if self._page is not None else self._repr_mimebundle_()
        if not bundle:
            raise NotImplementedError
        self._outputs.show(*bundle, with_transcript=self.save_transcript)

    def _write(self, values: Mapping[str, object]) -> None:
        # One thread at a time: without a running loop, reports of the I/O thread are written on that thread.
        # In one message, so that the pages never see half a state.
        with self._writing, self.hold_sync():
            # `status` last: its observers read the other traits.
            for name, value in sorted(values.items(), key=lambda entry: entry[0] == "status"):
                try:
                    self.set_trait(name, value)
                except Exception:
                    # The other traits must still be written.
                    logger.exception("An observer of %r failed", name)
        if self._page is not None and "settings" in values:
            self._page.take_settings(self.settings)

    @traitlets.default("settings")
    def _default_settings(self) -> dict[str, Any]:
        return self._first_settings.to_wire()

    @traitlets.validate("exchange")
    def _checked_exchange(self, proposal: Any) -> Any:
        check_exchange(proposal["value"], self._signaling)
        return proposal["value"]

    @traitlets.observe(*TRAITS)
    def _write_setting(self, change: Any) -> None:
        self._settings.change(**{change["name"]: change["new"]})

    @traitlets.observe("prices")
    def _write_cost(self, change: Any) -> None:
        self._main.call_now(self._usage_report.write)

    def _check_update(self, settings: Mapping[str, Any]) -> None:
        if isinstance(self._signaling, ChecksSession):
            self._signaling.check_session(self._protocol.session_settings(settings))

    def _with_history(self, session: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the settings of a call that resumes the last one; called on the I/O thread."""
        items = self._record.transcript.to_resume()
        return self._protocol.with_history(session, items, self._session.changes)

    def _asks_for_microphone(self) -> bool:
        return self._page is None and self.microphone is True

    def _open_page(self, session: Callable[[], Mapping[str, Any]]) -> None:
        if self._page is None:
            self.on_msg(self._receive)
            return
        if isinstance(self._page, PlaysServer):
            self._page.take_session(session)
        self._page.open(self._bridge.receive)

    def _post_to_pages(self, message: protocol.Message) -> None:
        if self._page is not None:
            self._page.hear(message)
        else:
            # ipywidgets' own `send`; `VoiceChat.send` is for events.
            super().send(message)

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        self._bridge.receive(content)

    def _show_progress(self, text: str) -> None:
        # Called on the I/O thread; traits are assigned on the main loop.
        # A server may tell its name when the call is prepared.
        self._main.call(self._write, {"progress": text, "server": self._signaling.name})
