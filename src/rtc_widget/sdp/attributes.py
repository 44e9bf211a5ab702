"""Values of single attributes: certificates, header extensions, sources, layers."""

from __future__ import annotations

from dataclasses import dataclass, field

from rtc_widget.sdp.lines import number_of
from rtc_widget.sdp.parameters import NO_PARAMETERS, ParameterMap, codec_parameters


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of the writer's certificate (RFC 8122, section 5). Its ``repr()`` does not show the value.

    Attributes
    ----------
    algorithm : str
        The hash function, such as ``"sha-256"``, in lower case.
    value : str
        The hash in hexadecimal pairs.
    """

    algorithm: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeaderExtension:
    """An extension of RTP packet headers (RFC 8285, section 5).

    Attributes
    ----------
    id : int or None
        The number that stands for the extension in packets.
    uri : str
        What the extension means.
    direction : str
        ``"sendonly"``, ``"recvonly"`` and so on; empty for both directions.
    parameters : str
        Whatever follows; mostly empty.
    """

    id: int | None
    uri: str
    direction: str = ""
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A stream of RTP packets that the writer sends (RFC 5576, section 4.1).

    Attributes
    ----------
    ssrc : int
        The number in its packets.
    attributes : mapping
        What the lines say about it, such as ``cname``.
    """

    ssrc: int
    attributes: ParameterMap = NO_PARAMETERS


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """Streams that belong together (RFC 5576, section 4.2).

    Attributes
    ----------
    semantics : str
        Why: ``"FID"`` (repeats lost packets), ``"FEC-FR"`` (protects), ``"SIM"`` (simulcast).
    ssrcs : tuple of int
        The numbers of the streams.
    """

    semantics: str
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rid:
    """The name of one encoding of a track (RFC 8851, section 4).

    Attributes
    ----------
    id : str
        The name.
    direction : str
        ``"send"`` or ``"recv"``.
    parameters : mapping
        Limits, such as ``max-width``.
    """

    id: str
    direction: str
    parameters: ParameterMap = NO_PARAMETERS


@dataclass(frozen=True, slots=True)
class Simulcast:
    """Encodings that are sent side by side (RFC 8853, section 5.1).

    Attributes
    ----------
    send, receive : tuple of str
        The names of the encodings; ``~`` in front of a name means that it is paused.
    """

    send: tuple[str, ...] = ()
    receive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Media sections that belong together (RFC 5888, section 5).

    Attributes
    ----------
    semantics : str
        Why: ``"BUNDLE"`` (they share a transport), ``"LS"`` (lip synchronization).
    mids : tuple of str
        The names of the sections.
    """

    semantics: str
    mids: tuple[str, ...]


def fingerprint_of(text: str) -> Fingerprint | None:
    """Return the fingerprint of an attribute's value; None if it does not have two parts."""
    parts = text.split()
    return Fingerprint(parts[0].casefold(), parts[1]) if len(parts) == 2 else None


def extension_of(text: str) -> HeaderExtension | None:
    """Return the header extension of an attribute's value; None if it does not have two parts.

    Examples
    --------
    >>> extension_of("2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level").direction
    'recvonly'
    """
    number, *rest = text.split(maxsplit=2)[:3] or [""]
    if not rest:
        return None
    identifier, _, direction = number.partition("/")
    return HeaderExtension(number_of(identifier), rest[0], direction, *rest[1:])


def group_of(text: str) -> Group | None:
    """Return the group of an attribute's value; None if it is empty."""
    semantics, *mids = text.split() or [""]
    return Group(semantics, tuple(mids)) if semantics else None


def sources_of(values: tuple[str, ...]) -> tuple[Source, ...]:
    """Return the streams of the values of all ``ssrc`` lines of a section.

    Examples
    --------
    >>> sources_of(("7 cname:voice", "7 msid:a b"))[0].attributes
    {'cname': 'voice', 'msid': 'a b'}
    """
    found: dict[int, list[tuple[str, str]]] = {}
    for value in values:
        number, _, attribute = value.partition(" ")
        ssrc = number_of(number)
        if ssrc is not None:
            name, _, content = attribute.partition(":")
            found.setdefault(ssrc, []).extend([(name, content)] if name else [])
    return tuple(Source(ssrc, ParameterMap(items)) for ssrc, items in found.items())


def source_group_of(text: str) -> SourceGroup | None:
    """Return the group of streams of an attribute's value; None if it is empty."""
    semantics, *numbers = text.split() or [""]
    ssrcs = tuple(ssrc for ssrc in map(number_of, numbers) if ssrc is not None)
    return SourceGroup(semantics, ssrcs) if semantics else None


def rid_of(text: str) -> Rid | None:
    """Return the encoding of an attribute's value; None if it does not have two parts."""
    parts = text.split(maxsplit=2)
    if len(parts) < 2:
        return None
    return Rid(parts[0], parts[1], codec_parameters(parts[2]) if len(parts) > 2 else NO_PARAMETERS)


def simulcast_of(text: str) -> Simulcast | None:
    """Return the encodings of a ``simulcast`` line; None if it names none.

    Examples
    --------
    >>> simulcast_of("send q;h;f")
    Simulcast(send=('q', 'h', 'f'), receive=())
    """
    words = text.split()
    found = {
        words[at]: tuple(one for part in words[at + 1].split(";") for one in part.split(",") if one)
        for at in range(0, len(words) - 1, 2)
    }
    sent, received = found.get("send", ()), found.get("recv", ())
    return Simulcast(sent, received) if sent or received else None
