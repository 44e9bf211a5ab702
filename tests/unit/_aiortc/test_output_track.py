from __future__ import annotations

import asyncio

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from rtc_widget._aiortc import output_track
from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget._aiortc.output_track import FRAME_LENGTH, RATE, Playback, VoiceTrack, pcm_of
from tests.unit.server.waiting import waited


class Watched:
    """A playback that writes down what happens to it."""

    def __init__(self) -> None:
        self.news: list[str] = []
        self.playback = Playback(lambda: self.news.append("started"), lambda: self.news.append("stopped"))


def pcm(level: int, frames: float = 1) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.full(round(frames * FRAME_LENGTH), level, np.int16)


async def levels(track: VoiceTrack, frames: int) -> list[int]:
    return [int(np.abs((await track.recv()).to_ndarray()).max()) for _ in range(frames)]


async def test_frames_come_in_real_time_without_drift() -> None:
    track, loop = VoiceTrack(), asyncio.get_running_loop()
    begin, waited_before = loop.time(), waited()

    frames = []
    for count in range(26):
        frames.append(await track.recv())
        await asyncio.sleep(0.004 * (count % 3))  # a consumer that dawdles

    # The last frame may be late by what the machine did meanwhile; the time of the others is made up for.
    assert 0.48 < loop.time() - begin < 0.8 + waited() - waited_before
    assert [frame.pts for frame in frames] == [FRAME_LENGTH * count for count in range(26)]
    assert {(frame.sample_rate, frame.samples) for frame in frames} == {(RATE, FRAME_LENGTH)}


async def test_after_a_long_halt_it_does_not_send_everything_at_once() -> None:
    track, loop = VoiceTrack(), asyncio.get_running_loop()
    await track.recv()
    await asyncio.sleep(0.7)
    begin = loop.time()

    await levels(track, 10)

    assert loop.time() - begin > 0.15


async def test_nothing_to_say_is_silence() -> None:
    assert await levels(VoiceTrack(), 3) == [0, 0, 0]


async def test_a_playback_tells_when_it_starts_and_when_it_has_been_heard() -> None:
    track, watched = VoiceTrack(), Watched()
    track.play(watched.playback)
    watched.playback.write(pcm(1000, 2))
    watched.playback.finish()

    assert await levels(track, 1) == [1000]
    assert watched.news == ["started"]
    assert await levels(track, 2) == [1000, 0]
    assert watched.news == ["started", "stopped"]
    assert watched.playback.played_ms == 40


async def test_a_gap_in_the_speech_is_silence_and_no_end() -> None:
    track, watched = VoiceTrack(), Watched()
    track.play(watched.playback)
    watched.playback.write(pcm(1000))

    assert await levels(track, 3) == [1000, 0, 0]
    assert watched.news == ["started"]
    watched.playback.write(pcm(2000))
    watched.playback.finish()
    assert await levels(track, 2) == [2000, 0]
    assert watched.news == ["started", "stopped"]


async def test_what_is_cleared_is_not_heard() -> None:
    track, watched, following = VoiceTrack(), Watched(), Watched()
    track.play(watched.playback)
    track.play(following.playback)
    watched.playback.write(pcm(1000, 50))
    following.playback.write(pcm(2000))
    assert await levels(track, 1) == [1000]

    watched.playback.clear()
    watched.playback.write(pcm(1000))

    assert await levels(track, 1) == [2000]
    assert watched.news == ["started"]


async def test_a_playback_without_sound_tells_nothing_and_holds_up_nobody() -> None:
    track, silent, following = VoiceTrack(), Watched(), Watched()
    track.play(silent.playback)
    track.play(following.playback)
    following.playback.write(pcm(2000))
    silent.playback.finish()

    assert await levels(track, 1) == [2000]
    assert silent.news == []


async def test_a_stopped_track_ends() -> None:
    track = VoiceTrack()
    track.stop()

    with pytest.raises(MediaStreamError):
        await track.recv()


def test_speech_is_brought_to_the_rate_of_the_track() -> None:
    wave = np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000).astype(np.float32) / 2

    out = pcm_of(MonoAudio(wave, 24_000))

    assert len(out) == pytest.approx(48_000, abs=64)
    assert np.argmax(np.abs(np.fft.rfft(out[:48_000]))) == pytest.approx(440, abs=1)
    assert len(pcm_of(MonoAudio(wave[:0], 24_000))) == 0


async def test_written_audio_without_samples_ends_in_its_turn_and_never_starts() -> None:
    track, first, empty = VoiceTrack(), Watched(), Watched()
    for watched in (first, empty):
        track.play(watched.playback)
    first.playback.write(pcm(1000, 2))
    empty.playback.write(pcm(1000, 0))
    empty.playback.finish()
    assert not empty.playback.is_over

    await levels(track, 2)
    assert empty.news == []
    first.playback.finish()
    await levels(track, 1)

    assert first.news == ["started", "stopped"]
    assert empty.news == ["stopped"]
    assert empty.playback.is_over


async def test_a_writer_waits_while_too_much_audio_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_track, "MAX_WAITING_SECONDS", 0.05)
    track, first, second = VoiceTrack(), Watched(), Watched()
    for watched in (first, second):
        track.play(watched.playback)
    first.playback.write(pcm(1000, 2))
    await track.until_room(first.playback)
    second.playback.write(pcm(1000, 2))

    writers = [asyncio.create_task(track.until_room(watched.playback)) for watched in (first, second)]
    await levels(track, 1)
    await asyncio.sleep(0)
    assert [writer.done() for writer in writers] == [False, False], "60 ms wait"
    await levels(track, 1)
    await asyncio.gather(*writers)

    # What waits behind it does not keep the first one from going on.
    second.playback.write(pcm(1000, 9))
    await track.until_room(first.playback)
    waiting = asyncio.create_task(track.until_room(second.playback))
    await asyncio.sleep(0)
    assert not waiting.done()
    second.playback.clear()
    await levels(track, 1)
    await waiting
