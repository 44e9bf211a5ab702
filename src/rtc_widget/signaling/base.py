"""The interface of a signaling: send an offer to a server, return its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from rtc_widget._aiortc.network import Direction, NetworkConditions, NetworkReport
from rtc_widget.types import DEFAULT_PROTOCOL, EVENTS_ONLY

Progress = Callable[[str], None]
"""Called with what the call waits for, in a few words; with an empty string at the end."""


Message = str | Mapping[str, Any]
"""A message on the data channel: a text, or a mapping that is sent as JSON."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A message that the page sends again and again while the data channel is open, also while the kernel is busy.

    Attributes
    ----------
    message : str or mapping
        The message. It is not logged.
    seconds : float
        The time between two of them; at least 0.1.

    Raises
    ------
    ValueError
        If `seconds` is out of range.
    """

    message: Message
    seconds: float

    def __post_init__(self) -> None:
        if not 0.1 <= self.seconds <= 3600:
            raise ValueError(f"seconds must be 0.1 to 3600, got {self.seconds!r}.")


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer to an offer.

    Attributes
    ----------
    sdp : str
        The unchanged answer (RFC 8866).
    call_id : str or None
        The server's id of the call; needed to hang it up.
    first_messages : sequence of str or mapping
        What the page sends as soon as the data channel is open, before anything else.
    keep_alive : KeepAlive or None
        A message that the page repeats.
    """

    sdp: str
    call_id: str | None = None
    first_messages: Sequence[Message] = ()
    keep_alive: KeepAlive | None = None


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A short-lived secret with which a page can make a call itself.

    Attributes
    ----------
    value : str
        The secret; not shown by ``repr``.
    url : str
        The URL to which the page posts its offer.
    first_messages : sequence of str or mapping
        As in `Answer`.
    """

    value: str = field(repr=False)
    url: str
    first_messages: Sequence[Message] = ()


@runtime_checkable
class MintsSecrets(Protocol):
    """A signaling that supports ``exchange="browser"``: the page sends the offer itself."""

    async def create_client_secret(self, session: Mapping[str, Any]) -> ClientSecret:
        """Return a new short-lived secret for a call with these session settings."""
        ...


@runtime_checkable
class Renegotiates(Protocol):
    """A signaling whose server accepts another offer for an existing call.

    A page that loses its connection requests an ICE restart (RFC 8839, section 4.4; RFC 9429, section 5.2.3.2) from
    such a server before it makes a new call. OpenAI's ``/calls`` and the embedded server (aiortc) accept no second
    offer.
    """

    async def renegotiate(self, call_id: str, offer: str) -> str:
        """Send another offer for the call unchanged, and return the server's unchanged answer."""
        ...


@runtime_checkable
class ControlsNetwork(Protocol):
    """A signaling whose server impairs the network of a call, for lessons and tests."""

    async def network(
        self, call_id: str, conditions: NetworkConditions | None = None, direction: Direction = "both"
    ) -> NetworkReport:
        """Replace the conditions of a direction, unless they are None, and return what happened to the packets.

        ``sent`` and ``received`` are those of the page.
        """
        ...


@runtime_checkable
class ChecksSession(Protocol):
    """A signaling that knows which values its server takes."""

    def check_session(self, settings: Mapping[str, Any]) -> None:
        """Require that the server takes these session settings, in the protocol's form.

        Raises
        ------
        InvalidSession
            If it would not.
        """
        ...


def protocol_of(signaling: Signaling) -> str:
    """Return the name of the wire protocol that the server of a signaling uses."""
    name = getattr(signaling, "protocol", DEFAULT_PROTOCOL)
    return EVENTS_ONLY if name is None else str(name)


@runtime_checkable
class Signaling(Protocol):
    """A server to call, and the exchange of offer and answer with it (RFC 9429).

    All coroutines run on the package's I/O thread, never on the kernel's main thread, so that a busy cell does not
    delay a call. They raise a `SignalingError` that says what to do.

    Attributes
    ----------
    name : str
        The name of the server that the page shows, such as ``"OpenAI · gpt-realtime-2.1"``.
    data_channel_label : str or None
        The label of the data channel that carries the events; None: calls without a data channel, audio only.
    ice_servers : sequence of dict or None
        W3C ``RTCIceServer`` dictionaries for the page's ``RTCPeerConnection``, read after `prepare`. They are also read
        when a page appears, so that it can make its offer early; it makes another one if they have changed since. None:
        those of the environment variable ``RTC_WIDGET_ICE_SERVERS``.

    Notes
    -----
    Some attributes are optional. ``protocol`` names the wire protocol of the events on the data channel, a package of
    `rtc_widget.protocols`; the default is the Realtime API (``"realtime"``), and None means that the events are
    only recorded (`rtc_widget.protocols.events`). ``slow_start = True`` means that `prepare` takes long: it is then
    called as soon as a page shows the widget. ``needs_candidates = False`` means that the server learns the page's
    addresses from its checks (peer-reflexive candidates, RFC 8445, section 7.3.1.3): the page sends the offer without
    waiting for its candidates. ``warm_up()`` opens the connection to the server, without credentials and without
    waiting: it is called when the pointer or the focus reaches the page's button, where the page makes its offer before
    the click. ``client_secrets = False`` means that the server has none: ``exchange="browser"`` is
    refused at once.

    With GPT-Live (``protocol = "live"``) three more are optional. ``delegate`` is a function that does the work which
    the voice model hands over; ``takes_tools = False`` means that no backend calls functions; ``backend_tools``
    describes the tools that the backend has besides those of the widget.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def data_channel_label(self) -> str | None: ...  # noqa: D102

    @property
    def ice_servers(self) -> Sequence[Mapping[str, Any]] | None: ...  # noqa: D102

    async def prepare(self, progress: Progress) -> None:
        """Prepare a fast exchange: start the server, or open the https connection.

        Called while the page opens the microphone, and possibly earlier; repeated calls must be cheap.
        """

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send the page's offer unchanged, and return the server's unchanged answer.

        Parameters
        ----------
        offer : str
            The SDP of the browser's local description.
        session : mapping
            Session settings of this call, in addition to those of the signaling.
        """
        ...

    async def hang_up(self, call_id: str) -> None:
        """End the call on the server; must not fail if the call has ended already."""
