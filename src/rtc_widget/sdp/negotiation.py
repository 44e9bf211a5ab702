"""What an offer and its answer say together (RFC 3264, section 6; RFC 9429, section 5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rtc_widget.sdp.codecs import Codec
from rtc_widget.sdp.findings import Finding
from rtc_widget.sdp.parsed import ParsedDescription
from rtc_widget.sdp.sections import MediaSection

CodecMatches = tuple[tuple[Codec, Codec | None], ...]
# Codecs with different values of these cannot decode each other: parameter and its default.
_DISTINGUISHING: dict[str, tuple[tuple[str, str], ...]] = {
    "h264": (("packetization-mode", "0"), ("profile-level-id", "42000a")),
    "vp9": (("profile-id", "0"),),
    "av1": (("profile", "0"),),
    "h265": (("profile-id", "1"), ("tier-flag", "0")),
}
_STARTS = {"active": "answer", "passive": "offer"}


def codec_matches(offered: Sequence[Codec], answered: Sequence[Codec]) -> CodecMatches:
    """Return each offered codec with the answered one that is the same; None if there is none."""
    left: dict[object, list[Codec]] = {}
    for codec in answered:
        left.setdefault(_key(codec, answered), []).append(codec)
    pairs: list[tuple[Codec, Codec | None]] = []
    for codec in offered:
        same = left.get(_key(codec, offered))
        pairs.append((codec, same.pop(0) if same else None))
    return tuple(pairs)


def _key(codec: Codec, among: Sequence[Codec]) -> object:
    name = codec.name.casefold()
    if codec.repairs is not None:
        repaired = next((one for one in among if one.payload_type == codec.repairs and one.repairs is None), None)
        return name, codec.clock_rate, None if repaired is None else _key(repaired, ())
    variant = tuple(
        codec.parameters.get(parameter, default).casefold()[: 4 if parameter == "profile-level-id" else None]
        for parameter, default in _DISTINGUISHING.get(name, ())
    )
    return name or codec.payload_type, codec.clock_rate, codec.channels or 1, variant


def session_findings(offer: ParsedDescription, answer: ParsedDescription) -> Iterator[Finding]:
    """Yield what the two say about the whole session."""
    counts = f"{len(offer.media)}", f"{len(answer.media)}"
    if len(offer.media) != len(answer.media):
        text = "An answer must have as many media sections as its offer; port 0 refuses a section."
        yield Finding("media sections", "error", *counts, text)
    answered = {mid: mids for mids in reversed(answer.session.bundles) for mid in mids}
    refused = {section.mid for section in offer.media if section.is_refused}
    for mids in offer.session.bundles:
        accepted = next((answered[mid] for mid in mids if mid in answered), ())
        yield from _bundle(mids, accepted, refused)
    if not offer.session.bundles and answer.session.bundles:
        bundled = " ".join(answer.session.bundles[0])
        yield Finding("BUNDLE", "error", "", bundled, "The answer bundles sections, and the offer did not propose it.")
    yield _ice_role(offer, answer)
    yield from _trickle(offer, answer)
    if _fingerprints(offer) & _fingerprints(answer):
        text = "Both sides have the same certificate: this is probably the offer itself, or a copy."
        yield Finding("certificate", "error", "", "", text)


def _bundle(mids: tuple[str, ...], accepted: tuple[str, ...], refused: set[str | None]) -> Iterator[Finding]:
    words = " ".join(mids), " ".join(accepted)
    if not accepted:
        yield Finding("BUNDLE", "refused", *words, "Each section has a transport of its own.")
        return
    unknown = sorted(set(accepted) - set(mids))
    if unknown:
        text = f"The answer bundles what the offer did not: {', '.join(unknown)}."
        yield Finding("BUNDLE", "error", *words, text)
    yield Finding("BUNDLE", "negotiated", *words, f"The sections {', '.join(accepted)} share one transport.")
    left = sorted(set(mids) - set(accepted) - refused)
    if left:
        yield Finding("BUNDLE", "refused", *words, f"Not in the bundle: {', '.join(left)}.")


def _ice_role(offer: ParsedDescription, answer: ParsedDescription) -> Finding:
    offered, answered = ("ICE lite" if one.ice_lite else "full ICE" for one in (offer, answer))
    controlling = "answerer" if offer.ice_lite and not answer.ice_lite else "offerer"
    return Finding(
        "ICE role", "negotiated", offered, answered, f"The {controlling} is controlling and nominates the pair."
    )


def _trickle(offer: ParsedDescription, answer: ParsedDescription) -> Iterator[Finding]:
    offered, answered = _trickles(offer), _trickles(answer)
    if offered and answered:
        yield Finding("trickle ICE", "negotiated", "yes", "yes", "Both sides may send candidates one by one.")
    elif offered or answered:
        who = "answer" if offered else "offer"
        text = f"The writer of the {who} does not announce trickle ICE: its candidates are complete."
        yield Finding("trickle ICE", "changed", _yes(offered), _yes(answered), text)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _trickles(description: ParsedDescription) -> bool:
    return any("trickle" in section.ice_options for section in description.media) or "trickle" in (
        description.session.value("ice-options") or ""
    )


def _fingerprints(description: ParsedDescription) -> set[object]:
    return {fingerprint for section in description.media for fingerprint in section.fingerprints}


def section_findings(
    offer: MediaSection | None, answer: MediaSection | None, codecs: CodecMatches
) -> Iterator[Finding]:
    """Yield what the two say about a media section."""
    if offer is None or answer is None:
        sides = ("", "present") if offer is None else ("present", "")
        who = "offer" if offer is None else "answer"
        yield Finding("section", "error", *sides, f"The {who} does not have this section.")
        return
    if offer.kind != answer.kind:
        kinds = offer.short_kind, answer.short_kind
        yield Finding("section", "error", *kinds, "Both must have the same kind of media at the same position.")
        return
    if answer.is_refused or offer.is_refused:
        ports = f"port {offer.port}", f"port {answer.port}"
        if offer.is_refused:
            yield Finding("section", "refused", *ports, "The offer has stopped this section already.")
        else:
            yield Finding("section", "refused", *ports, "The answer refuses the section.")
        return
    if offer.mid != answer.mid:
        yield Finding("mid", "error", offer.mid or "", answer.mid or "", "The answer must repeat the mid of the offer.")
    yield Finding("section", "negotiated", offer.protocol, answer.protocol, "The answer accepts the section.")
    yield from _setup(offer, answer)
    if offer.is_rtp:
        yield _direction(offer, answer)
        yield from _codecs(answer, codecs)
        yield from _extensions(offer, answer)
        yield from _flags(offer, answer)
        yield from _simulcast(offer, answer)
    if offer.is_data:
        yield _message_size(offer, answer)


def _direction(offer: MediaSection, answer: MediaSection) -> Finding:
    words = offer.direction, answer.direction
    forth, back = offer.sends and answer.receives, answer.sends and offer.receives
    if (answer.sends and not offer.receives) or (answer.receives and not offer.sends):
        text = f"An answer to {offer.direction} must not be {answer.direction}."
        return Finding("direction", "error", *words, text)
    text = {
        (True, True): "Both sides send and receive.",
        (True, False): "Only the offerer sends.",
        (False, True): "Only the answerer sends.",
        (False, False): "Neither side sends.",
    }[forth, back]
    is_all = (forth, back) == (offer.sends, offer.receives)
    return Finding("direction", "negotiated" if is_all else "changed", *words, text)


def _codecs(answer: MediaSection, pairs: CodecMatches) -> Iterator[Finding]:
    kept = [(before, after) for before, after in pairs if after is not None]
    dropped = [before for before, after in pairs if after is None]
    matched = {after.payload_type for _, after in kept}
    added = [codec for codec in answer.codecs if codec.payload_type not in matched and codec.repairs is None]
    order = [(before, after) for after in answer.codecs for before, one in kept if one == after]
    if kept:
        first = order[0][1] if order else kept[0][1]
        names = _names(before for before, _ in kept), _names(after for _, after in order)
        yield Finding(
            "codecs",
            "negotiated",
            *names,
            f"{_count(len(kept), 'format is', 'formats are')} in both; {first} is first.",
        )
    else:
        yield Finding("codecs", "error", _names(dropped), _names(answer.codecs), "The two have no codec in common.")
    if dropped:
        yield Finding("codecs", "refused", _names(dropped), "", f"The answer does not accept {_names(dropped)}.")
    if added:
        text = "The answer names codecs that the offer does not have; they cannot be used."
        yield Finding("codecs", "changed", "", _names(added), text)
    if [before for before, _ in order] != [before for before, _ in kept]:
        names = _names(before for before, _ in kept), _names(before for before, _ in order)
        yield Finding("order of codecs", "changed", *names, "The answer prefers another order.")
    moved = [(before, after) for before, after in kept if before.payload_type != after.payload_type]
    if moved:
        offered = ", ".join(f"{before}: {before.payload_type}" for before, _ in moved)
        answered = ", ".join(f"{after}: {after.payload_type}" for _, after in moved)
        text = "The numbers differ: each side sends with those of the other."
        yield Finding("payload types", "changed", offered, answered, text)
    for before, after in kept:
        yield from _wishes(before, after)


def _wishes(before: Codec, after: Codec) -> Iterator[Finding]:
    if before.repairs is None and dict(before.parameters) != dict(after.parameters):
        text = "Each side states what it wants to receive; this is not an agreement."
        yield Finding(f"parameters of {before}", "changed", _fmtp(before), _fmtp(after), text)
    refused = [name for name in before.feedback if name not in after.feedback]
    if refused:
        words = ", ".join(before.feedback), ", ".join(after.feedback)
        yield Finding(f"feedback for {before}", "refused", *words, f"Not used: {', '.join(refused)}.")


def _extensions(offer: MediaSection, answer: MediaSection) -> Iterator[Finding]:
    offered = {extension.uri: extension for extension in offer.extensions}
    answered = {extension.uri: extension for extension in answer.extensions}
    kept = [uri for uri in offered if uri in answered]
    dropped = [uri for uri in offered if uri not in answered]
    added = [uri for uri in answered if uri not in offered]
    if kept:
        names = ", ".join(map(_short, kept))
        yield Finding(
            "header extensions",
            "negotiated",
            names,
            names,
            f"{_count(len(kept), 'header extension is', 'header extensions are')} used.",
        )
    if dropped:
        names = ", ".join(map(_short, dropped))
        yield Finding("header extensions", "refused", names, "", f"The answer does not accept {names}.")
    if added:
        names = ", ".join(map(_short, added))
        yield Finding("header extensions", "error", "", names, "An answer must not add header extensions.")


def _flags(offer: MediaSection, answer: MediaSection) -> Iterator[Finding]:
    for name, meaning, offered, answered in (
        ("rtcp-mux", "RTP and RTCP share a port.", offer.rtcp_mux, answer.rtcp_mux),
        ("rtcp-rsize", "Feedback may use short RTCP packets.", offer.rtcp_rsize, answer.rtcp_rsize),
    ):
        if offered and answered:
            yield Finding(name, "negotiated", "yes", "yes", meaning)
        elif offered:
            yield Finding(name, "refused", "yes", "no", f"The answer does not accept {name}.")
        elif answered:
            yield Finding(name, "error", "no", "yes", f"An answer must not add {name}.")


def _simulcast(offer: MediaSection, answer: MediaSection) -> Iterator[Finding]:
    if offer.simulcast is None or not offer.simulcast.send:
        return
    sent = "; ".join(offer.simulcast.send)
    if answer.simulcast is None:
        yield Finding("simulcast", "refused", sent, "", "One encoding is sent.")
    else:
        taken = "; ".join(answer.simulcast.receive)
        yield Finding("simulcast", "negotiated", sent, taken, f"{len(answer.simulcast.receive)} encodings are sent.")


def _setup(offer: MediaSection, answer: MediaSection) -> Iterator[Finding]:
    words = offer.setup or "", answer.setup or ""
    if not any(words):
        return
    starts = _STARTS.get(words[1])
    if starts is None:
        text = f"The setup of an answer must be active or passive, got {words[1][:20] or 'none'}."
        yield Finding("DTLS", "error", *words, text)
    elif words[0] == words[1]:
        yield Finding("DTLS", "error", *words, f"Both sides are {words[0]}: no handshake can begin.")
    else:
        yield Finding("DTLS", "negotiated", *words, f"The {starts}er starts the handshake, as DTLS client.")


def _message_size(offer: MediaSection, answer: MediaSection) -> Finding:
    offered, answered = (
        "any size" if one.max_message_size == 0 else f"{one.max_message_size}" for one in (offer, answer)
    )
    text = f"The offerer may send {_bytes(answered)} in a message, the answerer {_bytes(offered)}."
    return Finding("max-message-size", "negotiated" if offered == answered else "changed", offered, answered, text)


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _bytes(size: str) -> str:
    return f"{size} bytes" if size.isdecimal() else size


def _names(codecs: Iterable[Codec]) -> str:
    counted: dict[str, int] = {}
    for codec in codecs:
        counted[str(codec)] = counted.get(str(codec), 0) + 1
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in counted.items())


def _fmtp(codec: Codec) -> str:
    return "; ".join(f"{name}={value}" if value else name for name, value in codec.parameters.items())


def _short(uri: str) -> str:
    return uri.replace("#", "/").rstrip("/").rpartition("/")[2].rpartition(":")[2] or uri
