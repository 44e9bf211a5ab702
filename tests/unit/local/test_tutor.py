from __future__ import annotations

import pytest

from rtc_widget.local.glossary import terms
from rtc_widget.local.tutor import GOODBYE, GREETING, HOW_ARE_YOU, THANKS, WHO, Tutor


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Hello!", GREETING),
        ("Good morning.", GREETING),
        ("", GREETING),
        ("Hello, who are you?", WHO),
        ("What's your name?", WHO),
        ("How are you?", HOW_ARE_YOU),
        ("Thank you very much.", THANKS),
        ("Goodbye.", GOODBYE),
    ],
)
def test_small_talk(said: str, reply: str) -> None:
    assert Tutor().reply(said) == reply


def test_a_question_is_answered_even_when_it_begins_with_a_greeting() -> None:
    assert Tutor().reply("Hi, what is Opus?").startswith("Opus is the sound codec")


def test_what_it_cannot_explain_it_repeats_and_names_other_things() -> None:
    tutor = Tutor()

    reply = tutor.reply("What is the capital of France?")

    assert reply.startswith("I heard: What is the capital of France. ")
    assert reply.endswith("I can explain ICE, a jitter buffer, and SDP.")
    assert tutor.reply("And of Spain?").endswith("a data channel, DTLS, and Opus.")


def test_what_it_offers_to_explain_it_can_explain() -> None:
    tutor = Tutor()
    for _ in range(3):
        offered = tutor.reply("Help!").split("for example ")[1].split(". Ask")[0]
        for name in offered.replace(", and ", ", ").split(", "):
            assert tutor.reply(f"What is {name}?") in {term.says for term in terms()}
