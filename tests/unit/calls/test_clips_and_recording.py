"""Recordings, clips and statistics in Python, with a test double for the page."""

from __future__ import annotations

import asyncio
import base64
import threading

import numpy as np
import pytest

from rtc_widget import AudioClip, VoiceChat
from rtc_widget.errors import (
    ClipFailed,
    ClipInterrupted,
    ClipTooLong,
    InvalidAudio,
    NotConnected,
    NothingRecorded,
    PageTimeout,
    ReceiveOnly,
    RecordingUnavailable,
    error_from_wire,
)
from rtc_widget.testing.raw_page import CONNECTED
from tests.unit.waiting import settled

BEGAN_MS = 1_795_286_400_000.0
RATE = 24_000


def audio(page, number: int, at: float, *, level: float = 0.5, track: str = "user", attempt: str = "a1", lost: int = 0):
    """Say what a page says of 200 ms of sound, `at` seconds after the first event."""
    pcm = np.full(RATE // 5, round(level * 32767), "<i2").tobytes()
    data = base64.b64encode(pcm).decode()
    page.say(
        "audio",
        number=number,
        attempt=attempt,
        track=track,
        rate=RATE,
        at_ms=BEGAN_MS + 1000 * at,
        lost=lost,
        data=data,
    )


async def call(page, attempt: str = "a1") -> None:
    page.hello()
    page.connected(attempt)
    page.events({"type": "session.created"}, attempt=attempt)
    await settled()


def tone(seconds: float, rate: int = RATE) -> AudioClip:
    return AudioClip(0.5 * np.sin(np.arange(round(seconds * rate)) / 10), rate)


async def fetched(page, clip: str) -> tuple[bytes, int, int]:
    """Fetch a clip as a page does: its samples, their rate, and in how many parts it came."""
    data, first, parts, rate = b"", 0, 0, 0
    while first is not None:
        count = len(page.heard("reply"))
        page.say("clip", id=f"p1:clip{count}", clip=clip, first=first)
        part = (await page.hears("reply", count + 1))["result"]
        data += base64.b64decode(part["data"])
        first, rate, parts = part["next"], part["rate"], parts + 1
        assert len(part["data"]) < 500_000
    return data, rate, parts


async def test_recording_is_a_setting_that_every_page_reads(chat, page):
    assert not chat.settings["record"]
    recorder = chat.record()
    assert chat.is_recording
    assert chat.settings["record"] is True
    recorder.stop()
    recorder.stop()
    assert not chat.is_recording
    assert chat.settings["record"] is False


async def test_it_goes_on_until_the_last_who_wants_it_stops(chat):
    with chat.record():
        with chat.record() as inner:
            pass
        assert chat.settings["record"] is True
        assert "stopped" in repr(inner)
    assert chat.settings["record"] is False


async def test_the_recording_has_the_page_s_audio_on_the_time_base_of_the_events(chat, page):
    await call(page)
    audio(page, 0, 1.5)
    audio(page, 1, 1.5, level=0.25, track="assistant")
    recording = chat.recording
    assert (recording.start, recording.end) == pytest.approx((1.5, 1.7))
    assert recording.user.peak == pytest.approx(0.5, abs=1e-3)
    assert recording.assistant.peak == pytest.approx(0.25, abs=1e-3)
    assert chat.events[0].elapsed == 0, "the same clock"


async def test_audio_is_acknowledged_and_missing_audio_is_requested(chat, page):
    await call(page)
    audio(page, 0, 0.0)
    audio(page, 2, 0.4)
    audio(page, 1, 0.2)
    audio(page, 1, 0.2)
    audio(page, 2, 0.4)
    assert [(ack["next"], ack["missing"]) for ack in page.heard("media_ack")] == [
        (1, False),
        (1, True),
        (2, False),
        (2, False),
        (3, False),
    ]
    assert chat.recording.duration == pytest.approx(0.6)


async def test_audio_is_kept_while_the_main_loop_is_busy(chat, page):
    await call(page)
    threads = [threading.Thread(target=audio, args=(page, 0, 0.0)), threading.Thread(target=audio, args=(page, 1, 0.2))]
    for thread in threads:
        # The loop has no turn in between.
        thread.start()
        thread.join()
    assert chat.recording.duration == pytest.approx(0.4)


async def test_a_reconnection_goes_on_in_the_recording_and_a_new_call_begins_one(chat, page):
    await call(page)
    audio(page, 0, 1.0)
    page.state("a2", resumes=True, status="connected", data_channel_state="open")
    audio(page, 1, 3.0, attempt="a2")
    first = chat.recording
    assert (first.start, first.end) == pytest.approx((1.0, 3.2))
    await call(page, "a3")
    audio(page, 2, 60.0, attempt="a3")
    assert chat.recording.duration == pytest.approx(0.2)
    assert first.duration == pytest.approx(2.2)


async def test_without_a_recording_there_is_no_audio(chat):
    assert repr(chat.recording) == "<Recording: empty>"
    with pytest.raises(NothingRecorded):
        _ = chat.recording.user


async def test_leaving_async_with_waits_for_the_last_audio(chat, page):
    await call(page)

    async def record() -> None:
        async with chat.record():
            audio(page, 0, 0.0)

    recording = asyncio.ensure_future(record())
    flush = await page.hears("flush_audio", 2)
    assert chat.settings["record"] is True, "a page that records no more could not say that it cannot"
    await settled()
    assert not recording.done()
    audio(page, 1, 0.2)
    page.say("reply", id=flush["id"], seq=0, result={})
    await recording
    assert chat.settings["record"] is False
    assert chat.recording.duration == pytest.approx(0.4)


async def test_a_page_that_cannot_record_says_so(chat, page):
    await call(page)
    error = {"code": "recording_unavailable", "message": "The browser lets this page record nothing.", "hint": ""}
    recorder = chat.record()
    await page.reply("flush_audio", error=error)
    await settled()
    assert chat.error["code"] == "recording_unavailable"
    finishing = asyncio.ensure_future(recorder.finish())
    second = await page.hears("flush_audio", 2)
    page.say("reply", id=second["id"], seq=0, error=error)
    with pytest.raises(RecordingUnavailable):
        await finishing


async def test_finishing_without_a_page_keeps_what_there_is(chat, monkeypatch):
    monkeypatch.setattr("rtc_widget.comm.bridge.PAGE_SECONDS", 0.05)
    assert repr(await chat.record().finish()) == "<Recording: empty>"


async def test_a_clip_is_said_and_timed(chat, page):
    await call(page)
    clip = tone(3.0)
    saying = asyncio.ensure_future(chat.say(clip))
    request = await page.hears("play_clip")
    data, rate, parts = await fetched(page, request["clip"])
    assert (np.frombuffer(data, "<i2") == clip.pcm).all()
    assert (rate, parts) == (RATE, 1)
    assert not saying.done()
    page.say("reply", id=request["id"], seq=0, result={"start_ms": BEGAN_MS + 2000, "end_ms": BEGAN_MS + 5000})
    said = await saying
    assert (said.start, said.end) == (2.0, 5.0)
    page.say("clip", id="p1:late", clip=request["clip"], first=0)
    assert (await page.hears("reply", 2))["error"]["code"] == "clip_not_found", "the kernel keeps it no longer"


async def test_a_long_clip_travels_in_parts_that_every_host_takes(chat, page):
    await call(page)
    clip = tone(60.0)
    saying = asyncio.ensure_future(chat.say(clip))
    request = await page.hears("play_clip")
    data, _, parts = await fetched(page, request["clip"])
    assert (np.frombuffer(data, "<i2") == clip.pcm).all()
    assert parts == 11
    page.say("reply", id=request["id"], seq=0, result={"start_ms": BEGAN_MS, "end_ms": BEGAN_MS})
    await saying


async def test_a_path_or_an_array_can_be_said_too(chat, page, tmp_path):
    await call(page)
    path = tone(0.5, 16_000).to_wav(tmp_path / "hello.wav")
    for sound, rate in [(path, 16_000), (str(path), 16_000), (tone(0.5).samples, RATE), (tone(0.5, 4_000), RATE)]:
        count = len(page.heard("play_clip")) + 1
        saying = asyncio.ensure_future(chat.say(sound))
        request = await page.hears("play_clip", count)
        _, given, _ = await fetched(page, request["clip"])
        assert given == rate, "a rate that browsers do not take is converted"
        page.say("reply", id=request["id"], seq=0, result={"start_ms": BEGAN_MS, "end_ms": BEGAN_MS})
        await saying


async def test_nothing_can_be_said_in_a_call_for_listening_only(chat, page):
    chat.microphone = "clips"
    page.hello()
    page.state("a1", **{**CONNECTED, "receive_only": True})
    await settled()
    saying = asyncio.ensure_future(chat.say([0.0] * 100))
    await page.hears("play_clip")
    saying.cancel()
    chat.microphone = False
    with pytest.raises(ReceiveOnly, match="clips"):
        await chat.say([0.0] * 100)


async def test_a_clip_can_be_said_when_the_microphone_was_lost(chat, page):
    page.hello()
    page.state("a1", **CONNECTED)
    page.state("a1", **{**CONNECTED, "receive_only": True})
    await settled()
    assert chat.receive_only
    saying = asyncio.ensure_future(chat.say([0.0] * 100))
    await page.hears("play_clip")
    saying.cancel()


async def test_nothing_is_said_without_a_call(chat):
    with pytest.raises(NotConnected, match="was not played"):
        await chat.say(tone(1.0))


async def test_what_cannot_be_said_is_refused_in_words(chat, page):
    await call(page)
    with pytest.raises(ClipTooLong, match=r"lasts 601 s; a page takes 600 s\. Cut it"):
        await chat.say(AudioClip(np.zeros(601 * 8000, np.int16), 8000))
    with pytest.raises(InvalidAudio):
        await chat.say([])
    with pytest.raises(FileNotFoundError):
        await chat.say("no_such_file.wav")
    assert page.heard("play_clip") == []


async def test_a_call_that_ends_interrupts_the_clip(chat, page):
    await call(page)
    saying = asyncio.ensure_future(chat.say(tone(1.0)))
    await page.reply(
        "play_clip", error={"code": "clip_interrupted", "message": "The call ended before the clip.", "hint": ""}
    )
    with pytest.raises(ClipInterrupted):
        await saying
    assert page.heard("cancel_clip") == []


async def test_a_cancelled_wait_stops_the_clip(chat, page):
    await call(page)
    with pytest.raises(PageTimeout):
        await chat.say(tone(1.0), timeout=0.05)
    assert [hush["clip"] for hush in page.heard("cancel_clip")] == [page.heard("play_clip")[0]["clip"]]
    saying = asyncio.ensure_future(chat.say(tone(1.0)))
    await page.hears("play_clip", 2)
    saying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saying
    assert len(page.heard("cancel_clip")) == 2


async def test_a_clip_can_take_the_microphones_place(chat, page):
    page.hello()
    clip = tone(1.0)
    chat.microphone = clip
    assert chat.microphone is clip
    id = chat.settings["microphone"]["clip"]
    data, _, _ = await fetched(page, id)
    assert len(data) == 2 * len(clip)
    assert len((await fetched(page, id))[0]) == len(data), "a page that was reloaded fetches it again"
    chat.microphone = True
    assert chat.settings["microphone"] is True
    page.say("clip", id="p1:late", clip=id, first=0)
    assert (await page.hears("reply", 3))["error"]["code"] == "clip_not_found"


async def test_a_widget_can_be_made_with_a_clip(signaling, chat, tmp_path):
    widget = VoiceChat(signaling, microphone=tone(1.0).to_wav(tmp_path / "question.wav"))
    assert widget.microphone.duration == 1.0
    assert set(widget.settings["microphone"]) == {"clip"}
    widget.close()
    with pytest.raises(FileNotFoundError):
        VoiceChat(signaling, microphone="no_such_file.wav")


async def test_statistics_are_logged_on_the_time_base_of_the_events(chat, page):
    await call(page)
    for number, second in enumerate([0.5, 1.5]):
        report = {"id": "I", "type": "inbound-rtp", "kind": "audio", "jitter": 0.01, "bytesReceived": 1000 * number}
        page.say("stats", number=number, attempt="a1", time_ms=BEGAN_MS + 1000 * second, reports=[report])
    await settled()
    assert [sample.elapsed for sample in chat.stats] == [0.5, 1.5]
    assert chat.stats.last.received_bitrate == 8000
    assert chat.stats.last.raw[0]["jitter"] == 0.01


async def test_how_often_statistics_are_taken_can_be_set(chat, signaling):
    assert chat.settings["stats_interval"] == 1.0
    chat.stats_interval = 0.25
    assert chat.settings["stats_interval"] == 0.25
    for off in (0, None):
        chat.stats_interval = off
        assert chat.settings["stats_interval"] is None
        assert chat.stats_interval is None
    with pytest.raises(ValueError, match="stats_interval"):
        chat.stats_interval = 0.01
    widget = VoiceChat(signaling, stats_interval=None)
    assert widget.stats_interval is None
    widget.close()


async def test_a_clip_that_the_page_could_not_speak_is_an_error_and_the_call_goes_on(chat, page):
    page.hello()
    failure = {"code": "clip_failed", "message": "The browser could not speak the clip.", "hint": "Say it."}
    page.state("a1", status="connected", data_channel_state="open", error=failure)
    await settled()
    assert chat.error == failure
    assert chat.status == "connected"
    assert error_from_wire(chat.error).code == ClipFailed.code
