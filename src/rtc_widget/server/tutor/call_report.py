"""Answers questions about the running call from its statistics."""

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


def is_about_the_call(question: str) -> bool:
    """Return whether `question` (in plain form) asks about the running call, and not for the meaning of a word.

    Examples
    --------
    >>> is_about_the_call("which codec are we using"), is_about_the_call("what is a codec")
    (True, False)
    """
    topics = (_CODEC, _CANDIDATE, _ROUND_TRIP, _LOSS, _JITTER, _DURATION)
    is_topic = any(topic.search(question) for topic in topics)
    return bool(_DURATION.search(question) or _ALL.search(question) or (is_topic and _THIS_CALL.search(question)))


def report(question: str, statistics: CallStatistics) -> str:
    """Return the statistics that `question` asks for, as spoken text."""
    if statistics.transport != "WebRTC":
        return f"This session runs over a {statistics.transport}: there are no packets that I could count."
    wanted = {
        _CODEC: _codec,
        _CANDIDATE: _candidates,
        _ROUND_TRIP: _round_trip,
        _LOSS: _loss,
        _JITTER: _jitter,
        _DURATION: _duration,
    }
    asked = [describe for topic, describe in wanted.items() if topic.search(question)]
    return " ".join(describe(statistics) for describe in asked or wanted.values())


def _codec(statistics: CallStatistics) -> str:
    if statistics.codec is None or statistics.clock_rate is None:
        return "I do not know the codec of this call."
    name = statistics.codec.capitalize() if statistics.codec.islower() else statistics.codec
    return f"This call uses {name}, with a clock of {statistics.clock_rate // 1000} kilohertz."


def _candidates(statistics: CallStatistics) -> str:
    if statistics.local_candidate is None or statistics.remote_candidate is None:
        return "No candidate pair has been chosen yet."
    kinds = {"host": "a host candidate", "relay": "a relayed candidate"}
    mine, yours = (
        kinds.get(kind, f"a {_SPELLED.get(kind, kind)} candidate")
        for kind in (statistics.local_candidate, statistics.remote_candidate)
    )
    return f"On my side it is {mine}, on your side {yours}, over {(statistics.protocol or 'udp').upper()}."


_SPELLED = {"srflx": "server reflexive", "prflx": "peer reflexive"}


def _round_trip(statistics: CallStatistics) -> str:
    if statistics.round_trip_ms is None:
        return "I have not got a report with the round-trip time yet; ask me again in a few seconds."
    return f"The round-trip time is {_number(statistics.round_trip_ms)} milliseconds."


def _loss(statistics: CallStatistics) -> str:
    if statistics.packets_received is None or statistics.packets_lost is None:
        return "I have not received any packets of sound from you."
    sent = statistics.packets_received + statistics.packets_lost
    return f"Of {sent} packets of your voice, {statistics.packets_lost or 'none'} got lost."


def _jitter(statistics: CallStatistics) -> str:
    if statistics.jitter_ms is None:
        return "I cannot tell the jitter yet."
    return f"The jitter of your voice is {_number(statistics.jitter_ms)} milliseconds."


def _duration(statistics: CallStatistics) -> str:
    minutes, seconds = divmod(round(statistics.seconds), 60)
    spoken = f"{seconds} second{'' if seconds == 1 else 's'}"
    if minutes:
        spoken = f"{minutes} minute{'' if minutes == 1 else 's'} and {spoken}"
    return f"This call has lasted {spoken}."


def _number(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"
