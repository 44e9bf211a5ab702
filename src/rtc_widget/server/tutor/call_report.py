"""Questions about the running call, answered from its own numbers."""

from __future__ import annotations

import re

from rtc_widget._aiortc.stats import CallStatistics

_THIS_CALL = re.compile(
    r"\b(this|our|my|your|the|current|running) (\w+ )?(call|connection|session|line)\b|\b(are|do|did|have|is) we\b|"
    r"\bwe (are|have|use|using|lost|lose)\b|\bright now\b|\bcurrently\b|\bat the moment\b|\bin use\b|\bhow many\b|"
    r"\bhow (high|large|long|fast|much)\b|"
    r"\b(our|my) (\w+ ){0,2}(codec|candidates?|latency|jitter|ping|packets?|round|stats)\b"
)
_CODEC = re.compile(r"\bcodecs?\b")
_CANDIDATE = re.compile(r"\bcandidates?\b")
_ROUND_TRIP = re.compile(r"\b(round trip|rtt|latency|ping|delay)\b")
_LOSS = re.compile(r"\b(packets?|loss|lost|losing)\b")
_JITTER = re.compile(r"\bjitter\b(?! buffer)")
_DURATION = re.compile(r"\bhow long\b.*\b(call|talk|speak|connected|session)\w*\b|\bduration\b")
_ALL = re.compile(r"\b(statistics|stats|quality|how is (the|this|our|my) (call|connection|line))\b")


def is_about_the_call(said: str) -> bool:
    """Return whether `said` (plain) asks about the running call, and not what a word means.

    Examples
    --------
    >>> is_about_the_call("which codec are we using"), is_about_the_call("what is a codec")
    (True, False)
    """
    topics = (_CODEC, _CANDIDATE, _ROUND_TRIP, _LOSS, _JITTER, _DURATION)
    is_topic = any(topic.search(said) for topic in topics)
    return bool(_DURATION.search(said) or _ALL.search(said) or (is_topic and _THIS_CALL.search(said)))


def report(said: str, known: CallStatistics) -> str:
    """Return what is known about what `said` asks for."""
    if known.transport != "WebRTC":
        return f"This session runs over a {known.transport}: there are no packets that I could count."
    wanted = {
        _CODEC: _codec,
        _CANDIDATE: _candidates,
        _ROUND_TRIP: _round_trip,
        _LOSS: _loss,
        _JITTER: _jitter,
        _DURATION: _duration,
    }
    asked = [tell for topic, tell in wanted.items() if topic.search(said)]
    return " ".join(tell(known) for tell in asked or wanted.values())


def _codec(known: CallStatistics) -> str:
    if known.codec is None or known.clock_rate is None:
        return "I do not know the codec of this call."
    name = known.codec.capitalize() if known.codec.islower() else known.codec
    return f"This call uses {name}, with a clock of {known.clock_rate // 1000} kilohertz."


def _candidates(known: CallStatistics) -> str:
    if known.local_candidate is None or known.remote_candidate is None:
        return "No candidate pair has been chosen yet."
    kinds = {"host": "a host candidate", "relay": "a relayed candidate"}
    mine, yours = (
        kinds.get(kind, f"a {_SPELLED.get(kind, kind)} candidate")
        for kind in (known.local_candidate, known.remote_candidate)
    )
    return f"On my side it is {mine}, on your side {yours}, over {(known.protocol or 'udp').upper()}."


_SPELLED = {"srflx": "server reflexive", "prflx": "peer reflexive"}


def _round_trip(known: CallStatistics) -> str:
    if known.round_trip_ms is None:
        return "I have not got a report with the round-trip time yet; ask me again in a few seconds."
    return f"The round-trip time is {_number(known.round_trip_ms)} milliseconds."


def _loss(known: CallStatistics) -> str:
    if known.packets_received is None or known.packets_lost is None:
        return "I have not received any packets of sound from you."
    sent = known.packets_received + known.packets_lost
    return f"Of {sent} packets of your voice, {known.packets_lost or 'none'} got lost."


def _jitter(known: CallStatistics) -> str:
    if known.jitter_ms is None:
        return "I cannot tell the jitter yet."
    return f"The jitter of your voice is {_number(known.jitter_ms)} milliseconds."


def _duration(known: CallStatistics) -> str:
    minutes, seconds = divmod(round(known.seconds), 60)
    spoken = f"{seconds} second{'' if seconds == 1 else 's'}"
    if minutes:
        spoken = f"{minutes} minute{'' if minutes == 1 else 's'} and {spoken}"
    return f"This call has lasted {spoken}."


def _number(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"
