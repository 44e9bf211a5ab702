"""What a later description changes in an earlier one of the same type: an offer after a renegotiation, for example."""

from __future__ import annotations

from collections.abc import Iterator

from rtc_widget.sdp.findings import Finding
from rtc_widget.sdp.negotiation import codec_matches
from rtc_widget.sdp.parsed import ParsedDescription
from rtc_widget.sdp.sections import MediaSection


def session_changes(before: ParsedDescription, after: ParsedDescription) -> Iterator[Finding]:
    """Yield what has changed in the session."""
    earlier, later = before.session.version, after.session.version
    if earlier != later:
        text = "The version in the o= line grows with each new description."
        yield Finding("version", "changed", _text(earlier), _text(later), text)
    if before.session.bundles != after.session.bundles:
        earlier_mids, later_mids = (
            " / ".join(" ".join(group) for group in one.session.bundles) for one in (before, after)
        )
        yield Finding("BUNDLE", "changed", earlier_mids, later_mids, "Other sections share the transport.")


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def section_changes(before: MediaSection | None, after: MediaSection | None) -> Iterator[Finding]:
    """Yield what has changed in a media section."""
    if before is None or after is None:
        if after is not None:
            yield Finding("section", "changed", "", after.title, "The section is new.")
        else:
            title = "" if before is None else before.title
            yield Finding("section", "error", title, "", "A section must not disappear; port 0 stops it.")
        return
    if before.is_refused != after.is_refused:
        words = "The section is stopped or refused." if after.is_refused else "The section is used again."
        yield Finding("section", "changed", f"port {before.port}", f"port {after.port}", words)
    if before.is_rtp and before.direction != after.direction:
        yield Finding("direction", "changed", before.direction, after.direction, "The direction is another one.")
    yield from _transport(before, after)
    yield from _codec_changes(before, after)
    gained = len(set(after.candidates) - set(before.candidates))
    if gained and not _restarts(before, after):
        counts = str(len(before.candidates)), str(len(after.candidates))
        yield Finding(
            "candidates", "changed", *counts, "1 candidate is new." if gained == 1 else f"{gained} candidates are new."
        )


def _transport(before: MediaSection, after: MediaSection) -> Iterator[Finding]:
    if _restarts(before, after):
        yield Finding("ICE", "changed", "", "", "New ICE credentials: this is an ICE restart.")
    if before.fingerprints and after.fingerprints and set(before.fingerprints) != set(after.fingerprints):
        text = "The certificate is another one: a new DTLS handshake is needed."
        yield Finding("certificate", "changed", "", "", text)
    if before.setup != after.setup:
        yield Finding("DTLS", "changed", before.setup or "", after.setup or "", "The setup role is another one.")


def _restarts(before: MediaSection, after: MediaSection) -> bool:
    known = before.ice_ufrag is not None and after.ice_ufrag is not None
    return known and (before.ice_ufrag, before.ice_pwd) != (after.ice_ufrag, after.ice_pwd)


def _codec_changes(before: MediaSection, after: MediaSection) -> Iterator[Finding]:
    removed = [codec for codec, same in codec_matches(before.codecs, after.codecs) if same is None]
    added = [codec for codec, same in codec_matches(after.codecs, before.codecs) if same is None]
    for codecs, words in ((removed, "removed"), (added, "added")):
        if codecs:
            names = ", ".join(map(str, codecs))
            sides = (names, "") if words == "removed" else ("", names)
            count = "1 codec was" if len(codecs) == 1 else f"{len(codecs)} codecs were"
            yield Finding("codecs", "changed", *sides, f"{count} {words}: {names}.")
