"""Checks of an SDP offer before aiortc gets it: what it needs for a call, and limits on its size.

aiortc creates transports for every media section and a check for every candidate. With an incomplete offer it fails
half-way, in a state that it cannot close. So only an offer with the necessary lines reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rtc_widget.server.errors import ApiError

MAX_BYTES = 100_000
MAX_LINES = 2_000
"""Limit on the lines of an offer. A browser with audio, video and a data channel sends about 300."""

MAX_SECTIONS = 8
"""Limit on the media sections. Each may open sockets on all addresses of the machine."""

MAX_CANDIDATES = 200
"""Limit on the ICE candidates. Each is checked with each address of the machine; browsers send about 10 per section."""


@dataclass(slots=True)
class _Section:
    """One media section (RFC 8866, section 5.14)."""

    kind: str
    mid: str | None = None


@dataclass(slots=True)
class _Outline:
    """The parts of an offer that the checks need."""

    sections: list[_Section] = field(default_factory=list)
    bundled: list[str] = field(default_factory=list)
    candidates: int = 0


def validate_offer(sdp: str) -> None:
    """Check that `sdp` is small enough and has the sections of a call.

    Raises
    ------
    ApiError
        When a limit is exceeded, a section has no ``a=mid`` line (RFC 9143), or audio or the data channel is missing.
    """
    size = len(sdp.encode(errors="replace"))
    if size > MAX_BYTES:
        raise _invalid(f"must not exceed {MAX_BYTES:,} bytes, got {size:,}")
    lines = sdp.splitlines()
    if len(lines) > MAX_LINES:
        raise _invalid(f"must have at most {MAX_LINES:,} lines, got {len(lines):,}")
    outline = _outline(lines)
    if len(outline.sections) > MAX_SECTIONS:
        raise _invalid(f"must have at most {MAX_SECTIONS} media sections, got {len(outline.sections):,}")
    if outline.candidates > MAX_CANDIDATES:
        raise _invalid(f"must have at most {MAX_CANDIDATES} ICE candidates, got {outline.candidates:,}")
    _validate_sections(outline)


def _validate_sections(outline: _Outline) -> None:
    kinds = [section.kind for section in outline.sections]
    mids = [section.mid for section in outline.sections]
    if "audio" not in kinds:
        message = "The SDP offer has no audio. Add a microphone track or an audio transceiver before the offer."
        raise ApiError(message, "invalid_offer", param="sdp")
    if "application" not in kinds:
        message = "The SDP offer has no data channel. Create one before the offer; it carries the events."
        raise ApiError(message, "invalid_offer", param="sdp")
    if not all(mids) or len(set(mids)) < len(mids):
        raise _invalid("must have an 'a=mid' line in each media section, each with another value")
    unknown = next((mid for mid in outline.bundled if mid not in mids), None)
    if unknown is not None:
        raise _invalid(f"must have a media section for each entry of 'a=group:BUNDLE', got none for {unknown[:80]!r}")


def _outline(lines: list[str]) -> _Outline:
    outline = _Outline()
    for line in lines:
        if line.startswith("m="):
            outline.sections.append(_Section(line[2:].partition(" ")[0]))
        elif line.startswith("a=candidate:"):
            outline.candidates += 1
        elif line.startswith("a=mid:") and outline.sections:
            outline.sections[-1].mid = line.removeprefix("a=mid:").strip()
        elif line.startswith("a=group:BUNDLE") and not outline.sections:
            outline.bundled += line.split()[1:]
    return outline


def _invalid(reason: str) -> ApiError:
    return ApiError(f"Invalid SDP offer: it {reason}.", "invalid_offer", param="sdp")
