"""A long response is spoken part by part: it can be interrupted, and it holds up no other call."""

from __future__ import annotations

import asyncio
import threading

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.server.responders.sentences import MAX_LENGTH
from rtc_widget.server.speech.engines import Engines
from tests.limits import HANGS, eventually
from tests.unit.server.stage import LoudIsSpeech, Recognizer, Speaker, Stage

LONG = " ".join(f"word{number}" for number in range(270))


class SlowSpeaker(Speaker):
    """Speaks each text only when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.may_speak = threading.Semaphore(0)

    def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        spoken = super().speak(text, voice=voice, speed=speed)
        assert self.may_speak.acquire(timeout=HANGS)
        return spoken


async def test_a_response_of_two_thousand_characters_is_spoken_part_by_part(stage: Stage) -> None:
    stage.responder.says = [LONG]
    stage.ask("Tell me everything.")
    done = await stage.until("response.done")

    assert done["response"]["output"][0]["content"][0]["transcript"] == LONG
    assert "".join(stage.speaker.texts) == LONG
    assert len(stage.speaker.texts) >= 10
    assert stage.types().count("response.output_audio_transcript.delta") == len(stage.speaker.texts)


async def test_a_long_sentence_of_one_call_does_not_hold_up_another() -> None:
    speaker = SlowSpeaker()
    engines = Engines(Recognizer(), speaker, LoudIsSpeech)
    first, second = Stage(engines=engines), Stage(engines=engines)
    first.responder.says, second.responder.says = [LONG], ["Yes."]
    first.ask("Tell me everything.")
    await eventually(lambda: speaker.texts)
    second.ask("Is it?")
    await eventually(engines._speaking._work_queue.qsize)

    for _ in range(2):
        speaker.may_speak.release()
    await second.until("response.done")

    assert len(speaker.texts[0]) <= MAX_LENGTH
    assert speaker.texts[1] == "Yes."
    assert "response.done" not in first.types()
    speaker.may_speak.release(100)
    await asyncio.gather(first.engine.end(), second.engine.end())


async def test_the_rest_of_an_interrupted_sentence_is_never_spoken() -> None:
    speaker = SlowSpeaker()
    stage = Stage(engines=Engines(Recognizer(), speaker, LoudIsSpeech))
    stage.responder.says = [LONG]
    stage.ask("Tell me everything.")
    await eventually(lambda: speaker.texts)

    stage.send("response.cancel")
    done = await stage.until("response.done")  # though the speaker is still at its first part
    stage.responder.says = ["Yes."]
    stage.ask("Is it?")
    speaker.may_speak.release(100)
    await stage.until("response.done", 2)

    assert done["response"]["status"] == "cancelled"
    assert [text == "Yes." for text in speaker.texts] == [False, True]
    assert len(speaker.texts[0]) <= MAX_LENGTH
    await stage.engine.end()
