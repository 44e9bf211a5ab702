from __future__ import annotations

import pytest

from rtc_widget.server.protocols.live.appended_text import commentary_request, instruction_request, speaks_of_backend


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        ('Say exactly: "Ready when you are."', "say", "Ready when you are."),
        ("Say exactly the following text: Ready when you are.", "say", "Ready when you are."),
        ("Read this aloud, word for word: “Ready.”", "say", "Ready."),
        ("Stop speaking now and listen.", "stop", ""),
        ("Greet the caller now in English, in one sentence, then listen.", "greet", ""),
        ("From now on speak slowly.", "none", ""),
    ],
)
def test_the_word_of_the_developer(content: str, kind: str, words: str) -> None:
    request = instruction_request(content)

    assert (request.kind, request.words) == (kind, words)


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        ("The die shows four.", "say", "The die shows four."),
        ('Say exactly this: "Four."', "say", "Four."),
        ("The user typed: What is ICE?", "respond", "What is ICE?"),
        ('The user typed "What is ICE?". Reply to it now.', "respond", "What is ICE?"),
        ("Reply now to what the user typed last.", "respond", ""),
        ("The user asked for the weather, and it rains.", "say", "The user asked for the weather, and it rains."),
    ],
)
def test_commentary(content: str, kind: str, words: str) -> None:
    request = commentary_request(content)

    assert (request.kind, request.words) == (kind, words)


def test_instructions_that_speak_of_a_backend() -> None:
    assert speaks_of_backend("Delegate all questions about orders.")
    assert speaks_of_backend("Facts come from the back-end.")
    assert not speaks_of_backend("You are a friendly tutor. Speak plainly.")
