"""Audio and statistics of a scripted page: recordings, `turn.audio` and `chat.stats` without a browser."""

from __future__ import annotations

import numpy as np
import pytest

from rtc_widget import AudioClip, VoiceChat
from rtc_widget.errors import NotConnected, NothingRecorded
from rtc_widget.testing import ScriptedPage


def tone(seconds, frequency=440):
    return AudioClip(0.5 * np.sin(2 * np.pi * frequency * np.arange(round(24_000 * seconds)) / 24_000))


QUESTION, ANSWER = tone(1.5, 300), tone(2.25, 600)


@pytest.fixture
async def page():
    return ScriptedPage()


@pytest.fixture
async def chat(page):
    widget = VoiceChat(page=page)
    yield widget
    widget.close()


async def test_both_sides_are_recorded_where_they_were_said(chat, page):
    page.will_say("ICE finds a way.", sound=ANSWER)
    async with chat.record():
        await chat.connect()
        page.person_says("What is ICE?", sound=QUESTION)
        await page.settled()
    asked, answered = chat.transcript
    assert asked.end - asked.start == pytest.approx(1.5, abs=0.05)
    assert answered.end - answered.start == pytest.approx(2.25, abs=0.05)
    user = chat.recording.user.between(asked.start, asked.end)
    assistant = chat.recording.assistant.between(answered.start, answered.end)
    assert np.abs(user.samples).mean() == pytest.approx(np.abs(QUESTION.samples).mean(), rel=0.1)
    assert np.abs(assistant.samples).mean() == pytest.approx(np.abs(ANSWER.samples).mean(), rel=0.1)
    assert not chat.recording.user.between(answered.start, answered.end).pcm.any()


async def test_an_answer_has_its_sound(chat, page):
    page.will_say("ICE finds a way.", sound=ANSWER)
    await chat.connect()
    turn = await chat.ask("What is ICE?")
    assert turn.audio.duration == pytest.approx(2.25, abs=0.1)
    at = np.flatnonzero(turn.audio.pcm)[0]
    heard = turn.audio.pcm[at : at + 40_000]
    assert np.array_equal(heard, ANSWER.pcm[1 : 1 + len(heard)])


async def test_nothing_is_recorded_that_nobody_wants_recorded(chat, page):
    page.will_say("ICE finds a way.", sound=ANSWER)
    await chat.connect()
    page.person_says("What is ICE?", sound=QUESTION)
    await page.settled()
    with pytest.raises(NothingRecorded):
        _ = chat.recording.user


async def test_who_is_muted_is_not_heard(chat, page):
    page.will_say("Hello?", sound=ANSWER)
    chat.record()
    await chat.connect()
    chat.mute()
    page.person_says("What is ICE?", sound=QUESTION)
    await page.settled()
    assert not chat.recording.user.pcm.any()
    assert chat.recording.assistant.pcm.any()


async def test_a_clip_that_the_app_says_is_recorded(chat, page):
    chat.record()
    await chat.connect()
    said = await chat.say(QUESTION)
    assert said.end - said.start == pytest.approx(1.5)
    assert np.array_equal(chat.recording.user.between(said.start, said.end).pcm[:30_000], QUESTION.pcm[:30_000])
    assert page.clips == [(24_000, QUESTION.pcm.astype("<i2").tobytes())]


async def test_the_connection_is_measured_as_the_script_says(chat, page):
    await chat.connect()
    page.measures(round_trip_time=0.08, jitter=0.02)
    page.measures(loss=0.25, received_bitrate=24_000, sent_bitrate=16_000, concealed=0.1, playout_delay=0.2)
    page.measures(seconds=5, sent_loss=0.5, assistant_level=0.3, user_level=0.1, codec="PCMU 8000")
    await page.settled()
    first, second, third = chat.stats
    assert (first.round_trip_time, first.jitter, first.loss, first.codec) == (0.08, 0.02, None, "opus 48000/2")
    assert second.elapsed - first.elapsed == pytest.approx(1.0)
    assert third.elapsed - second.elapsed == pytest.approx(5.0)
    measured = (second.loss, second.received_bitrate, second.sent_bitrate, second.concealed, second.playout_delay)
    assert measured == pytest.approx((0.25, 24_000, 16_000, 0.1, 0.2))
    assert (second.round_trip_time, second.jitter) == (None, None)
    assert (third.sent_loss, third.assistant_level, third.user_level, third.codec) == (0.5, 0.3, 0.1, "PCMU 8000")
    assert third.loss == 0


async def test_a_new_connection_counts_from_nothing(chat, page):
    await chat.connect()
    page.measures()
    page.measures(loss=0.5)
    page.loses_connection()
    with pytest.raises(NotConnected):
        page.measures()
    page.recovers()
    page.measures()
    page.measures(loss=0.1)
    await page.settled()
    assert [sample.loss for sample in chat.stats] == [None, 0.5, None, pytest.approx(0.1)]
    assert {sample.call for sample in chat.stats} == {1}


async def test_nothing_is_measured_that_is_switched_off(page):
    chat = VoiceChat(page=page, stats_interval=None)
    await chat.connect()
    page.measures()
    await page.settled()
    assert len(chat.stats) == 0
    chat.close()


async def test_what_no_browser_measures_is_refused(chat, page):
    await chat.connect()
    with pytest.raises(TypeError, match="rount_trip_time"):
        page.measures(rount_trip_time=1)


async def test_a_session_of_the_script_is_saved_with_its_sound(chat, page, tmp_path):
    page.will_say("ICE finds a way.", sound=ANSWER)
    async with chat.record():
        await chat.connect()
        page.person_says("What is ICE?", sound=QUESTION)
        page.measures(jitter=0.01)
        await page.settled()
    again = VoiceChat.load(chat.save(tmp_path / "session.zip"))
    assert np.array_equal(again.recording.assistant.pcm, chat.recording.assistant.pcm)
    assert again.stats[0].jitter == 0.01
