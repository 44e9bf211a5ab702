"""Resampling of whole clips, of pieces, and of stereo frames."""

from __future__ import annotations

import numpy as np
import pytest
from av import AudioFrame

from rtc_widget._aiortc import audio
from rtc_widget._aiortc.audio import MonoAudio, Resampler, Samples, StreamResampler, resampled


def tone(rate: int, level: float = 0.5) -> Samples:
    return (level * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.float32)


@pytest.mark.parametrize(("rate", "new_rate"), [(48_000, 16_000), (8_000, 24_000), (44_100, 48_000)])
def test_a_tone_keeps_its_pitch_and_level(rate: int, new_rate: int) -> None:
    result = resampled(MonoAudio(tone(rate), rate), new_rate)

    assert (result.rate, result.samples.dtype) == (new_rate, np.float32)
    assert len(result.samples) == pytest.approx(new_rate, abs=64)
    assert np.abs(np.fft.rfft(result.samples)).argmax() == pytest.approx(440, abs=1)
    assert np.abs(result.samples).max() == pytest.approx(0.5, rel=0.02)


def test_pieces_give_the_same_samples_as_the_whole() -> None:
    resampler = StreamResampler(48_000, 16_000)
    pieces = [resampler.add(piece) for piece in np.split(tone(48_000), [1, 960, 960, 20_000])]

    whole = resampled(MonoAudio(tone(48_000), 48_000), 16_000).samples
    assert np.concatenate([*pieces, resampler.rest()]) == pytest.approx(whole, abs=1e-6)


def test_audio_that_is_longer_than_a_frame_may_be_is_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resampled(MonoAudio(tone(48_000), 48_000), 16_000).samples
    monkeypatch.setattr(audio, "MAX_FRAME_LENGTH", 5_000)

    assert resampled(MonoAudio(tone(48_000), 48_000), 16_000).samples == pytest.approx(whole, abs=1e-6)


def test_quiet_audio_is_not_rounded_to_16_bits() -> None:
    quiet = resampled(MonoAudio(tone(48_000, level=1e-5), 48_000), 16_000).samples

    assert np.abs(quiet).max() == pytest.approx(1e-5, rel=0.05)


def test_two_channels_are_not_louder_than_each_of_them() -> None:
    pcm = np.repeat((tone(48_000, level=0.9) * 32767).astype(np.int16), 2)[np.newaxis]
    frame = AudioFrame.from_ndarray(pcm, format="s16", layout="stereo")
    frame.sample_rate = 48_000

    assert np.abs(Resampler(16_000).resample(frame)).max() == pytest.approx(0.9, rel=0.05)


def test_loud_audio_stays_within_the_range() -> None:
    square = np.sign(tone(8_000)).astype(np.float32)

    assert np.abs(resampled(MonoAudio(square, 8_000), 48_000).samples).max() == 1.0


def test_no_audio_is_resampled_to_no_audio() -> None:
    assert len(resampled(MonoAudio(np.zeros(0, np.float32), 8_000), 48_000).samples) == 0
    assert len(StreamResampler(8_000, 48_000).add(np.zeros(0, np.float32))) == 0
