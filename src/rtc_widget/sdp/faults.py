"""Faults of a session description that an endpoint may refuse, with line and reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rtc_widget.sdp.attribute_faults import attribute_faults
from rtc_widget.sdp.codecs import STATIC
from rtc_widget.sdp.lines import Line, number_of
from rtc_widget.sdp.parsed import ParsedDescription
from rtc_widget.sdp.private_parts import hidden, without_addresses
from rtc_widget.sdp.sections import DIRECTIONS, MAX_PAYLOAD_TYPE, MediaSection

LETTERS = "vosiuepcbtrzkam"
"""The letters that may begin a line (RFC 8866, section 9)."""
MAX_PORT = 65_535
_MAX_QUOTED = 60


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A fault of a session description.

    Attributes
    ----------
    line_number : int or None
        The line, from 1; None if the fault is in no single line.
    reason : str
        What must be, and what is there.
    """

    line_number: int | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.line_number is None else f"line {self.line_number}: {self.reason}"

    def __repr__(self) -> str:
        return f"<Fault: {self}>"


def faults_of(description: ParsedDescription, offer: ParsedDescription | None = None) -> tuple[Fault, ...]:
    """Return the faults of a description, and those against its offer, in the order of the lines."""
    if description.type == "rollback" and not description.sdp:
        return ()
    found = [
        *_form_faults(description.lines),
        *_session_faults(description),
        *_attribute_faults(description),
        *_mid_faults(description),
    ]
    # In a bundle, only the first section needs a transport.
    bundled = {mid for mids in description.session.bundles for mid in mids[1:]}
    for section in description.media:
        found += [*_media_line_faults(section), *_codec_faults(section), *_direction_faults(section)]
        if section.mid not in bundled:
            found += _transport_faults(section)
    if offer is not None:
        found += _offer_faults(description, offer)
    # What has the wrong value may be an address in the wrong place.
    shown = dict.fromkeys(Fault(fault.line_number, without_addresses(fault.reason)) for fault in found)
    # Faults of no single line come last.
    return tuple(sorted(shown, key=lambda fault: (fault.line_number is None, fault.line_number or 0)))


def _form_faults(lines: tuple[Line, ...]) -> Iterator[Fault]:
    if not lines:
        yield Fault(None, "the description must have lines, got an empty text")
        return
    for line in lines:
        if not line.text.strip():
            yield Fault(line.number, "a line must not be empty")
        elif not line.type:
            yield Fault(line.number, f'a line must be a letter, "=" and a value, got {_quoted(line)}')
        elif line.type not in LETTERS:
            yield Fault(line.number, f"the letter must be one of {' '.join(LETTERS)}, got {line.type!r}")
        if "\r" in line.text or "\0" in line.text:
            yield Fault(line.number, "a line must not have a carriage return or a NUL inside")
    first, last = lines[0], lines[-1]
    if first.text.startswith("\ufeff"):
        yield Fault(1, "the text must begin with v=0, got a byte order mark in front of it")
    elif first.text != "v=0":
        yield Fault(1, f"the first line must be v=0, got {_quoted(first)}")
    if not last.end:
        yield Fault(last.number, "the last line must have an end (CR LF)")


def _session_faults(description: ParsedDescription) -> Iterator[Fault]:
    session = description.session
    kinds = [line.kind for line in session.lines]
    for kind in ("o=", "s=", "t="):
        if kind not in kinds and description.lines:
            yield Fault(None, f"the session must have its {kind} line in front of the first m= line")
    for line in session.lines:
        fields = line.value.split()
        if line.kind == "o=" and (len(fields) != 6 or None in map(number_of, fields[1:3])):
            yield Fault(
                line.number,
                "o= must have six fields: user, session number, version, network type, address type, address; "
                f"got {_quoted(line)}",
            )
    for line in description.lines:
        if line.kind == "c=" and len(line.value.split()) != 3:
            yield Fault(line.number, f"c= must be IN, IP4 or IP6, and an address; got {_quoted(line)}")


def _attribute_faults(description: ParsedDescription) -> Iterator[Fault]:
    for line in description.lines:
        for reason in attribute_faults(line):
            yield Fault(line.number, reason)
        if line.attribute == "setup" and line.value.strip() == "actpass" and description.is_answer:
            yield Fault(line.number, "the setup of an answer must be active or passive, got actpass")


def _mid_faults(description: ParsedDescription) -> Iterator[Fault]:
    mids: dict[str, int] = {}
    for section in description.media:
        for line in section.lines:
            if line.attribute == "mid":
                mid = line.value.strip()
                if mid in mids:
                    yield Fault(line.number, f"a mid must be used once, got {mid[:45]!r} in line {mids[mid]}, too")
                mids.setdefault(mid, line.number)
    for line in description.session.lines:
        if line.attribute == "group" and line.value.startswith("BUNDLE"):
            for mid in line.value.split()[1:]:
                if mid not in mids:
                    yield Fault(line.number, f"BUNDLE must name the mid of a media section, got {mid[:45]!r}")


def _media_line_faults(section: MediaSection) -> Iterator[Fault]:
    line = section.lines[0]
    if len(section.fields) < 4:
        yield Fault(line.number, f"m= must have a kind, a port, a protocol and formats; got {_quoted(line)}")
    elif section.port is None or section.port > MAX_PORT:
        yield Fault(
            line.number, f"the port of m= must be a number from 0 to {MAX_PORT}, got {section.fields[1][:45]!r}"
        )
    if section.is_rtp:
        for entry in section.formats:
            number = number_of(entry)
            if number is None or number > MAX_PAYLOAD_TYPE:
                yield Fault(
                    line.number, f"a payload type must be a number from 0 to {MAX_PAYLOAD_TYPE}, got {entry[:45]!r}"
                )
        for entry, count in Counter(section.formats).items():
            if count > 1:
                yield Fault(line.number, f"a payload type must be listed once in m=, got {entry[:45]!r} again")


def _codec_faults(section: MediaSection) -> Iterator[Fault]:
    if not section.is_rtp:
        return
    formats = set(section.formats)
    mapped: dict[int, int] = {}
    for line in section.lines:
        if line.attribute not in ("rtpmap", "fmtp", "rtcp-fb"):
            continue
        first = line.value.partition(" ")[0]
        number = number_of(first)
        if number is None:
            if line.attribute != "rtcp-fb" or first != "*":
                yield Fault(line.number, f"{line.attribute} must begin with a payload type, got {_quoted(line)}")
            continue
        if first not in formats:
            yield Fault(line.number, f"{line.attribute} must be for a payload type of the m= line, got {number}")
        if line.attribute == "rtpmap":
            if number in mapped:
                yield Fault(line.number, f"a payload type must have one rtpmap line, got {number} again")
            mapped.setdefault(number, line.number)
    if section.is_refused:
        return
    for entry in dict.fromkeys(section.formats):
        number = number_of(entry)
        if number is not None and number not in mapped and number not in STATIC:
            yield Fault(section.lines[0].number, f"payload type {number} must have an rtpmap line")
    for line in section.lines:
        if line.attribute == "fmtp":
            for parameter in line.value.partition(" ")[2].split(";"):
                name, _, value = parameter.strip().partition("=")
                if name == "apt" and value not in formats:
                    yield Fault(line.number, f"apt must name a payload type of the m= line, got {value[:45]!r}")


def _direction_faults(section: MediaSection) -> Iterator[Fault]:
    directions = [line for line in section.lines if line.attribute in DIRECTIONS]
    for line in directions[1:]:
        first = directions[0]
        yield Fault(
            line.number,
            f"a media section must have one direction, got {line.attribute} after {first.attribute} "
            f"in line {first.number}",
        )


def _transport_faults(section: MediaSection) -> Iterator[Fault]:
    """Yield what DTLS or ICE need and the section lacks."""
    is_secure = {"TLS", "DTLS"} & set(section.protocol.upper().split("/"))
    if section.is_refused or not is_secure:
        return
    line = section.lines[0].number
    needed = {
        "a=ice-ufrag": section.ice_ufrag,
        "a=ice-pwd": section.ice_pwd,
        "a=fingerprint": section.fingerprints or section.value("fingerprint"),
        "a=setup": section.setup,
    }
    for name, value in needed.items():
        if not value:
            yield Fault(line, f"the section must have an {name} line, or the session must")


def _offer_faults(answer: ParsedDescription, offer: ParsedDescription) -> Iterator[Fault]:
    if len(answer.media) != len(offer.media):
        yield Fault(
            answer.media[-1].lines[0].number if answer.media else None,
            f"an answer must have as many media sections as its offer, {len(offer.media)}, got {len(answer.media)}; "
            "port 0 refuses a section",
        )
    for offered, answered in zip(offer.media, answer.media, strict=False):
        line = answered.lines[0].number
        if answered.kind != offered.kind:
            yield Fault(
                line,
                f"media section {answered.index} must be {offered.short_kind} as in the offer, "
                f"got {answered.short_kind}",
            )
        elif offered.mid is not None and answered.mid != offered.mid and not answered.is_refused:
            got = "no mid" if answered.mid is None else repr(answered.mid[:_MAX_QUOTED])
            yield Fault(line, f"the mid must be {offered.mid[:45]!r} as in the offer, got {got}")


def _quoted(line: Line) -> str:
    text = hidden(line)
    return repr(text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + "…")
