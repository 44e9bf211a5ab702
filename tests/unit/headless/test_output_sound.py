"""When a headless page says that the assistant is heard."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

pytest.importorskip("aiortc")

from av import AudioFrame

from rtc_widget.headless import output_sound
from rtc_widget.headless.output_sound import FrameTimes, OutputSound
from rtc_widget.headless.sound_detector import SoundChange
from tests.limits import eventually
from tests.unit.headless.test_resumed import FakeAttempt, Page

NOW_MS = 1_795_286_400_000.0
LOUD, SILENT = 3000, 0


def frame_of(level: int, pts: int | None) -> AudioFrame:
    """Return 20 ms at this level."""
    frame = AudioFrame.from_ndarray(np.full((1, 960), level, np.int16), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, pts, Fraction(1, 48_000)
    return frame


class Receiving:
    """What is received of a call, on a clock that the test moves."""

    def __init__(self) -> None:
        self.changes: list[SoundChange] = []
        self.now_ms, self.pts = NOW_MS, 0
        self.sound = OutputSound(self.changes.append, lambda: self.now_ms)

    def play(self, level: int, milliseconds: int, *, late: bool = False) -> None:
        for _ in range(milliseconds // 20):
            self.now_ms += 0 if late else 20
            self.sound.take(frame_of(level, self.pts))
            self.pts += 960

    async def reported(self) -> list[tuple[bool, float]]:
        await eventually(lambda: self.sound._held is None)
        return [(change.is_audible, change.at_ms - NOW_MS) for change in self.changes]


async def test_sound_is_timed_by_the_audio_and_not_by_the_arrival_of_its_frames():
    receiving = Receiving()
    receiving.play(SILENT, 100)
    receiving.now_ms += 5_000  # the machine stands still, then all comes at once
    receiving.play(SILENT, 400, late=True)
    receiving.play(LOUD, 1_000, late=True)
    receiving.play(SILENT, 500, late=True)
    assert await receiving.reported() == [(True, 500), (False, 1_500)]
    receiving.sound.end()


async def test_a_gap_in_the_timestamps_is_silence():
    receiving = Receiving()
    receiving.play(LOUD, 200)
    receiving.pts += 48_000  # the server sends nothing while it is silent
    receiving.now_ms += 1_000
    receiving.play(LOUD, 20)
    assert await receiving.reported() == [(True, 0), (False, 200), (True, 1_200)]
    receiving.sound.end()


async def test_a_server_that_sends_nothing_any_more_is_silent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(output_sound, "TICK_SECONDS", 0.001)
    receiving = Receiving()
    receiving.play(LOUD, 200)
    await eventually(lambda: len(receiving.changes) == 2)
    assert await receiving.reported() == [(True, 0), (False, 200)]
    receiving.sound.end()


async def test_a_server_that_reports_its_audio_is_believed():
    receiving = Receiving()
    receiving.play(LOUD, 200)
    receiving.sound.server_reports()
    receiving.play(SILENT, 600)
    await eventually(lambda: receiving.sound._held is None)
    assert receiving.changes == []
    receiving.sound.end()


async def test_a_silenced_voice_is_silent_until_it_has_paused():
    receiving = Receiving()
    receiving.play(LOUD, 100)
    receiving.sound.silence()
    receiving.play(LOUD, 100)
    receiving.play(SILENT, 500)
    receiving.play(LOUD, 100)
    assert await receiving.reported() == [(True, 0), (False, 100), (True, 700)]
    receiving.sound.end()


def test_a_source_that_begins_again_is_placed_anew():
    now = [NOW_MS]
    times = FrameTimes(lambda: now[0])
    for pts, at in ((96_000, 20.0), (96_960, 40.0), (0, 500.0)):
        now[0] = NOW_MS + at
        start, gap = times.place(frame_of(LOUD, pts))
        assert (start - NOW_MS, gap) == (at - 20, 0)


def test_frames_without_timestamps_follow_each_other():
    now = [NOW_MS]
    times = FrameTimes(lambda: now[0])
    places = []
    for at in (20.0, 900.0):
        now[0] = NOW_MS + at
        places.append(times.place(frame_of(LOUD, None))[0] - NOW_MS)
    assert places == [0, 20]


def sounds(sent: list[Any]) -> list[Any]:
    return [message for message in sent if message["type"] == "sound"]


async def test_the_page_tells_the_widget_and_its_own_transcript(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rtc_widget.headless.call.Attempt", FakeAttempt)
    monkeypatch.setattr(output_sound, "MISSING_TICKS", math.inf)  # only what is asked for is silence
    FakeAttempt.all = []
    page = Page()
    sent: list[Any] = []
    monkeypatch.setattr(page.session._bridge, "_send", sent.append)
    call = await page.connected()
    call.receives({"type": "response.created", "response": {"id": "r1"}})
    call.listener.audio_received(frame_of(LOUD, 0))
    await eventually(lambda: sounds(sent))
    kinds = [message["type"] for message in sent]
    assert kinds.index("events") < kinds.index("sound")
    sound = sent[kinds.index("sound")]
    assert {**sound, "at_ms": 0} == {
        "type": "sound",
        "page": "p1",
        "attempt": "a1",
        "speaker": "assistant",
        "is_audible": True,
        "at_ms": 0,
    }
    assert page.session._push_to_talk._is_speaking
    assert len(sounds(sent)) == 1
    await page.session._handle({"type": "silence_output"})
    assert [message["is_audible"] for message in sounds(sent)] == [True, False]
    await page.session.close()
