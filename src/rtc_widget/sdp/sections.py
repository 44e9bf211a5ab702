"""The sections of a session description: the session itself, and one per ``m=`` line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from rtc_widget.sdp.attributes import (
    Fingerprint,
    Group,
    HeaderExtension,
    Rid,
    Simulcast,
    Source,
    SourceGroup,
    extension_of,
    fingerprint_of,
    group_of,
    rid_of,
    simulcast_of,
    source_group_of,
    sources_of,
)
from rtc_widget.sdp.candidates import Candidate, candidate_of
from rtc_widget.sdp.codecs import Codec, codecs_of
from rtc_widget.sdp.lines import Line, number_of

MediaDirection = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
DIRECTIONS: tuple[MediaDirection, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
KINDS = ("audio", "video", "text", "application", "message", "image")
"""The kinds of media that are registered (RFC 8866, section 8.2.2)."""
MAX_PAYLOAD_TYPE = 127
"""A payload type has seven bits (RFC 3550, section 5.1)."""
DEFAULT_MAX_MESSAGE_SIZE = 65536
"""The largest message of a data channel, in bytes, if the description gives none (RFC 8841, section 6)."""

T = TypeVar("T")


class _SdpSection:
    """The lines of a section by their attributes."""

    __slots__ = ()
    lines: tuple[Line, ...]

    def values(self, attribute: str) -> tuple[str, ...]:
        """Return the values of all own lines with this attribute; a flag has an empty value."""
        return tuple(line.value for line in self.lines if line.attribute == attribute)

    def value(self, attribute: str) -> str | None:
        """Return the value of the first own line with this attribute; None if no line has it."""
        return next(iter(self.values(attribute)), None)

    def has(self, attribute: str) -> bool:
        """Return whether an own line has this attribute."""
        return self.value(attribute) is not None


@dataclass(frozen=True, slots=True, repr=False)
class SessionSection(_SdpSection):
    """The lines in front of the first ``m=`` line; they hold for the whole session.

    Attributes
    ----------
    lines : tuple of Line
        The lines.
    """

    lines: tuple[Line, ...]

    @property
    def origin(self) -> str | None:
        """The value of the ``o=`` line: user, session number, version, network type, address type, address."""
        return self._first("o=")

    @property
    def version(self) -> int | None:
        """The version in the ``o=`` line; it grows with each new description of a session."""
        fields = (self.origin or "").split()
        return number_of(fields[2]) if len(fields) > 2 else None

    @property
    def name(self) -> str | None:
        """The value of the ``s=`` line."""
        return self._first("s=")

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of media sections (RFC 5888)."""
        return _read(group_of, self.values("group"))

    @property
    def bundles(self) -> tuple[tuple[str, ...], ...]:
        """The mids of the sections that share a transport, one tuple per BUNDLE group (RFC 9143)."""
        return tuple(group.mids for group in self.groups if group.semantics == "BUNDLE")

    @property
    def ice_lite(self) -> bool:
        """Whether the writer answers connectivity checks and starts none (RFC 8839, section 5.3)."""
        return self.has("ice-lite")

    def _first(self, kind: str) -> str | None:
        return next((line.value for line in self.lines if line.kind == kind), None)

    def __repr__(self) -> str:
        return f"<SessionSection: {len(self.lines)} lines>"


@dataclass(frozen=True, slots=True, repr=False)
class MediaSection(_SdpSection):
    """A media section: from one ``m=`` line to the next (RFC 8866, section 5.14).

    A value that the section does not have itself comes from the session, where the standard says so. What cannot be
    read is None or left out; `SessionDescription.check` says why.

    Attributes
    ----------
    index : int
        The position among the media sections, from 0 (``sdpMLineIndex``).
    lines : tuple of Line
        The lines.
    session : SessionSection
        The lines that hold for all sections.
    """

    index: int
    lines: tuple[Line, ...]
    session: SessionSection

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the ``m=`` line."""
        return tuple(self.lines[0].value.split())

    @property
    def kind(self) -> str:
        """The kind of media: ``"audio"``, ``"video"``, ``"application"``."""
        return self._field(0)

    @property
    def port(self) -> int | None:
        """The port of the default candidate; 0: refused or stopped; 9: not known yet."""
        return number_of(self._field(1).partition("/")[0])

    @property
    def protocol(self) -> str:
        """The stack of protocols, such as ``"UDP/TLS/RTP/SAVPF"``."""
        return self._field(2)

    @property
    def formats(self) -> tuple[str, ...]:
        """The payload types, or ``"webrtc-datachannel"``, in the order of preference."""
        return self.fields[3:]

    @property
    def mid(self) -> str | None:
        """The name of the section (RFC 5888, section 4)."""
        value = self.value("mid")
        return None if value is None else value.strip()

    @property
    def is_data(self) -> bool:
        """Whether the section is that of the data channels (RFC 8841)."""
        return self.kind == "application" and "SCTP" in self.protocol.upper()

    @property
    def is_rtp(self) -> bool:
        """Whether the section carries RTP."""
        return "RTP" in self.protocol.upper().split("/")

    @property
    def is_bundle_only(self) -> bool:
        """Whether the section exists only inside a bundle; its port 0 is then not a refusal (RFC 9143, section 6)."""
        return self.has("bundle-only")

    @property
    def is_refused(self) -> bool:
        """Whether the section is refused, or its transceiver stopped (RFC 3264, section 6)."""
        return self.port == 0 and not self.is_bundle_only

    @property
    def direction(self) -> MediaDirection:
        """Who sends, seen from the writer; ``"sendrecv"`` if no line says it (RFC 8866, section 6.7)."""
        own = (line.attribute for line in self.lines)
        general = (line.attribute for line in self.session.lines)
        for names in (own, general):
            for name in names:
                for direction in DIRECTIONS:
                    if name == direction:
                        return direction
        return "sendrecv"

    @property
    def sends(self) -> bool:
        """Whether the writer sends media."""
        return not self.is_refused and self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Whether the writer receives media."""
        return not self.is_refused and self.direction in ("sendrecv", "recvonly")

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """The codecs and repair formats, in the order of preference."""
        numbers = (number_of(entry) for entry in self.formats)
        payload_types = [number for number in numbers if number is not None and number <= MAX_PAYLOAD_TYPE]
        return codecs_of(self.lines, payload_types, self.kind) if self.is_rtp else ()

    def codec(self, name: str) -> Codec | None:
        """Return the first codec with this name, in any case; None if there is none."""
        return next((codec for codec in self.codecs if codec.name.casefold() == name.casefold()), None)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The ICE candidates."""
        return _read(candidate_of, self.values("candidate"))

    @property
    def end_of_candidates(self) -> bool:
        """Whether no more candidates will come (RFC 8840, section 8.2)."""
        return self.has("end-of-candidates") or self.session.has("end-of-candidates")

    @property
    def ice_ufrag(self) -> str | None:
        """The user name of connectivity checks (RFC 8839, section 5.4)."""
        return self._inherited("ice-ufrag")

    @property
    def ice_pwd(self) -> str | None:
        """The password of connectivity checks (RFC 8839, section 5.4)."""
        return self._inherited("ice-pwd")

    @property
    def ice_options(self) -> tuple[str, ...]:
        """The extensions of ICE that the writer knows, such as ``"trickle"``."""
        return tuple((self._inherited("ice-options") or "").split())

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """The hashes of the writer's certificate (RFC 8122)."""
        return _read(fingerprint_of, self.values("fingerprint") or self.session.values("fingerprint"))

    @property
    def setup(self) -> str | None:
        """Who starts DTLS: ``"actpass"``, ``"active"`` or ``"passive"`` (RFC 8842, section 5)."""
        return self._inherited("setup")

    @property
    def extensions(self) -> tuple[HeaderExtension, ...]:
        """The RTP header extensions."""
        return _read(extension_of, self.values("extmap") or self.session.values("extmap"))

    @property
    def msids(self) -> tuple[tuple[str, str], ...]:
        """Stream and track of each ``msid`` line (RFC 8830); the stream ``-`` means none."""
        pairs = (value.partition(" ") for value in self.values("msid"))
        return tuple((stream.strip(), track.strip()) for stream, _, track in pairs)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The streams of RTP packets that the writer announces."""
        return sources_of(self.values("ssrc"))

    @property
    def source_groups(self) -> tuple[SourceGroup, ...]:
        """The streams that belong together."""
        return _read(source_group_of, self.values("ssrc-group"))

    @property
    def rids(self) -> tuple[Rid, ...]:
        """The encodings of the track."""
        return _read(rid_of, self.values("rid"))

    @property
    def simulcast(self) -> Simulcast | None:
        """The encodings that are sent side by side; None without simulcast."""
        return next(iter(_read(simulcast_of, self.values("simulcast"))), None)

    @property
    def rtcp_mux(self) -> bool:
        """Whether RTP and RTCP share a port (RFC 5761)."""
        return self.has("rtcp-mux") or self.has("rtcp-mux-only")

    @property
    def rtcp_rsize(self) -> bool:
        """Whether feedback may use short RTCP packets (RFC 5506)."""
        return self.has("rtcp-rsize")

    @property
    def sctp_port(self) -> int | None:
        """The port of SCTP inside DTLS; None if the section is not that of data channels."""
        return number_of((self.value("sctp-port") or "").strip())

    @property
    def max_message_size(self) -> int | None:
        """The largest message in bytes that the writer takes; 0: any size; None if there are no data channels."""
        if not self.is_data:
            return None
        value = self.value("max-message-size")
        return DEFAULT_MAX_MESSAGE_SIZE if value is None else number_of(value.strip())

    @property
    def short_kind(self) -> str:
        """The kind of media in one word: ``"data"`` for data channels, ``"other"`` for what no standard names."""
        return "data" if self.is_data else self.kind if self.kind in KINDS else "other"

    @property
    def title(self) -> str:
        """The kind of the section, and its mid."""
        return self.short_kind if self.mid is None else f"{self.short_kind} (mid {self.mid[:40]})"

    def _inherited(self, attribute: str) -> str | None:
        own = self.value(attribute)
        value = self.session.value(attribute) if own is None else own
        return None if value is None else value.strip()

    def _field(self, at: int) -> str:
        return self.fields[at] if len(self.fields) > at else ""

    def __repr__(self) -> str:
        parts = [self.title, *(["refused"] if self.is_refused else [self.direction] if self.is_rtp else [])]
        names = tuple(dict.fromkeys(str(codec) for codec in self.codecs))
        parts += [", ".join((*names[:3], "…") if len(names) > 3 else names)] if names else []
        parts += [f"{len(self.candidates)} candidates", f"{len(self.lines)} lines"]
        return f"<MediaSection: {'; '.join(parts)}>"


def sections_of(lines: tuple[Line, ...]) -> tuple[SessionSection, tuple[MediaSection, ...]]:
    """Return the session and its media sections."""
    starts = [at for at, line in enumerate(lines) if line.kind == "m="]
    session = SessionSection(lines[: starts[0]] if starts else lines)
    ends = [*starts[1:], len(lines)]
    spans = enumerate(zip(starts, ends, strict=False))
    return session, tuple(MediaSection(index, lines[start:end], session) for index, (start, end) in spans)


def _read(reader: Callable[[str], T | None], values: Iterable[str]) -> tuple[T, ...]:
    return tuple(found for found in map(reader, values) if found is not None)
