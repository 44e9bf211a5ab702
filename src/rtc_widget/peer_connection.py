"""The widget that is one ``RTCPeerConnection``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, get_args

import anywidget
import traitlets

from rtc_widget.comm import messages
from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.media import ClipOffers
from rtc_widget.comm.pages import Page
from rtc_widget.comm.protocol import Message
from rtc_widget.conversation.subscriptions import FailureLog
from rtc_widget.kernel.auto_close import close_when_unreferenced
from rtc_widget.kernel.await_guard import AwaitGuard
from rtc_widget.kernel.main_loop import MainLoop
from rtc_widget.kernel.operation import Operation, say_when_stopped
from rtc_widget.peers.arguments import (
    candidate_to_wire,
    channel_options,
    description_to_wire,
)
from rtc_widget.peers.event_access import PeerEventAccess
from rtc_widget.peers.events import PeerEvent, PeerEventLog
from rtc_widget.peers.exchange import PeerExchange
from rtc_widget.peers.media import media_to_wire, microphone, tone
from rtc_widget.peers.messages import PeerMessages
from rtc_widget.peers.network_control import impair
from rtc_widget.peers.objects import (
    DataChannel,
    PeerObjects,
    RtpReceiver,
    RtpSender,
    RtpTransceiver,
    SctpTransport,
    described,
    handle_of,
    nothing,
    stats_of,
)
from rtc_widget.peers.operations import Operations
from rtc_widget.peers.page_choice import PeerPageName, choose_peer_page
from rtc_widget.peers.peer_view import peer_html
from rtc_widget.peers.record import ConnectionRecord
from rtc_widget.signaling.ice_servers import ice_servers_to_wire

if TYPE_CHECKING:
    from rtc_widget._aiortc.network import Direction, NetworkReport
    from rtc_widget.comm.media import ClipSource
    from rtc_widget.conversation.subscriptions import EventStream
    from rtc_widget.peers.arguments import Candidate, Description
    from rtc_widget.peers.event_access import PeerCallback, PeerCondition
    from rtc_widget.peers.media import MediaSource
    from rtc_widget.peers.stats import PeerStats
    from rtc_widget.sdp.description import SessionDescription
    from rtc_widget.signaling.base import Signaling
    from rtc_widget.signaling.ice_servers import IceServers
    from rtc_widget.types import SdpType

logger = logging.getLogger("rtc_widget")

_STATIC = Path(__file__).parent / "static"
_AWAIT_HINT = (
    "Write `task = asyncio.ensure_future(pc.create_offer())` in one cell and `task.result()` in the next, or use "
    'PeerConnection(page="headless"). With ipykernel 7.4 or newer it works in one cell.'
)
_DTLS_STATES = ("new", "connecting", "connected", "closed", "failed")


def _state(values: tuple[str, ...], default: str) -> Any:
    return traitlets.Enum(values, default, read_only=True).tag(sync=True)


def _description() -> Any:
    # Not synced: the page has its own, and a notebook saved with its widgets would hold credentials and addresses.
    return traitlets.Dict(allow_none=True, default_value=None, read_only=True)


class PeerConnection(anywidget.AnyWidget):
    """An ``RTCPeerConnection`` of the page, driven from Python (W3C WebRTC, section 4).

    Names are the W3C's in snake_case. Each operation is awaited: ``offer = await pc.create_offer()``. The connection is
    created with the first one, and lives in one page until it is closed, or until its page, its kernel or its last view
    is gone. In a notebook the widget shows its states, its candidate pairs, and a time line of operations and events.

    Parameters
    ----------
    ice_servers : iterable
        STUN and TURN servers: URLs, or W3C ``RTCIceServer`` dictionaries.
    ice_transport_policy : {"all", "relay"}
        ``"relay"`` uses only candidates of TURN servers.
    bundle_policy : {"balanced", "max-compat", "max-bundle"}
        How many transports an offer has before the answer (RFC 9429, section 4.1.1).
    view_timeout : float
        Seconds for which the connection lives when the page shows no view of it.
    page : {"browser", "headless", "aiortc"} or Page, optional
        What has the connection: the page that shows the widget, or one in this process (extra ``teach``, or ``local``
        for ``"aiortc"``). Default: the environment variable ``RTC_WIDGET_PAGE``, else the browser.

    Attributes
    ----------
    signaling_state, ice_gathering_state, ice_connection_state, connection_state : str
        The states of the connection (W3C WebRTC, section 4.3).
    dtls_state : str
        The state of the DTLS transport in use.
    local_description, remote_description : dict or None
        ``{type, sdp}``; the local one grows while candidates are gathered.
    error : dict or None
        The error of the last operation: ``{code, message, hint}``; None if it succeeded.
    active_page : str or None
        The page that has the connection.
    settings : dict
        What the page reads.

    Raises
    ------
    TypeError, ValueError
        If a parameter has a wrong type or value.
    HeadlessNotInstalled
        If `page` needs an extra that is not installed.
    ImportError
        If this checkout has no page half.

    Examples
    --------
    >>> pc = PeerConnection()  # doctest: +SKIP
    >>> channel = await pc.create_data_channel("chat")  # doctest: +SKIP
    >>> await pc.set_local_description(await pc.create_offer())  # doctest: +SKIP
    >>> pc.signaling_state  # doctest: +SKIP
    'have-local-offer'
    """

    _esm = _STATIC / "peer.js"
    _css = _STATIC / "peer.css"

    signaling_state = _state(get_args(messages.SignalingState), "stable")
    ice_gathering_state = _state(get_args(messages.IceGatheringState), "new")
    ice_connection_state = _state(get_args(messages.IceConnectionState), "new")
    connection_state = _state(get_args(messages.ConnectionState), "new")
    dtls_state = _state(_DTLS_STATES, "new")
    local_description = _description()
    remote_description = _description()
    # Not synced either: the browser's words quote lines of descriptions.
    error = traitlets.Dict(allow_none=True, default_value=None, read_only=True)
    active_page = traitlets.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    settings = traitlets.Dict(default_value={"view_timeout": 10.0}, read_only=True).tag(sync=True)

    # Empty in a widget that a wrong parameter left unfinished: `__del__` removes it as well.
    _close_parts: tuple[Callable[[], object], ...] = ()
    _page: Page | None = None

    def __init__(
        self,
        *,
        ice_servers: IceServers = (),
        ice_transport_policy: str = "all",
        bundle_policy: str = "balanced",
        view_timeout: float = 10.0,
        page: PeerPageName | Page | None = None,
    ) -> None:
        _require_page_half()
        if not 0 <= view_timeout <= 2_000_000:
            raise ValueError(f"view_timeout must be between 0 and 2,000,000 seconds, got {view_timeout!r}.")
        configuration = {
            "ice_servers": ice_servers_to_wire(ice_servers),
            "ice_transport_policy": ice_transport_policy,
            "bundle_policy": bundle_policy,
        }
        self._page = choose_peer_page(page)
        super().__init__()
        self._compose(configuration)
        self._write({"settings": {"view_timeout": float(view_timeout)}})
        self._open_page()
        close_when_unreferenced(self, "remove")

    def _compose(self, configuration: Mapping[str, Any]) -> None:
        """Make the parts; each gets what it needs."""
        self._main = MainLoop()
        self._writing = RLock()
        guard = AwaitGuard(self._main, is_browser=self._page is None, hint=_AWAIT_HINT)
        clips = ClipOffers()
        self._objects = PeerObjects(clips)
        self._record = ConnectionRecord(self._write, self._objects.__getitem__)
        self._bridge = Bridge(self._post_to_pages, self._main, await_hint=_AWAIT_HINT)
        self._bridge.owner = PeerMessages(self._bridge, clips, self._record, self._main)
        self._operations = Operations(self._bridge, self._record, configuration, guard, self._main, clips)
        self._event_access = PeerEventAccess(self._record, guard)
        self._objects.connect(self._record, self._operations, self._event_access)
        self._media = partial(media_to_wire, clips=clips)
        self._exchange = PeerExchange(self._record)
        close_page = () if self._page is None else (self._page.close,)
        lose = partial(self._main.call_now, self._record.lose)
        self._close_parts = (self._operations.close, self._exchange.close, self._bridge.close, *close_page, lose)

    # Media

    def add_microphone(self, constraints: Mapping[str, Any] | None = None) -> Operation[RtpSender]:
        """Send the microphone (W3C ``getUserMedia`` and ``addTrack``); the browser asks the user for it.

        Parameters
        ----------
        constraints : mapping, optional
            W3C ``MediaTrackConstraints``, such as ``{"echoCancellation": False}``.

        Raises
        ------
        NotAllowedError, NotFoundError
            If it is refused, or none is connected.
        """
        return self._add("pc.add_microphone()", lambda: microphone(constraints))

    def add_tone(self, hz: float = 440, *, level: float = 0.2) -> Operation[RtpSender]:
        """Send a sine tone, which needs no microphone.

        Parameters
        ----------
        hz : float
            Its frequency, 20 to 20,000.
        level : float
            Its amplitude, 0 to 1.
        """
        sound = tone(hz, level)
        return self._add("pc.add_tone()", lambda: sound)

    def add_clip(self, clip: ClipSource) -> Operation[RtpSender]:
        """Send a clip once, then silence.

        Parameters
        ----------
        clip : AudioClip, path or array
            At most ten minutes. An array has 24,000 samples per second.

        Raises
        ------
        InvalidAudio, ClipTooLong
            If it cannot be played.
        """
        return self._add("pc.add_clip(…)", lambda: self._media(clip))

    def add_silence(self) -> Operation[RtpSender]:
        """Send a silent track, for example to replace its media later."""
        return self._add("pc.add_silence()", lambda: self._media("silence"))

    def add_transceiver(
        self, kind: str = "audio", direction: str = "sendrecv", *, media: MediaSource = None
    ) -> Operation[RtpTransceiver]:
        """Add a section for media to the next offer (W3C ``addTransceiver``).

        Parameters
        ----------
        kind : {"audio", "video"}
            Of what.
        direction : {"sendrecv", "sendonly", "recvonly", "inactive"}
            The direction that this side wants.
        media : None, "microphone", "silence", mapping, AudioClip, path or array
            What it sends; see `RtpSender.replace_track`.
        """
        return self._operations.start(
            "pc.add_transceiver(…)",
            "add_transceiver",
            lambda added: self._objects[added.transceiver],
            lambda: {"kind": kind, "direction": direction, "media": self._media(media)},
        )

    def remove_track(self, sender: RtpSender) -> Operation[None]:
        """Stop sending a track; its section remains and is negotiated with the next offer (W3C ``removeTrack``)."""
        return self._start("remove_track(…)", "remove_track", sender=handle_of(sender, RtpSender))

    def get_capabilities(self, side: str = "sender", kind: str = "audio") -> Operation[dict[str, Any]]:
        """Return the codecs and header extensions that the page can send or receive.

        Parameters
        ----------
        side : {"sender", "receiver"}
            Whether to send or to receive.
        kind : {"audio", "video"}
            Of what.
        """
        return self._operations.start(
            "pc.get_capabilities(…)",
            "get_capabilities",
            lambda result: dict(result.capabilities),
            {"side": side, "kind": kind},
        )

    # Data channels

    def create_data_channel(
        self,
        label: str = "",
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
        protocol: str = "",
        negotiated: bool = False,
        id: int | None = None,
    ) -> Operation[DataChannel]:
        """Create a data channel (W3C ``createDataChannel``).

        Parameters
        ----------
        label : str
            Its name.
        ordered : bool
            Whether messages arrive in the order in which they were sent.
        max_retransmits : int, optional
            How often a message is sent again; not together with `max_packet_life_time`.
        max_packet_life_time : int, optional
            For how many milliseconds a message is sent again.
        protocol : str
            The name of the protocol of its messages.
        negotiated : bool
            True: both sides create the channel, with the same `id`.
        id : int, optional
            Its number, 0 to 65534.

        Raises
        ------
        WebRTCTypeError
            If the options contradict each other.
        """
        options = channel_options(
            ordered=ordered,
            max_retransmits=max_retransmits,
            max_packet_life_time=max_packet_life_time,
            protocol=protocol,
            negotiated=negotiated,
            id=id,
        )
        return self._operations.start(
            f"pc.create_data_channel({label!r})",
            "create_data_channel",
            lambda created: self._objects[created.channel],
            {"label": label, "options": options},
        )

    # Negotiation

    def create_offer(self, *, ice_restart: bool = False) -> Operation[SessionDescription]:
        """Return an offer; it has no effect before it is set (W3C ``createOffer``).

        Parameters
        ----------
        ice_restart : bool
            Whether the offer begins ICE anew, with new credentials and candidates.
        """
        return self._operations.start("pc.create_offer()", "create_offer", described, {"ice_restart": ice_restart})

    def create_answer(self) -> Operation[SessionDescription]:
        """Return the answer to the remote offer; it has no effect before it is set (W3C ``createAnswer``).

        Raises
        ------
        InvalidStateError
            If no offer of the other side is set.
        """
        return self._operations.start("pc.create_answer()", "create_answer", described)

    def set_local_description(
        self, description: Description | None = None, *, type: SdpType | None = None
    ) -> Operation[None]:
        """Use a description of this side; candidates are gathered from now on (W3C ``setLocalDescription``).

        Parameters
        ----------
        description : SessionDescription, mapping or str, optional
            Default: a new offer or answer, as the signaling state asks for.
        type : {"offer", "answer", "pranswer", "rollback"}, optional
            What a text is.

        Raises
        ------
        InvalidStateError, InvalidModificationError, OperationError
            If it does not fit the state, was changed, or cannot be read.
        """
        wire = None if description is None and type is None else description_to_wire(description or "", type)
        return self._start("set_local_description(…)", "set_local_description", description=wire)

    def set_remote_description(self, description: Description, *, type: SdpType | None = None) -> Operation[None]:
        """Use the description of the other side, byte for byte (W3C ``setRemoteDescription``).

        Parameters
        ----------
        description : SessionDescription, mapping or str
            The other side's offer or answer.
        type : {"offer", "answer", "pranswer", "rollback"}, optional
            What a text is.

        Raises
        ------
        InvalidStateError, InvalidAccessError, OperationError
            If it does not fit the state or the offer, or cannot be read.
        """
        wire = description_to_wire(description, type)
        return self._start("set_remote_description(…)", "set_remote_description", description=wire)

    def add_ice_candidate(self, candidate: Candidate) -> Operation[None]:
        """Use a candidate of the other side (W3C ``addIceCandidate``).

        Parameters
        ----------
        candidate : PeerEvent, mapping or None
            An ``icecandidate`` event or its candidate; None is the end of the candidates.

        Raises
        ------
        InvalidStateError
            If no remote description is set.
        WebRTCTypeError, OperationError
            If its section is missing or unknown, or it cannot be read.
        """
        return self._start("add_ice_candidate(…)", "add_ice_candidate", candidate=candidate_to_wire(candidate))

    def restart_ice(self) -> Operation[None]:
        """Let the next offer begin ICE anew (W3C ``restartIce``)."""
        return self._start("restart_ice()", "restart_ice")

    def exchange(self, signaling: Signaling, **session: Any) -> Operation[SessionDescription]:
        """Post the local offer to a server and return its answer, which is not set yet.

        The call is hung up when this connection is closed. A server of voice calls expects a data channel with the
        label ``signaling.data_channel_label``. If it expects messages on that channel, such as the settings of the
        session, a warning is logged with each of them.

        Parameters
        ----------
        signaling : Signaling
            The server, such as ``Local()`` or ``OpenAI()``.
        **session
            Settings of the session on the server.

        Raises
        ------
        InvalidStateError
            If no offer of this side is set.
        SignalingError
            If the server gives no answer.
        """
        return Operation("pc.exchange(…)", lambda: self._exchange.exchange(signaling, session))

    # Configuration and measurements

    def get_configuration(self) -> Operation[dict[str, Any]]:
        """Return the configuration in use (W3C ``getConfiguration``)."""
        return self._operations.start(
            "pc.get_configuration()", "get_configuration", lambda result: dict(result.configuration)
        )

    def set_configuration(
        self,
        *,
        ice_servers: IceServers = (),
        ice_transport_policy: str = "all",
        bundle_policy: str | None = None,
    ) -> Operation[None]:
        """Replace the configuration; ICE uses it from its next restart on (W3C ``setConfiguration``).

        Parameters
        ----------
        ice_servers, ice_transport_policy : iterable, str
            As for the class.
        bundle_policy : str, optional
            Must be that of the connection.

        Raises
        ------
        InvalidModificationError, InvalidAccessError, WebRTCSyntaxError
            If something must not change, or a server is wrong.
        """
        configuration = channel_options(
            ice_servers=ice_servers_to_wire(ice_servers),
            ice_transport_policy=ice_transport_policy,
            bundle_policy=bundle_policy,
        )
        return self._start("set_configuration(…)", "set_configuration", configuration=configuration)

    def get_stats(self, of: RtpSender | RtpReceiver | None = None) -> Operation[PeerStats]:
        """Return the statistics of the connection, or of what a sender or receiver is about (W3C WebRTC Statistics).

        Those of a data channel are among the connection's: ``stats.of("data-channel")``.

        Raises
        ------
        TypeError
            If `of` is another object.
        """
        handle = None if of is None else handle_of(of, RtpSender, RtpReceiver)
        return self._operations.start("pc.get_stats()", "get_stats", stats_of, {"of": handle})

    def network(
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
        nat: str | None = None,
        direction: Direction = "both",
    ) -> Operation[NetworkReport]:
        """Impair the network of a connection with ``page="aiortc"``, and return what happened to the packets.

        Parameters
        ----------
        loss, burst, delay, jitter, reorder, rate, queue, down, seed, direction
            As for `VoiceChat.network`.
        nat : {"open", "full cone", "restricted", "port-restricted", "symmetric"}, optional
            The NAT in front of it (RFC 4787); set it before the first description.

        Raises
        ------
        NetworkUnsupported
            If the page cannot impair its network.
        """
        conditions: dict[str, Any] = {"loss": loss, "burst": burst, "delay": delay, "jitter": jitter}
        conditions |= {"reorder": reorder, "rate": rate, "queue": queue, "down": down, "seed": seed}
        return impair(self._page, conditions | {"nat": nat, "direction": direction})

    # Objects

    @property
    def transceivers(self) -> tuple[RtpTransceiver, ...]:
        """The transceivers, in the order in which they were added."""
        return self._objects.listed("transceivers")

    @property
    def senders(self) -> tuple[RtpSender, ...]:
        """The senders of the transceivers."""
        return self._objects.listed("senders")

    @property
    def receivers(self) -> tuple[RtpReceiver, ...]:
        """The receivers of the transceivers."""
        return self._objects.listed("receivers")

    @property
    def channels(self) -> tuple[DataChannel, ...]:
        """All data channels of this side and of the other one, in the order in which they appeared."""
        return tuple(self._objects[handle] for handle in self._record.handles("channel"))

    @property
    def sctp(self) -> SctpTransport | None:
        """The transport of the data channels; None as long as none is negotiated."""
        handle = self._record.state("pc").get("sctp")
        return self._objects[handle] if handle else None

    @property
    def candidates(self) -> tuple[Mapping[str, Any], ...]:
        """The local candidates so far, as W3C ``RTCIceCandidateInit`` dictionaries."""
        return tuple(self._record.candidates)

    @property
    def pairs(self) -> tuple[Mapping[str, Any], ...]:
        """The candidate pairs that ICE tried, with addresses, checks, round-trip time and result."""
        return self._record.pairs

    @property
    def can_trickle_ice_candidates(self) -> bool | None:
        """Whether the other side takes candidates one by one; None before its description."""
        return self._record.state("pc").get("can_trickle_ice_candidates")

    @property
    def current_local_description(self) -> dict[str, str] | None:
        """The description of this side that was negotiated last."""
        return self._record.state("pc").get("current_local_description")

    @property
    def current_remote_description(self) -> dict[str, str] | None:
        """The description of the other side that was negotiated last."""
        return self._record.state("pc").get("current_remote_description")

    @property
    def pending_local_description(self) -> dict[str, str] | None:
        """The description of this side that is being negotiated."""
        return self._record.state("pc").get("pending_local_description")

    @property
    def pending_remote_description(self) -> dict[str, str] | None:
        """The description of the other side that is being negotiated."""
        return self._record.state("pc").get("pending_remote_description")

    # Events

    def on(self, type: str, callback: PeerCallback | None = None) -> Any:
        """Call a function with each event of a type from now on, on the kernel's main loop.

        A function of the same module and qualified name that was given for the same type is replaced, so that a cell
        can be run again.

        Parameters
        ----------
        type : str
            A W3C event name such as ``"icecandidate"``, or a shell-style pattern. Events of all objects count;
            ``channel.on("message", …)`` gets those of one object.
        callback : callable, optional
            A function or coroutine function of one `PeerEvent`. Without it: use ``@pc.on("icecandidate")``.

        Raises
        ------
        TypeError
            If the type is not a string, or the callback cannot be called.
        """
        return self._event_access.on(type, callback)

    def off(self, type: str, callback: PeerCallback) -> None:
        """Stop calling a function that `on` was given."""
        self._event_access.off(type, callback)

    def wait_for(
        self, type: str, timeout: float | None = 30, *, where: PeerCondition | None = None
    ) -> Operation[PeerEvent]:
        """Return the next event of a type, from this call on.

        It need not be awaited at once: ``message = channel.wait_for("message")``, then an operation, then
        ``await message``.

        Parameters
        ----------
        type : str
            An event name, or a shell-style pattern.
        timeout : float or None
            Seconds; None waits without a limit.
        where : callable, optional
            A condition on the event, such as ``lambda event: pc.connection_state == "connected"``.

        Raises
        ------
        WaitTimeout
            If no such event comes in time (it is a `TimeoutError` as well).
        NotConnected, PeerClosed
            If the connection is closed while waiting, or before.
        AwaitUnsupported
            In a cell of ipykernel 6.
        """
        return self._event_access.wait_for(type, timeout, where)

    def stream(self, type: str = "*") -> EventStream[PeerEvent]:
        """Return the events of a type from now on, for ``async for``; the loop ends with the connection.

        Raises
        ------
        PeerClosed, AwaitUnsupported
            As for `wait_for`.
        """
        return self._event_access.stream(type)

    @property
    def events(self) -> PeerEventLog:
        """Every event of the connection and its objects, and every call of an operation, oldest first."""
        return self._record.events

    @property
    def errors(self) -> FailureLog:
        """What callbacks have raised, oldest first."""
        return FailureLog(self._record.failures)

    # Widget

    def close(self) -> Operation[None]:
        """Close the connection and release the microphone, at once; the widget still shows its end.

        Awaiting the returned operation waits until the page has done it. `remove` removes the widget as well.
        """
        return self._operations.close()

    def remove(self) -> None:
        """Close the connection and remove the widget from every page."""
        for close_part in self._close_parts:
            close_part()
        super().close()

    async def __aenter__(self) -> Self:
        """Use the connection; the end of the block closes it."""
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, at: object) -> None:
        try:
            await self.close()
        finally:
            self.remove()
            say_when_stopped(error, "The connection is closed.")

    def __del__(self) -> None:
        self.remove()

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take no state from a page: Python is the only writer of the traits."""

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self.traits().get(name), "read_only", False):
            raise traitlets.TraitError(f"{name} is read-only: it shows a state and cannot be set.")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        page = f", {self._page.name}" if self._page is not None else ""
        return f"<PeerConnection: {self.signaling_state}, {self.connection_state}{page}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        # A notebook that is stored has the drawing of this moment; a page with a kernel prefers the live view.
        drawn = {"text/plain": repr(self), "text/html": peer_html(self)}
        if self._page is not None:
            # A page in this process has the connection: a view in the browser would not know it.
            return drawn
        live = super()._repr_mimebundle_(**options)
        return live and ({**live[0], **drawn}, live[1])

    def _add(self, call: str, media: Callable[[], Mapping[str, Any] | None]) -> Operation[RtpSender]:
        return self._operations.start(
            call, "add_track", lambda added: self._objects[added.sender], lambda: {"media": media()}
        )

    def _start(self, call: str, op: str, **arguments: Any) -> Operation[None]:
        return self._operations.start(f"pc.{call}", op, nothing, arguments)

    def _write(self, values: Mapping[str, object]) -> None:
        # One thread at a time: without a running loop, reports of the I/O thread are written on that thread.
        # In one message, so that the pages never see half a state.
        with self._writing, self.hold_sync():
            for name, value in values.items():
                try:
                    self.set_trait(name, value)
                except Exception:
                    # The other traits must still be written.
                    logger.exception("An observer of %r failed", name)

    def _open_page(self) -> None:
        if self._page is None:
            self.on_msg(self._receive)
        else:
            self._page.take_settings(self.settings)
            self._page.open(self._bridge.receive)

    def _post_to_pages(self, message: Message) -> None:
        if self._page is not None:
            self._page.hear(message)
        else:
            self.send(message)

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        self._bridge.receive(content)


def _require_page_half() -> None:
    if not (_STATIC / "peer.js").is_file():
        raise ImportError(
            "PeerConnection has no page half: src/rtc_widget/static/peer.js is missing. "
            "In a checkout run scripts/build."
        )
