"""What every kind of server has in common: an offer goes in, an answer comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from rtc_widget.types import DEFAULT_PROTOCOL

Progress = Callable[[str], None]
"""Told, in a few words, what is being waited for; the empty string when the waiting is over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer to an offer.

    Attributes
    ----------
    sdp : str
        The answer, byte for byte as it came (RFC 8866).
    call_id : str or None
        What the server calls this call; needed to hang it up.
    """

    sdp: str
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A short-lived secret with which a page may start a call by itself.

    Attributes
    ----------
    value : str
        The secret; not shown by ``repr``.
    url : str
        Where the page posts its offer.
    """

    value: str = field(repr=False)
    url: str


@runtime_checkable
class MintsSecrets(Protocol):
    """A signaling that can also let the page make the exchange (``exchange="browser"``)."""

    async def create_client_secret(self, session: Mapping[str, Any]) -> ClientSecret:
        """Return a new short-lived secret for a call with these session settings."""
        ...


@runtime_checkable
class Renegotiates(Protocol):
    """A signaling whose server can change a call that it has: a lost way to it is then sought anew, in the same call.

    A page whose connection is lost asks such a server for an ICE restart (RFC 8839, section 4.4; RFC 9429, section
    5.2.3.2) before it makes a new call. OpenAI's ``/calls`` and the embedded server (aiortc) know no second offer.
    """

    async def renegotiate(self, call_id: str, offer: str) -> str:
        """Send another offer of the page for the call, unchanged, and return the server's answer, unchanged."""
        ...


def protocol_of(signaling: Signaling) -> str:
    """Return the name of the wire protocol that a signaling's server speaks."""
    return str(getattr(signaling, "protocol", DEFAULT_PROTOCOL))


@runtime_checkable
class Signaling(Protocol):
    """Whom to call, and how offer and answer are exchanged (RFC 9429).

    All coroutines run on the package's I/O thread, never on the kernel's main thread, so that a busy
    cell does not hold up a call. They raise a `SignalingError` that says what to do.

    Attributes
    ----------
    name : str
        Whom people believe they are talking to, such as ``"OpenAI · gpt-realtime-2.1"``. Shown in the page.
    data_channel_label : str
        The label of the data channel that carries the events.
    ice_servers : sequence of dict
        W3C ``RTCIceServer`` dictionaries for the page's ``RTCPeerConnection``.

    Notes
    -----
    Two attributes are optional. ``protocol`` names the wire protocol of the events on the data channel, a package of
    `rtc_widget.protocols`; without it they are those of the Realtime API (``"realtime"``). ``slow_start = True`` says
    that getting ready takes long: `prepare` is then called as soon as a page shows the widget.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def data_channel_label(self) -> str: ...  # noqa: D102

    @property
    def ice_servers(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102

    async def prepare(self, progress: Progress) -> None:
        """Do whatever makes the exchange quick: start the server, open the https connection.

        Called when the microphone is being opened, and at any time before; must be cheap to call again.
        """

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Send the page's offer, unchanged, and return the server's answer, unchanged.

        Parameters
        ----------
        offer : str
            The local description's SDP as the browser made it.
        session : mapping
            Session settings that this call adds to those of the signaling itself.
        """
        ...

    async def hang_up(self, call_id: str) -> None:
        """End the call on the server; a call that has already ended is no error."""
