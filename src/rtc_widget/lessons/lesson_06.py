"""Exercises of lesson 6, the anatomy of an offer."""

from __future__ import annotations

from typing import Any

from rtc_widget.lessons.captured import captured
from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right
from rtc_widget.sdp.description import SessionDescription

SHORT_LINES = 12
"""A short answer has at most so many lines; ten are enough."""
MIN_LINES = 10


def broken_offer() -> SessionDescription:
    """Return an offer with three faults."""
    sdp = captured("chromium-offer-data-only").sdp
    for sound, broken in (("t=0 0\r\n", "t 0 0\r\n"), ("m=application 48274", "m=application four"), (":93:02", ":93")):
        sdp = sdp.replace(sound, broken)
    return SessionDescription(sdp, type="offer")


@exercise("who starts DTLS", expects='"offerer" or "answerer"')
def dtls_client(side: str) -> CheckResult:
    """Judge who sends the first DTLS packet of the captured offer and answer."""
    if side.strip().casefold() == "answerer":
        return right("the answer says a=setup:active, so the one who answers sends the first DTLS packet.")
    if side.strip().casefold() == "offerer":
        return missing("the offer leaves the choice (a=setup:actpass); read what the answer chooses.")
    return missing("one side starts DTLS; look for the a=setup line of the answer.")


@exercise("an offer without PCMU", expects="an offer, as text or as a SessionDescription")
def without_pcmu(offer: Any) -> CheckResult:
    """Judge an offer from which the codec PCMU was removed."""
    original = captured("chromium-offer-audio-data")
    offer = SessionDescription(offer, type="offer")
    if not offer.media or offer.media[0].kind != "audio":
        return missing("the offer must begin with the section m=audio, as before.")
    audio = offer.media[0]
    if "0" in audio.formats:
        return missing("the m=audio line still lists the payload type 0, which is PCMU.")
    if any(value.startswith("0 ") for value in audio.values("rtpmap")):
        return missing("the line a=rtpmap:0 still describes the payload type that the m= line no longer has.")
    if faults := offer.check():
        return missing(f"the text must stay a valid offer: {faults[0]}.")
    kept = [line.text for line in original.lines if line.text != "a=rtpmap:0 PCMU/8000" and line.kind != "m="]
    if kept != [line.text for line in offer.lines if line.kind != "m="]:
        return missing("remove only what belongs to PCMU; every other line must stay as it is.")
    if audio.fields != tuple(field for field in original.media[0].fields if field != "0"):
        return missing("the m=audio line must keep its other payload types, in their order.")
    return right("a codec is a number in the m= line and the lines that explain this number.")


@exercise("the shortest answer", expects="an answer, as text or as a SessionDescription")
def shortest_answer(answer: Any) -> CheckResult:
    """Judge an answer to the captured offer of a data channel."""
    offer = captured("chromium-offer-data-only")
    answer = SessionDescription(answer, type="answer")
    if faults := answer.check(offer):
        return missing(f"{faults[0]}.")
    if answer.media[0].is_refused:
        return missing("port 0 refuses the section; write the port 9 or another one.")
    if len(answer.lines) > SHORT_LINES:
        return missing(f"it is a sound answer of {len(answer.lines)} lines; {SHORT_LINES} are enough.")
    if len(answer.lines) > MIN_LINES:
        return right(f"{len(answer.lines)} lines are accepted; browsers need only {MIN_LINES}.")
    return right(
        f"{len(answer.lines)} lines: who, ICE credentials, a certificate, who starts DTLS, one section. "
        "Browsers accept it; the RFCs also demand c= and a=sctp-port."
    )


@exercise("the broken lines", expects="a list of line numbers")
def broken_lines(numbers: Any) -> CheckResult:
    """Judge the numbers of the lines of `broken_offer` that have faults."""
    expected = {fault.line_number for fault in broken_offer().check() if fault.line_number is not None}
    given = {int(number) for number in ([numbers] if isinstance(numbers, int) else numbers)}
    if wrong := sorted(given - expected):
        return missing(f"line {wrong[0]} has no fault; lines count from 1.")
    if left := expected - given:
        return missing(f"{len(left)} more line{'' if len(left) == 1 else 's'} with a fault must be named.")
    return right("an endpoint stops at the first of them; check() finds all before anything is sent.")


@exercise("a changed fingerprint", expects="two states: that of ICE and that of DTLS")
def changed_fingerprint(ice: str, dtls: str) -> CheckResult:
    """Judge the states of a call in whose offer a digit of the fingerprint was changed."""
    if ice not in ("connected", "completed"):
        return missing("ICE knows nothing of certificates; it only looks for a way, and there is one.")
    if dtls != "failed":
        return missing("DTLS compares the certificate with the fingerprint, and they differ.")
    return right("the way is found, and then nobody trusts the other: signaling carries the trust.")
