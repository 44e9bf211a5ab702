"""Responses that are prepared at a pause: the first part is synthesized before the turn has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from rtc_widget.server.speech.engines import Engines
from tests.limits import HANGS
from tests.unit.server.stage import SILENCE, SPEECH, LoudIsSpeech, Recognizer, Responder, Speaker, Stage

PAUSE = SILENCE[: len(SILENCE) // 4]


class Previewer(Responder):
    """A responder that can tell what it would say."""

    def __init__(self) -> None:
        super().__init__()
        self.would_say = "Opus is a codec. It is good."
        self.previewed: list[str] = []

    def preview(self, text: str) -> str:
        self.previewed.append(text)
        return self.would_say


def previewing(speaker: Speaker | None = None, **session: object) -> tuple[Stage, Previewer]:
    stage, responder = Stage(engines=Engines(Recognizer(), speaker or Speaker(), LoudIsSpeech), **session), Previewer()
    # The context of all responses of the session is frozen.
    object.__setattr__(stage.engine._context, "responder", responder)
    stage.responder = responder
    return stage, responder


async def becomes(true: Callable[[], object]) -> None:
    async with asyncio.timeout(HANGS):
        while not true():
            await asyncio.sleep(0.005)


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


async def test_the_first_part_is_synthesized_at_the_pause_and_only_once(speaker: Speaker) -> None:
    stage, responder = previewing(speaker)
    stage.engine.receive_audio(np.concatenate([SPEECH, PAUSE]))
    await becomes(lambda: speaker.texts)
    assert speaker.texts == ["Opus is a codec. "]
    assert responder.asked == [], "the response itself has not begun"
    assert "response.created" not in stage.types()

    stage.engine.receive_audio(SILENCE)
    done = (await stage.until("response.done"))["response"]
    assert done["output"][0]["content"][0]["transcript"] == "Opus is a codec. It is good."
    assert speaker.texts == ["Opus is a codec. ", "It is good."]
    await stage.engine.end()


async def test_another_response_than_the_previewed_one_is_said_as_it_is(speaker: Speaker) -> None:
    stage, responder = previewing(speaker)
    responder.would_say = "Something else."
    stage.engine.receive_audio(np.concatenate([SPEECH, PAUSE]))
    await becomes(lambda: speaker.texts)
    stage.engine.receive_audio(SILENCE)
    done = (await stage.until("response.done"))["response"]
    assert done["output"][0]["content"][0]["transcript"] == "Opus is a codec. It is good."
    assert speaker.texts == ["Something else.", "Opus is a codec. ", "It is good."]
    await stage.engine.end()


async def test_a_preview_whose_synthesis_fails_is_synthesized_again() -> None:
    class Hoarse(Speaker):
        def speak(self, text: str, **how: object) -> object:
            if self.texts:
                return super().speak(text, **how)
            self.texts.append("failed")
            raise RuntimeError("no voice")

    speaker = Hoarse()
    stage, _ = previewing(speaker)
    stage.engine.receive_audio(np.concatenate([SPEECH, PAUSE]))
    await becomes(lambda: speaker.texts)
    stage.engine.receive_audio(SILENCE)
    assert (await stage.until("response.done"))["response"]["status"] == "completed"
    assert speaker.texts == ["failed", "Opus is a codec. ", "It is good."]
    await stage.engine.end()


async def test_a_user_who_goes_on_after_the_pause_gets_one_response_to_all_words(speaker: Speaker) -> None:
    stage, responder = previewing(speaker)
    for _ in range(2):
        stage.engine.receive_audio(np.concatenate([SPEECH, PAUSE]))
        await asyncio.sleep(0.05)
    stage.engine.receive_audio(SILENCE)
    await stage.until("response.done")
    assert len(responder.asked) == 1
    assert stage.types().count("response.created") == 1
    assert set(responder.previewed) == {"What is Opus?"}
    await stage.engine.end()


@pytest.mark.parametrize(
    "session",
    [
        {"output_modalities": ["text"]},
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}},
    ],
)
async def test_nothing_is_synthesized_that_will_not_be_said(speaker: Speaker, session: dict[str, object]) -> None:
    stage, _ = previewing(speaker, **session)
    stage.engine.receive_audio(np.concatenate([SPEECH, PAUSE]))
    stage.engine.receive_audio(SILENCE)
    await stage.until("conversation.item.input_audio_transcription.completed")
    if "output_modalities" in session:
        await stage.until("response.done")
    assert speaker.texts == []
    await stage.engine.end()


async def test_a_responder_that_may_have_effects_is_not_asked_before_the_end_of_the_turn(stage: Stage) -> None:
    stage.engine.receive_audio(np.concatenate([SPEECH, PAUSE]))
    await stage.recognizes(1)
    assert (stage.responder.asked, stage.speaker.texts) == ([], [])
    stage.engine.receive_audio(SILENCE)
    await stage.until("response.done")
    assert len(stage.responder.asked) == 1
