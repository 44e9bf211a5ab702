from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from rtc_widget.server.protocols.realtime.sentences import sentences


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
