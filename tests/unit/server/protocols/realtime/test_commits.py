"""A turn that the client commits while the server detects turns."""

from __future__ import annotations

import numpy as np

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.engines import Engines
from tests.limits import eventually
from tests.unit.server.stage import SILENCE, SPEECH, LoudIsSpeech, Recognizer, Speaker, Stage

PAUSE = SILENCE[: len(SILENCE) // 4]


class Counter(Recognizer):
    """Recognizes each of its inputs as another sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths: list[int] = []

    def recognize(self, samples: Samples) -> str:
        self.lengths.append(len(samples))
        return f"Sentence {len(self.lengths)}."


async def test_the_words_of_a_committed_turn_are_not_those_of_the_next() -> None:
    recognizer = Counter()
    transcription = {"model": "whisper-1"}
    stage = Stage(engines=Engines(recognizer, Speaker(), LoudIsSpeech))
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"transcription": transcription}}})
    long = np.tile(SPEECH, 6 * INPUT_RATE // len(SPEECH) + 1)
    stage.engine.receive_audio(np.concatenate([long, PAUSE]))
    await eventually(lambda: recognizer.lengths)
    stage.send("input_audio_buffer.commit")
    await stage.until("conversation.item.input_audio_transcription.completed")
    heard = len(recognizer.lengths)

    stage.engine.receive_audio(np.concatenate([long, SILENCE]))
    said = await stage.until("conversation.item.input_audio_transcription.completed", 2)
    assert said["transcript"] in [f"Sentence {number}." for number in range(heard + 1, len(recognizer.lengths) + 1)]
    assert recognizer.lengths[-1] >= len(long), "nothing of the turn is passed over"
    await stage.engine.end()
