"""ICE candidates (RFC 8839, section 5.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from rtc_widget.sdp.lines import number_of
from rtc_widget.sdp.parameters import NO_PARAMETERS, ParameterMap

MIN_FIELDS = 8
"""Foundation, component, transport, priority, address, port, the word ``typ``, and the type."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address where the writer might be reached. Its ``repr()`` shows no address.

    Attributes
    ----------
    foundation : str
        Equal for candidates of one type, from one address and server (RFC 8445, section 5.1.1.3).
    component : int or None
        1 is RTP, and everything if RTCP shares the port; 2 is RTCP.
    transport : str
        ``"udp"`` or ``"tcp"``, in lower case.
    priority : int or None
        The priority (RFC 8445, section 5.1.2.1).
    address : str
        An IP address, or a name that ends in ``.local`` (mDNS).
    port : int or None
        The port.
    type : str
        ``"host"``, ``"srflx"``, ``"prflx"`` or ``"relay"``.
    related_address : str or None
        The address behind it (``raddr``).
    related_port : int or None
        The port behind it (``rport``).
    tcp_type : str or None
        ``"active"``, ``"passive"`` or ``"so"`` (RFC 6544).
    extensions : mapping
        All other names with values, such as ``generation``.
    """

    foundation: str
    component: int | None
    transport: str
    priority: int | None
    address: str = field(repr=False)
    port: int | None
    type: str
    related_address: str | None = field(default=None, repr=False)
    related_port: int | None = None
    tcp_type: str | None = None
    extensions: ParameterMap = field(default=NO_PARAMETERS, repr=False)

    @property
    def type_preference(self) -> int | None:
        """The part of the priority that stands for the type: 126 for host, 0 for relay, as a rule."""
        return None if self.priority is None else self.priority >> 24

    @property
    def local_preference(self) -> int | None:
        """The part of the priority that orders the interfaces."""
        return None if self.priority is None else self.priority >> 8 & 0xFFFF

    @property
    def is_mdns(self) -> bool:
        """Whether a name of multicast DNS hides the address."""
        return self.address.casefold().endswith(".local")

    def __str__(self) -> str:
        tcp_type = f" {self.tcp_type}" if self.tcp_type else ""
        return f"{self.type} {self.transport}{tcp_type}"


def candidate_of(text: str) -> Candidate | None:
    """Return the candidate of an attribute's value; None if fields are missing.

    Examples
    --------
    >>> candidate_of("1 1 UDP 2122194687 192.0.2.10 33434 typ host generation 0")
    Candidate(foundation='1', component=1, transport='udp', priority=2122194687, port=33434, type='host', ...)
    """
    fields = text.split()
    if len(fields) < MIN_FIELDS or fields[6].casefold() != "typ":
        return None
    foundation, component, transport, priority, address, port, _, kind, *more = fields
    extensions = dict(zip(more[::2], more[1::2], strict=False))
    related_port = extensions.pop("rport", None)
    return Candidate(
        foundation,
        number_of(component),
        transport.casefold(),
        number_of(priority),
        address,
        number_of(port),
        kind,
        extensions.pop("raddr", None),
        None if related_port is None else number_of(related_port),
        extensions.pop("tcptype", None),
        ParameterMap(extensions.items()),
    )
