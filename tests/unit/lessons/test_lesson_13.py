"""The exercises about a call to OpenAI accept what is right, and name what is wrong."""

from __future__ import annotations

import pytest

from rtc_widget.lessons import check


@pytest.mark.parametrize(("way", "words"), [(("udp", 3478), "HTTPS"), (("tcp", 80), "take transport and port")])
def test_through_a_firewall(way, words):
    assert check("through a firewall", "TCP", 443)
    assert not check("through a firewall", *way)
    assert words in check("through a firewall", *way).text


def test_who_sends_the_checks():
    assert check("who sends the checks", "client")
    assert "a=ice-lite" in check("who sends the checks", "server").text
    assert "choose" in check("who sends the checks", "both").text


@pytest.mark.parametrize(
    ("phase", "words"), [("during the post", "round trip"), ("after the answer", "at once"), ("never", "choose")]
)
def test_where_trickle_would_help(phase, words):
    assert check("where trickle would help", "Before the post")
    assert not check("where trickle would help", phase)
    assert words in check("where trickle would help", phase).text
