"""Exercises of lesson 13, the same call to OpenAI."""

from __future__ import annotations

from rtc_widget.lessons.captured import captured
from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right


@exercise("through a firewall", expects="the transport and the port of a candidate")
def through_a_firewall(transport: str, port: int) -> CheckResult:
    """Judge which candidate of the OpenAI-shaped answer a strict firewall lets through."""
    candidates = captured("openai-shaped-answer-audio-data").media[0].candidates
    ways = {(candidate.transport.casefold(), candidate.port) for candidate in candidates}
    way = (transport.strip().casefold(), int(port))
    if way not in ways:
        return missing("take transport and port from a candidate of the OpenAI-shaped answer.")
    if way != ("tcp", 443):
        return missing("a strict firewall lets web pages through, and nothing else: which port has HTTPS?")
    return right("it looks like a web page. Without this candidate you would need a TURN server over TLS.")


@exercise("who sends the checks", expects='"client" or "server"')
def who_sends_checks(side: str) -> CheckResult:
    """Judge who starts connectivity checks with a server that writes a=ice-lite."""
    if side.strip().casefold() == "client":
        return right("a server with a public address only answers, so it needs no state for callers it never heard of.")
    if side.strip().casefold() == "server":
        return missing("read what the view says beside a=ice-lite.")
    return missing('choose "client" (your side) or "server".')


@exercise("where trickle would help", expects='"before the post", "during the post" or "after the answer"')
def where_trickle_helps(phase: str) -> CheckResult:
    """Judge in which phase of the call the offerer waits for candidates."""
    match phase.strip().casefold():
        case "before the post":
            return right("the offer waits until all candidates are gathered; with trickle it could leave at once.")
        case "during the post":
            return missing("the post takes one round trip and the server's time; no candidate shortens it.")
        case "after the answer":
            return missing("by then both sides have all candidates: checks begin at once.")
    return missing('choose "before the post", "during the post" or "after the answer".')
