from __future__ import annotations

import numpy as np
import pytest

from rtc_widget._aiortc.audio import MonoAudio, Samples, resampled, samples_of
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.turn_detection import (
    TurnDetector,
    TurnPaused,
    TurnSettings,
    TurnStarted,
    TurnStopped,
)
from rtc_widget.server.speech.vad import silero
from tests.speech import WAV_RATE, recognize, spoken, word_error_rate

FRAME = 160


class LoudIsSpeech:
    """A detector that takes every loud frame of 10 ms for speech."""

    frame_length = FRAME

    def probability(self, frame: Samples) -> float:
        return float(np.abs(frame).max())

    def reset(self) -> None:
        """It has no state."""


def sound(*parts: tuple[float, int]) -> Samples:
    """Return sound of the given levels, each for so many milliseconds."""
    return np.concatenate([np.full(ms * INPUT_RATE // 1000, level, np.float32) for level, ms in parts])


def turns(samples: Samples, **settings: float) -> list[TurnStarted | TurnStopped]:
    detector = TurnDetector(LoudIsSpeech(), TurnSettings(**settings))  # type: ignore[arg-type]
    return [event for event in detector.receive_audio(samples) if not isinstance(event, TurnPaused)]


def test_speech_begins_with_its_padding_and_ends_after_the_silence() -> None:
    started, stopped = turns(sound((0, 1000), (0.9, 800), (0, 700)))

    assert isinstance(started, TurnStarted)
    assert isinstance(stopped, TurnStopped)
    assert 1000 - 300 - 170 <= started.start_ms <= 1000 - 300
    assert stopped.end_ms == 1000 + 800 + 500


def test_a_turn_holds_its_padding_its_speech_and_a_little_silence() -> None:
    _, stopped = turns(sound((0, 1000), (0.9, 800), (0, 700)))

    assert isinstance(stopped, TurnStopped)
    loud = np.flatnonzero(stopped.samples)
    assert len(loud) == 800 * INPUT_RATE // 1000
    assert loud[0] >= 300 * INPUT_RATE // 1000
    assert len(stopped.samples) - loud[-1] == pytest.approx(200 * INPUT_RATE // 1000, abs=FRAME)


@pytest.mark.parametrize("ms", [30, 100, 190])
def test_a_click_is_no_speech(ms: int) -> None:
    assert turns(sound((0, 1000), (0.9, ms), (0, 1000))) == []


def test_many_clicks_are_no_speech() -> None:
    assert turns(sound(*[(0.9, 50), (0, 400)] * 20)) == []


def test_a_short_word_is_speech() -> None:
    assert len(turns(sound((0, 500), (0.9, 260), (0, 700)))) == 2


def test_a_pause_does_not_end_a_turn() -> None:
    assert len(turns(sound((0.9, 500), (0, 400), (0.9, 500), (0, 600)))) == 2


def test_the_silence_that_ends_a_turn_can_be_set() -> None:
    pausing = sound((0.9, 500), (0, 400), (0.9, 500), (0, 600))

    assert len(turns(pausing, silence_duration_ms=300)) == 4


def test_the_threshold_can_be_set() -> None:
    faint = sound((0, 500), (0.6, 500), (0, 700))

    assert len(turns(faint, threshold=0.5)) == 2
    assert turns(faint, threshold=0.8) == []


def test_a_turn_without_end_is_cut_in_two() -> None:
    events = turns(sound((0.9, 31_000)))

    assert [type(event) for event in events] == [TurnStarted, TurnStopped, TurnStarted]


def test_sound_may_come_in_pieces_of_any_size() -> None:
    detector = TurnDetector(LoudIsSpeech())
    whole = sound((0, 1000), (0.9, 800), (0, 700))

    pieces = [event for at in range(0, len(whole), 333) for event in detector.receive_audio(whole[at : at + 333])]

    assert [type(event) for event in pieces] == [TurnStarted, TurnPaused, TurnStopped]


def test_the_last_pause_already_holds_the_whole_turn() -> None:
    spoken = sound((0, 500), (0.9, 500), (0, 300), (0.9, 400), (0, 600))
    events = list(TurnDetector(LoudIsSpeech()).receive_audio(spoken))

    first, last, stopped = (event for event in events if not isinstance(event, TurnStarted))
    assert isinstance(first, TurnPaused)
    assert isinstance(last, TurnPaused)
    assert isinstance(stopped, TurnStopped)
    assert len(first.samples) < len(last.samples)
    assert np.array_equal(last.samples, stopped.samples)


@pytest.mark.speech
def test_spoken_words_are_found_between_silence_and_noise() -> None:
    question = "What is a jitter buffer?"
    pcm = spoken(question, lead=1.0, tail=1.0)
    samples = resampled(MonoAudio(samples_of(pcm / 32768), WAV_RATE), INPUT_RATE).samples
    noise = np.random.default_rng(0).normal(0, 0.003, len(samples)).astype(np.float32)

    started, *_, stopped = TurnDetector(silero()).receive_audio(samples + noise)

    assert isinstance(started, TurnStarted)
    assert isinstance(stopped, TurnStopped)
    assert started.start_ms < 1000 < started.start_ms + 500
    assert word_error_rate(question, recognize(stopped.samples, INPUT_RATE)) == 0


@pytest.mark.speech
def test_a_fan_and_a_tone_are_no_speech() -> None:
    rng, time = np.random.default_rng(0), np.arange(4 * INPUT_RATE) / INPUT_RATE
    fan = np.convolve(rng.normal(0, 0.05, len(time)), np.ones(8) / 8, "same")
    tone = 0.2 * np.sin(2 * np.pi * 440 * time)

    assert list(TurnDetector(silero()).receive_audio(samples_of(fan))) == []
    assert list(TurnDetector(silero()).receive_audio(samples_of(tone))) == []


def test_a_turn_ends_when_the_audio_stays_away() -> None:
    detector = TurnDetector(LoudIsSpeech(), TurnSettings())
    [started] = detector.receive_audio(sound((0.9, 800)))
    events = [event for _ in range(20) for event in detector.audio_is_late(50)]

    assert isinstance(started, TurnStarted)
    assert [type(event) for event in events] == [TurnPaused, TurnStopped]
    assert events[-1].end_ms == 800
    assert len(events[-1].samples) == 800 * INPUT_RATE // 1000


def test_late_audio_continues_the_turn_with_nothing_between() -> None:
    detector = TurnDetector(LoudIsSpeech(), TurnSettings())
    events = [*detector.receive_audio(sound((0.9, 800)))]
    for _ in range(5):
        events += [event for _ in range(8) for event in detector.audio_is_late(50)]
        events += detector.receive_audio(sound((0.9, 100)))
    events += detector.receive_audio(sound((0, 600)))

    assert [type(event) for event in events if not isinstance(event, TurnPaused)] == [TurnStarted, TurnStopped]
    assert np.count_nonzero(events[-1].samples) == 1300 * INPUT_RATE // 1000


def test_the_idle_time_goes_on_while_no_audio_comes_and_ends_once() -> None:
    detector = TurnDetector(LoudIsSpeech(), TurnSettings(idle_timeout_ms=1000))
    detector.start_idle_timer()
    events = []
    for _ in range(30):
        detector.start_idle_timer()
        events += detector.audio_is_late(50)

    assert [(event.start_ms, event.end_ms) for event in events] == [(0, 1000)]
