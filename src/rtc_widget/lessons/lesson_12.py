"""Exercises of lesson 12, keys and who sees what."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from rtc_widget.lessons.captured import captured
from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right
from rtc_widget.sdp.description import SessionDescription

PARTIES = ("signaling server", "peer", "STUN server", "TURN server")
"""The parties of a call, as the exercises name them."""

_KEY = "sk-lesson-0123456789abcdef"


def _notebook(source: str, output: str) -> str:
    cell = {"cell_type": "code", "source": [source], "outputs": [{"output_type": "stream", "text": [output]}]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@exercise("look for a key", expects="a function of a notebook's text and a key that returns True or False")
def look_for_key(has_key: Callable[[str, str], object]) -> CheckResult:
    """Judge a function that looks for a key in the text of a notebook file."""
    hidden = base64.b64encode(f"user:{_KEY}".encode()).decode()
    notebooks = (
        (True, _notebook(f"OpenAI(api_key={_KEY!r})", ""), "in the source of a cell"),
        (True, _notebook("print(headers)", f"Authorization: Bearer {_KEY}"), "in an output"),
        (False, _notebook("OpenAI()", "a call"), "nowhere"),
        (True, _notebook("print(headers)", f"Authorization: Basic {hidden}"), 'in an output, as Base64 of "user:key"'),
    )
    for expected, text, place in notebooks:
        found = has_key(text, _KEY)
        if not isinstance(found, bool):
            return missing(f"the function must return True or False, got {found!r}.")
        if found != expected:
            return missing(f"the key is {place}, and your function returned {found}.")
    return right("it finds the key in sources, in outputs and behind Base64, and accuses nobody else.")


@exercise("an expired secret", expects="the HTTP status with a fresh secret and with an expired one")
def expired_secret(fresh: int, expired: int) -> CheckResult:
    """Judge what a server says to a secret before and after it expires."""
    if fresh == 401:
        return missing("the first request was refused already: use the secret at once.")
    if expired != 401:
        return missing(f"the second request got {expired}; wait until the secret has expired, and use it again.")
    return right("after a few seconds the secret opens nothing, and a thief is too late.")


@exercise("addresses in an offer", expects="the number of IP addresses in each of the two offers")
def addresses_in_offers(open_offer: int, named_offer: int) -> CheckResult:
    """Judge how many addresses two captured offers give away."""
    if int(open_offer) != len(_addresses(captured("chromium-offer-audio-data"))):
        return missing("count each address once in the candidates of the offer with a microphone.")
    if int(named_offer) != len(_addresses(captured("chromium-offer-mdns"))):
        return missing(
            "a name that ends in .local is not an address: only machines in the same network can resolve it."
        )
    return right("without the permission for a microphone, a browser hides its addresses behind names.")


@exercise("who knows the address", expects="two sets: for a direct call and for a relayed one")
def who_knows_the_address(direct: Any, relayed: Any) -> CheckResult:
    """Judge who learns the address of a browser in a call with a STUN server, and in one with only a TURN server."""
    for name, given in (("direct", set(direct)), ("relayed", set(relayed))):
        if unknown := given - set(PARTIES):
            return missing(f"name only these parties: {', '.join(PARTIES)}; got {sorted(map(str, unknown))[0]!r}.")
        if "signaling server" not in given:
            return missing(f"{name}: the offer travels by HTTP, and HTTP has a sender's address, too.")
    if "STUN server" not in direct:
        return missing("direct: telling the address that it sees is all that a STUN server does.")
    if "peer" not in direct:
        return missing("direct: packets go from address to address, so the peer sees yours.")
    if "TURN server" in direct:
        return missing("direct: this call has no TURN server.")
    if "peer" in relayed:
        return missing("relayed: the peer sees the address of the relay, and nothing else.")
    if "STUN server" in relayed:
        return missing("relayed: with the policy relay, the browser asks no STUN server.")
    if "TURN server" not in relayed:
        return missing("relayed: the relay must know where to send your packets.")
    return right("a relay hides your address from the peer, and learns it itself.")


@exercise("what the relay reads", expects="a function of a list of packets and a text that returns True or False")
def what_the_relay_reads(can_read: Callable[[list[bytes], str], object]) -> CheckResult:
    """Judge a function that looks for a text in packets."""
    cases: tuple[tuple[bool, list[bytes], str], ...] = (
        (True, [b"\x17\xfe\xfd", b"\x00the oak\x00"], "the text is inside a packet"),
        (False, [b"\x17\xfe\xfd", b"\x8a\x01"], "the text is in no packet"),
        (True, [b"\x01", b"", "b\xe4ume".encode("latin-1"), "…the oak".encode()], "the text is behind others"),
        (False, [], "there is no packet"),
    )
    for expected, packets, reason in cases:
        found = can_read(packets, "the oak")
        if not isinstance(found, bool):
            return missing(f"the function must return True or False, got {found!r}.")
        if found != expected:
            return missing(f"{reason}, and your function returned {found}.")
    return right("it would find the secret, and in what the relay has carried there is none: DTLS encrypts end to end.")


def _addresses(description: SessionDescription) -> set[str]:
    candidates = (candidate for section in description.media for candidate in section.candidates)
    return {candidate.address for candidate in candidates if not candidate.is_mdns}
