"""The exercises about keys and addresses accept what is right, and name what is wrong."""

from __future__ import annotations

import base64
import re

import pytest

from rtc_widget.lessons import check


def has_key(notebook, key):
    words = re.findall(r"[A-Za-z0-9+/]{8,}=*", notebook)
    decoded = [base64.b64decode(word + "==").decode("latin-1") for word in words if len(word.rstrip("=")) % 4 != 1]
    return any(key in text for text in [notebook, *decoded])


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (lambda notebook, key: key in notebook, "Base64"),
        (lambda notebook, key: True, "nowhere"),
        (lambda notebook, key: False, "in the source of a cell"),
        (lambda notebook, key: key in notebook and "stream" in notebook and "Bearer" in notebook, "source"),
        (lambda notebook, key: None, "must return True or False"),
        (lambda notebook: True, "takes a function"),
        ("sk-", "takes a function"),
    ],
)
def test_a_search_for_keys(search, words):
    assert check("look for a key", has_key)
    assert not check("look for a key", search)
    assert words in check("look for a key", search).text


def test_an_expired_secret():
    assert check("an expired secret", 400, 401)
    assert "got 400" in check("an expired secret", 400, 400).text
    assert "refused already" in check("an expired secret", 401, 401).text


def test_addresses_in_offers():
    assert check("addresses in an offer", 2, 0)
    assert "each address once" in check("addresses in an offer", 8, 0).text
    assert "ends in .local" in check("addresses in an offer", 2, 2).text


DIRECT = {"signaling server", "STUN server", "peer"}
RELAYED = {"signaling server", "TURN server"}


@pytest.mark.parametrize(
    ("direct", "relayed", "words"),
    [
        (DIRECT - {"peer"}, RELAYED, "the peer sees yours"),
        (DIRECT - {"STUN server"}, RELAYED, "all that a STUN server does"),
        (DIRECT | {"TURN server"}, RELAYED, "has no TURN server"),
        (DIRECT, RELAYED | {"peer"}, "address of the relay"),
        (DIRECT, RELAYED | {"STUN server"}, "asks no STUN server"),
        (DIRECT, {"signaling server"}, "where to send your packets"),
        (DIRECT - {"signaling server"}, RELAYED, "direct: the offer travels by HTTP"),
        (DIRECT, RELAYED | {"everybody"}, "got 'everybody'"),
        ("peer", RELAYED, "name only these parties"),
    ],
)
def test_who_knows_the_address(direct, relayed, words):
    assert check("who knows the address", DIRECT, sorted(RELAYED))
    assert not check("who knows the address", direct, relayed)
    assert words in check("who knows the address", direct, relayed).text


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda packets, text: False, "inside a packet"),
        (lambda packets, text: bool(packets), "in no packet"),
        (lambda packets, text: any(text.encode() in packet for packet in packets[:2]), "behind others"),
        (lambda packets, text: None, "must return True or False"),
        (lambda packets, text: text in packets[0].decode(), "takes a function"),
    ],
)
def test_what_the_relay_reads(function, words):
    assert check("what the relay reads", lambda packets, text: text.encode() in b"".join(packets))
    assert not check("what the relay reads", function)
    assert words in check("what the relay reads", function).text
