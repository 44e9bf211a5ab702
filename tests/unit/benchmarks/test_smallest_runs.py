"""The smallest runs of those benchmarks that need no browser and no speech."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from benchmarks import connect, log, page, recording, relay, start, voice
from benchmarks._relayed import RelayedEvents
from benchmarks._report import table
from benchmarks._websocket import websocket_listener

from rtc_widget import Event
from rtc_widget.audio.clip import AudioClip


@pytest.fixture
def _smallest_log(monkeypatch):
    monkeypatch.setattr(log, "QUICK_SIZES", (20, 40))
    monkeypatch.setattr(log, "ROUNDS", 1)
    log.models()
    # Each measurement begins with a collection, which takes a fifth of a second with the schemas of these models.
    gc.collect()
    gc.freeze()


@pytest.mark.usefixtures("_smallest_log")
def test_the_log_is_measured_for_each_number_of_events():
    results = list(log.run(True))
    printed = "\n".join(map(table, results))
    assert all(name in printed for name in (*log.WAYS, *log.USES))
    assert results[0].sizes() == [20, 40]
    assert results[-1].title.endswith(": 40")


@pytest.mark.usefixtures("_smallest_log")
def test_what_takes_too_long_is_measured_with_fewer_events(monkeypatch):
    monkeypatch.setattr(log, "LARGEST", {"list in a trait": 20})
    results = list(log.run(True))
    assert set(results[0].samples["list in a trait"]) == {20}
    assert results[-1].title.endswith(": 20")


def test_both_ways_of_recording_keep_all_audio():
    kept, _ = recording.recorded(1, 200)
    lists, _ = recording.kept_in_lists(1, 200)
    assert kept.duration == pytest.approx(1)
    assert sum(map(len, lists["user"])) == recording.RATE
    assert list(kept.user.pcm) == [sample for array in lists["user"] for sample in array]


def test_relayed_events_give_the_time_of_each_and_the_delays():
    events = RelayedEvents([(100, 103), (110, 111), (120, 140)])
    assert events.microseconds_each == pytest.approx(40 / 3 * 1000)
    assert (events.delay_ms(0.5), events.delay_ms(0.99)) == (3, 20)


def test_the_websocket_client_gets_every_event():
    before = time.time() * 1000
    with websocket_listener() as listener:
        burst = listener.emit(20, 2_000, 0)
        steady = listener.emit(5, 200, 500)
    assert 0 <= burst.delay_ms(0) <= burst.delay_ms(1) < time.time() * 1000 - before
    assert steady.delay_ms(0.5) >= 0


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system cannot do it")
def test_files_that_leave_the_cache_are_still_there(tmp_path):
    data = os.urandom(start.SMALLEST_FILE)
    (tmp_path / "model").write_bytes(data)
    start.drop_from_cache(tmp_path)
    assert (tmp_path / "model").read_bytes() == data


def test_every_program_that_is_timed_prints_a_time():
    for programs in start.STEPS.values():
        for program in programs.values():
            assert program.rstrip().endswith("print(time.perf_counter() - began)")
            compile(program, "program", "exec")


def test_speech_ends_with_its_last_sound():
    sound = np.concatenate([np.zeros(800), np.full(1600, 0.5), np.full(1600, 0.001)])
    assert voice.end_of_speech(AudioClip(sound, 8000)) == pytest.approx(0.3)


def test_the_first_sound_after_a_time_is_found():
    sound = np.concatenate([np.full(800, 0.5), np.zeros(800), np.full(800, 0.5)])
    clip = AudioClip(sound, 8000, start=10.0)
    assert voice.first_sound(clip, after=9.0) == pytest.approx(10.0)
    assert voice.first_sound(clip, after=10.1) == pytest.approx(10.2)
    assert voice.first_sound(clip, after=10.3) is None


def test_a_silent_clip_has_no_first_sound():
    assert voice.first_sound(AudioClip(np.zeros(800), 8000), after=0.0) is None


def test_turns_without_an_answer_are_left_out():
    answered = voice.AnsweredTurn({"endpoint": 0.5, "audible": 0.9}, 0)
    unanswered = voice.AnsweredTurn({"endpoint": 0.7}, 1)
    some = voice._stages("stages", [answered, unanswered])
    assert some.samples == {"endpoint": [0.5, 0.7], "audible": [0.9]}
    none = voice._stages("stages", [unanswered])
    assert none.reason == "nothing was answered within 30 s: audible"


def test_recordings_of_people_are_found_where_they_are_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(voice, "HUMAN_CLIPS", tmp_path)
    assert voice.human_clips() == {}
    (tmp_path / "cards").mkdir()
    AudioClip(np.full(800, 0.5), 8000).to_wav(tmp_path / "cards/001.wav")
    [(speaker, [clip])] = voice.human_clips().items()
    assert (speaker, clip.duration) == ("human, cards", pytest.approx(0.1))


def test_bundle_sizes_are_those_of_both_widgets():
    sizes = page.bundle_sizes()
    assert sizes.keys() == {"widget", "peer"}
    assert all(size > 1 for [size] in sizes.values())


def test_an_arrived_event_is_written_when_it_is_the_last(tmp_path):
    cell = {}
    exec(relay.CELL.format(), cell)
    exec(relay.CALL.format(signaling="rtc_widget.OpenAI('not-a-key')", type=relay.EVENT_TYPE), cell)
    cell["arrivals"].expect(3, tmp_path / "arrived.json")
    cell["take"](Event({"type": relay.EVENT_TYPE, "sent_ms": 1}))
    cell["relay"]._handle_custom_msg('{"sent_ms": 2}', [])
    assert list(tmp_path.iterdir()) == []
    cell["relay"].events = [{"sent_ms": 3}]
    arrived = json.loads((tmp_path / "arrived.json").read_text(encoding="utf-8"))
    assert [sent for sent, _ in arrived] == [1, 2, 3]
    cell["chat"].close()


def test_the_cells_of_the_notebooks_make_their_widgets():
    cells = (page.PLAIN + page.WIDGET.format(signaling="rtc_widget.OpenAI('not-a-key')"),)
    for cell in (*cells, connect.WIDGET.format(token="not-a-key", url="http://voice.example/v1")):
        names = {}
        exec(cell, names)
        assert names["chat"].status == "idle"
        names["chat"].close()


async def test_a_delaying_proxy_delays_both_directions():
    async def echo(reader, writer):
        writer.write(await reader.readexactly(4))
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        with connect.delayed(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", 100) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
            began = time.perf_counter()
            writer.write(b"ping")
            assert await reader.readexactly(4) == b"ping"
            assert time.perf_counter() - began >= 0.1
            writer.close()
            await writer.wait_closed()


def test_without_delay_there_is_no_proxy():
    with connect.delayed("http://127.0.0.1:1", 0) as url:
        assert url == "http://127.0.0.1:1"
