from __future__ import annotations

import base64
import pickle
import re
import wave

import numpy as np
import pytest

from rtc_widget import AudioClip
from rtc_widget.errors import InvalidAudio

RATE = 24_000


def tone(seconds: float = 1.0, hertz: float = 440.0, rate: int = RATE, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def test_a_clip_is_float32_mono_between_minus_one_and_one():
    clip = AudioClip(tone(), RATE)
    assert clip.samples.dtype == np.float32
    assert clip.samples.shape == (RATE,)
    assert np.array_equal(clip.samples, tone())
    assert (clip.duration, clip.start, clip.end, len(clip)) == (1.0, 0.0, 1.0, RATE)


def test_integers_are_scaled():
    assert AudioClip(np.array([-32768, 0, 16384], np.int16)).samples.tolist() == [-1, 0, 0.5]
    assert AudioClip(np.array([-(2**31), 0, 2**30], np.int32)).samples.tolist() == [-1, 0, 0.5]


def test_sixteen_bits_come_out_as_they_went_in():
    pcm = np.arange(-32768, 32768).astype(np.int16)
    assert np.array_equal(AudioClip(pcm).pcm, pcm)
    assert np.array_equal(AudioClip(AudioClip(pcm).samples).pcm, pcm)


def test_lists_and_doubles_are_taken_too():
    assert AudioClip([0, 0.5, -1.0], 8000).samples.tolist() == [0, 0.5, -1]


@pytest.mark.parametrize("turned", [False, True])
def test_stereo_is_mixed_down(turned):
    stereo = np.stack([np.full(100, 0.5), np.full(100, -0.1)])
    clip = AudioClip(stereo.T if turned else stereo)
    assert clip.samples == pytest.approx(np.full(100, 0.2))


def test_one_channel_in_two_dimensions_is_that_channel():
    assert np.array_equal(AudioClip(tone()[np.newaxis]).samples, tone())
    assert np.array_equal(AudioClip(tone()[:, np.newaxis]).samples, tone())


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "at least one sample"),
        (np.zeros((2, 0)), "shape must be"),
        (np.zeros((2, 3, 4)), "1 or 2 dimensions, got 3"),
        (np.zeros((100, 100)), r"\(100, 100\)"),
        (0.5, "got 0"),
        ([0.0, float("nan")], "finite, got nan at index 1"),
        ([0.0, float("inf")], "finite, got inf at index 1"),
        ([0.0, 32767.0], "a peak of 32767"),
        (np.array([1, 2], np.uint8), "uint8"),
        (np.array([1, 2]), "int64"),
        (["a", "b"], "U1"),
        ([[0.1], [0.1, 0.2]], "must form an array"),
    ],
)
def test_invalid_samples_are_refused_with_a_reason(samples, words):
    with pytest.raises(InvalidAudio, match=words) as error:
        AudioClip(samples)
    assert error.value.hint
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize("rate", [0, -1, 24000.5, "24k", None, 10**7])
def test_an_odd_sample_rate_is_refused(rate):
    with pytest.raises(InvalidAudio, match="sample_rate"):
        AudioClip(tone(), rate)


def test_a_clip_cannot_be_changed():
    source = tone()
    clip = AudioClip(source)
    with pytest.raises(AttributeError):
        clip.sample_rate = 8000
    with pytest.raises(ValueError, match="read-only"):
        clip.samples[0] = 1
    source[:] = 0
    assert clip.peak == pytest.approx(0.5, abs=0.01)


def test_a_part_keeps_the_time_base():
    clip = AudioClip(np.arange(1000, dtype=np.int16), 1000, start=10.0)
    part = clip.between(10.25, 10.75)
    assert (part.start, part.end, part.duration) == (10.25, 10.75, 0.5)
    assert part.pcm.tolist() == list(range(250, 750))
    assert part.between(10.5).pcm.tolist() == list(range(500, 750))


def test_a_part_that_reaches_beyond_is_cut_and_one_outside_is_refused():
    clip = AudioClip(tone(), RATE, start=5.0)
    assert (clip.between(0, 5.5).start, clip.between(0, 5.5).end) == (5.0, 5.5)
    assert clip.between(5.5, 99).end == 6.0
    for outside in [(0, 5), (6, 7), (5.5, 5.5), (5.6, 5.5)]:
        with pytest.raises(InvalidAudio, match=r"lasts from 5 s to 6 s"):
            clip.between(*outside)


def test_loudness_is_measured():
    clip = AudioClip(tone(level=0.5))
    assert clip.peak == pytest.approx(0.5, abs=1e-3)
    assert clip.rms == pytest.approx(0.5 / 2**0.5, abs=1e-3)
    assert AudioClip(np.zeros(10)).peak == 0


def test_numpy_takes_a_clip_for_an_array():
    clip = AudioClip(tone())
    assert np.array_equal(np.asarray(clip), clip.samples)
    assert np.asarray(clip, dtype=np.float64).dtype == np.float64


def test_a_wav_file_comes_back_as_it_went(tmp_path):
    pcm = (tone() * 32767).astype(np.int16)
    path = AudioClip(pcm, 16_000).to_wav(tmp_path / "tone.wav")
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
    again = AudioClip.from_file(path)
    assert again.sample_rate == 16_000
    assert np.array_equal(again.pcm, pcm)


def test_a_stereo_file_is_mixed_down(tmp_path):
    path = tmp_path / "stereo.wav"
    left, right = np.full(1000, 8000, np.int16), np.full(1000, -4000, np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.stack([left, right], axis=1).tobytes())
    assert AudioClip.from_file(path).samples == pytest.approx(np.full(1000, 2000 / 32768))


def test_a_file_without_audio_is_refused_with_a_reason(tmp_path):
    with pytest.raises(FileNotFoundError):
        AudioClip.from_file(tmp_path / "none.wav")
    text = tmp_path / "text.wav"
    text.write_text("This is no sound at all. " * 100)
    with pytest.raises(InvalidAudio, match=r"text\.wav cannot be read"):
        AudioClip.from_file(text)
    empty = tmp_path / "empty.wav"
    with wave.open(str(empty), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
    with pytest.raises(InvalidAudio, match=r"empty\.wav"):
        AudioClip.from_file(empty)


def test_a_clip_is_made_of_a_clip_a_path_or_samples(tmp_path):
    clip = AudioClip(tone())
    assert AudioClip.of(clip) is clip
    path = clip.to_wav(tmp_path / "tone.wav")
    assert AudioClip.of(str(path)).duration == AudioClip.of(path).duration == 1.0
    assert AudioClip.of(tone()).sample_rate == RATE


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    clip = AudioClip(np.full(2400, 0.5, np.float32))
    assert clip.to_wav("~/question.wav") == tmp_path / "question.wav"
    assert len(AudioClip.from_file("~/question.wav")) == 2400


@pytest.mark.parametrize("rate", [0, -1, "16k", 2.5])
def test_an_odd_rate_is_refused_when_resampling(rate):
    with pytest.raises(InvalidAudio):
        AudioClip(np.zeros(2400)).resample(rate)


def test_resampling_keeps_tone_level_and_length():
    clip = AudioClip(tone(2.0, 1000), RATE, start=3.0).resample(16_000)
    assert (clip.sample_rate, clip.start) == (16_000, 3.0)
    assert clip.duration == pytest.approx(2.0, abs=0.01)
    spectrum = np.abs(np.fft.rfft(clip.samples))
    assert np.argmax(spectrum) * 16_000 / len(clip) == pytest.approx(1000, abs=1)
    assert clip.rms == pytest.approx(0.5 / 2**0.5, rel=0.02)
    assert clip.resample(16_000) is clip


def test_the_player_holds_the_audio():
    clip = AudioClip(tone(0.1))
    html = clip._repr_html_()
    data = re.search(r'src="data:audio/wav;base64,([^"]+)"', html)
    assert data is not None
    assert base64.b64decode(data[1])[44:] == clip.pcm.tobytes()
    assert "Too long to play here" in AudioClip(np.zeros(301 * 1000, np.int16), 1000)._repr_html_()


def test_it_says_what_it_is():
    assert repr(AudioClip(tone(1.5), start=12.0)) == "<AudioClip: 1.50 s from 12.00 s at 24 kHz, peak 0.50>"


def test_a_clip_can_be_pickled():
    clip = pickle.loads(pickle.dumps(AudioClip(tone(), 8000, start=2.0)))
    assert (clip.sample_rate, clip.start) == (8000, 2.0)
    assert np.array_equal(clip.samples, tone())


def test_the_plot_shows_waveform_and_spectrogram():
    clip = AudioClip(np.concatenate([tone(hertz=1000), np.zeros(RATE, np.float32)]), start=4.0)
    figure = clip.plot()
    waveform, spectrogram = figure.axes
    assert waveform.get_xlim() == (4.0, 6.0)
    (image,) = spectrogram.images
    decibels = image.get_array()
    row = round(1000 / (RATE / 2) * (decibels.shape[0] - 1))
    loud, silent = decibels[:, : decibels.shape[1] // 3], decibels[:, -decibels.shape[1] // 3 :]
    assert abs(int(loud.mean(axis=1).argmax()) - row) <= 1
    assert loud[row].mean() == pytest.approx(20 * np.log10(0.5), abs=2)
    assert silent.max() == -90


@pytest.mark.parametrize("count", [1, 10, 700])
def test_the_plot_of_a_very_short_clip_can_be_drawn(count):
    assert len(AudioClip(np.zeros(count)).plot().axes) == 2
