from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from rtc_widget.server.responders.sentences import MAX_LENGTH, sentences


async def cut(*pieces: str) -> list[str]:
    async def written() -> AsyncGenerator[str, None]:
        for piece in pieces:
            yield piece

    return [sentence async for sentence in sentences(written())]


async def test_sentences_are_cut_where_they_end() -> None:
    assert await cut("One is here. Two is there! Is it?") == ["One is here. ", "Two is there! ", "Is it?"]


async def test_a_sentence_comes_as_soon_as_the_next_begins() -> None:
    assert await cut("On", "e is he", "re. T", "wo.") == ["One is here. ", "Two."]


async def test_a_long_first_sentence_begins_with_its_first_clause() -> None:
    text = "A jitter buffer holds packets for a while, puts them in order, and plays them at an even pace."

    assert await cut(text) == [
        "A jitter buffer holds packets for a while, ",
        "puts them in order, and plays them at an even pace.",
    ]


WORDS = " ".join(f"word{number}" for number in range(270))


@pytest.mark.parametrize("size", [1, 7, 300, 5_000])
async def test_a_long_text_without_punctuation_is_cut_between_words(size: int) -> None:
    parts = await cut(*(WORDS[at : at + size] for at in range(0, len(WORDS), size)))

    assert "".join(parts) == WORDS
    assert len(WORDS) > 1_900
    assert all(len(part) <= MAX_LENGTH for part in parts)
    assert all(len(part) > MAX_LENGTH - 20 for part in parts[:-1])
    assert all(part.endswith(" ") for part in parts[:-1])


async def test_a_long_sentence_is_cut_between_clauses() -> None:
    clause = "and this clause goes on for a while without an end"
    parts = await cut(", ".join([clause] * 12) + ".")

    assert all(part.endswith((", ", ".")) for part in parts)
    assert max(map(len, parts)) <= MAX_LENGTH


@pytest.mark.parametrize("text", ["字" * 2_000, "x" * 2_000, " " * 2_000, "a " + "b" * 999])
async def test_a_text_without_words_is_cut_too(text: str) -> None:
    parts = await cut(text)

    assert "".join(parts) == text
    assert max(map(len, parts)) <= MAX_LENGTH


async def test_a_megabyte_in_one_piece_is_cut_as_fast_as_it_is_long() -> None:
    text = "word " * 200_000

    assert "".join(await cut(text)) == text


@pytest.mark.parametrize("text", ["", "Version 1.5 is out.", "a\nb", "“Stop.” He went.", "It costs 3.50, e.g. here."])
async def test_together_they_are_the_text_again(text: str) -> None:
    assert "".join(await cut(text)) == text


async def test_whoever_thinks_is_stopped_when_nobody_listens_any_more() -> None:
    stopped = []

    async def thinking() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "More and more. "
        finally:
            stopped.append(True)

    listening = sentences(thinking())
    await anext(listening)
    await listening.aclose()

    assert stopped
