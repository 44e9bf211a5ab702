"""Real calls without a browser: aiortc on a thread of its own calls the embedded server."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from rtc_widget import Local, OpenAI
from rtc_widget.errors import (
    Cancelled,
    ClipInterrupted,
    DeviceNotFound,
    InvalidKey,
    MessageTooLarge,
    PageTimeout,
    SendQueueFull,
    ServerUnreachable,
)
from rtc_widget.headless.page import page_thread
from rtc_widget.server.process import running_address, shared_process
from tests.headless.conftest import ANSWER, QUESTION, question, sockets, threads
from tests.limits import HANGS, eventually
from tests.speech import recognize, word_error_rate


@pytest.mark.alone
async def test_a_spoken_question_is_heard_and_answered_and_both_are_recorded(make):
    chat = make(Local(reply=lambda text: ANSWER))
    recorder = chat.record()
    seen = []
    traits = ["status", "connection_state", "data_channel_state", "microphone_permission"]
    chat.observe(lambda change: seen.append((change.name, change.new)), traits)
    await chat.connect(timeout=HANGS)
    answering = asyncio.ensure_future(chat.wait_for("output_audio_buffer.stopped", timeout=HANGS))
    said = await chat.say(question(), timeout=HANGS)
    await answering
    recording = await recorder.finish()

    assert [turn.role for turn in chat.transcript] == ["user", "assistant"]
    assert word_error_rate(QUESTION, chat.transcript[0].text) <= 0.2
    assert chat.transcript[1].text == ANSWER
    heard = recognize(recording.assistant.pcm, recording.assistant.sample_rate)
    assert word_error_rate(chat.transcript[1].text, heard) <= 0.2
    asked = recording.user.between(said.start, said.end)
    assert word_error_rate(QUESTION, recognize(asked.pcm, asked.sample_rate)) <= 0.2
    # Both on one clock: the answer begins when its event says so.
    began = chat.events.last("output_audio_buffer.started").elapsed
    before = recording.assistant.between(said.start, began - 0.2)
    after = recording.assistant.between(began + 0.2, began + 2)
    assert abs(before.samples).max() < 0.02 < abs(after.samples).max()

    def values(name):
        return [value for key, value in seen if key == name]

    assert values("status") == ["connecting", "connected"]
    assert values("connection_state") == ["connecting", "connected"]
    assert values("data_channel_state") == ["connecting", "open"]
    assert values("microphone_permission") == ["granted"]
    types = [event.type for event in chat.events.of("*", direction="received")]
    assert types[0] == "session.created"
    await chat.disconnect()
    assert (chat.status, chat.data_channel_state, chat.call_id, chat.error) == ("idle", "closed", None, None)


@pytest.mark.alone
async def test_an_answer_that_was_asked_for_brings_its_sound(make):
    chat = make(Local(reply=lambda text: ANSWER), microphone=False)
    await chat.connect(timeout=HANGS)
    turn = await chat.ask("What is ICE?")
    assert word_error_rate(turn.text, recognize(turn.audio.pcm, turn.audio.sample_rate)) <= 0.2
    assert not chat.is_recording
    assert (await chat.ask("What is SDP?", until_spoken=False)).audio is None


async def test_a_response_that_the_voice_cannot_speak_is_shown_as_text_and_not_as_heard(make):
    chat = make(Local(reply=lambda text: "你好" if "first" in text else "Hello."), microphone=False)
    await chat.connect(timeout=HANGS)
    turn = await chat.ask("The first question.", timeout=HANGS)
    assert (turn.text, turn.heard, turn.unspoken, turn.status) == ("你好", "", True, "completed")
    assert turn.audio is None
    turn = await chat.ask("The next question.", timeout=HANGS)
    assert (turn.heard, turn.unspoken) == ("Hello.", False)
    assert [turn.heard for turn in chat.transcript if turn.role == "assistant"] == ["", "Hello."]
    assert "你好 *(not spoken)*" in chat.transcript.to_markdown()
    assert 'title="not heard">你好</s> <small>— not spoken</small>' in chat.transcript._repr_html_()


def flood(chat):
    """Send events in one breath until they are refused; return how many were sent."""
    for number in range(100_000):
        try:
            chat.send({"type": "test.flood", "number": number})
        except SendQueueFull:
            return number
    return 100_000


@pytest.mark.alone
async def test_a_call_goes_on_after_a_flood_of_events(make):
    chat = make(Local(reply=lambda text: "Hello."), microphone=False)
    await chat.connect(timeout=HANGS)
    sent = flood(chat)
    assert sent >= 5_000
    await eventually(lambda: len(chat.events.of("error")) >= 500)
    turn = await chat.ask("What is ICE?", timeout=HANGS)
    assert turn.text == "Hello."
    assert (chat.status, chat.error) == ("connected", None)
    assert len(chat.events.of("error", direction="received")) == sent, "the server has received all that was sent"
    assert [event.number for event in chat.events.of("test.flood")] == list(range(sent))


async def test_statistics_come_once_a_second_and_read_like_a_browsers(make):
    chat = make()
    await chat.connect(timeout=HANGS)
    await eventually(lambda: len(chat.stats) >= 3)
    between = [later.elapsed - earlier.elapsed for earlier, later in pairwise(chat.stats)]
    assert statistics.median(between) > 0.5
    last = chat.stats[-1]
    assert last.codec == "opus 48000/2"
    # How long a packet takes is the machine's affair; it must be what aiortc has measured, in seconds.
    raw = last.raw
    assert last.jitter in [report.get("jitter") for report in raw if report["type"] == "inbound-rtp"]
    measured = [report.get(name) for report in raw for name in ("roundTripTime", "currentRoundTripTime")]
    assert last.round_trip_time in [None, *measured]
    assert last.candidate_pair.local_type == "host"
    assert last.sent_bitrate > 0


@pytest.mark.alone
async def test_two_calls_at_once_do_not_hear_each_other(make):
    chats = [make(Local(reply=lambda text: f"One heard {text}")), make(Local(reply=lambda text: f"Two heard {text}"))]
    await asyncio.gather(*(chat.connect(timeout=HANGS) for chat in chats))
    questions = ["What is a jitter buffer?", "How does a microphone work?"]
    done = [asyncio.ensure_future(chat.wait_for("response.done", timeout=HANGS)) for chat in chats]
    await asyncio.gather(
        *(chat.say(question(text), timeout=HANGS) for chat, text in zip(chats, questions, strict=True))
    )
    await asyncio.gather(*done)
    for chat, text, name in zip(chats, questions, ("One", "Two"), strict=True):
        assert word_error_rate(text, chat.transcript[0].text) <= 0.2
        assert chat.transcript[1].text.startswith(f"{name} heard")


async def test_a_wrong_key_is_raised_by_connect_and_stands_in_the_error(make):
    address = running_address()
    chat = make(OpenAI("sk-wrong", base_url=f"{address.url}/v1"))
    with pytest.raises(InvalidKey):
        await chat.connect(timeout=HANGS)
    assert chat.status == "error"
    assert chat.error["code"] == "invalid_key"
    assert "sk-wrong" not in str(chat.error)


async def test_no_server_at_that_address_is_raised_by_connect(make):
    chat = make(OpenAI("sk-x", base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(ServerUnreachable):
        await chat.connect(timeout=HANGS)
    stopped = (await chat.diagnose()).stopped_at
    assert stopped.name == "Offer and answer exchanged"
    await chat.disconnect()
    assert chat.status == "idle"


async def test_a_busy_cell_holds_up_neither_sound_nor_events(make):
    chat = make()
    await chat.connect(timeout=HANGS)
    with chat.record():
        chat.send_text(QUESTION)
        time.sleep(7)  # noqa: ASYNC251 - that is the point
    assert "response.done" not in [event.type for event in chat.events], "the loop has not run"
    assert chat.recording.duration > 3.5, "sound was recorded all the while"
    await chat.wait_for("*", timeout=HANGS)
    await eventually(lambda: chat.events.last("response.done"))
    assert chat.events.last("response.done").response.status == "completed"


@contextmanager
def starved(pid: int) -> Iterator[None]:
    """Let a process run for only a quarter of the time, as on a machine with far too much to do."""
    fed = threading.Event()

    def starve() -> None:
        while not fed.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.3)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.1)

    starving = threading.Thread(target=starve)
    starving.start()
    try:
        yield
    finally:
        fed.set()
        starving.join()


async def test_a_starved_server_hears_one_sentence_as_it_was_said(make):
    sentence = "What is the weather like in Paris today?"
    chat = make(Local(reply=lambda text: "It is sunny."))
    await chat.connect(timeout=HANGS)

    async def say() -> float:
        """Return how many seconds of sound the server took for the sentence."""
        responding = asyncio.ensure_future(chat.wait_for("response.done", timeout=HANGS))
        await chat.say(question(sentence), timeout=HANGS)
        await responding
        return chat.events.last("conversation.item.input_audio_transcription.completed").usage["seconds"]

    at_rest = await say()
    with starved(shared_process().pid):
        seconds = await say()
    heard = [turn.text for turn in chat.transcript if turn.role == "user"]
    assert [word_error_rate(sentence, text) <= 0.2 for text in heard] == [True, True], heard
    assert seconds == pytest.approx(at_rest, abs=0.15), "no silence was put between the words"


async def test_disconnect_and_close_hang_the_server_up(make):
    import httpx

    address = running_address()

    async def calls():
        headers = {"Authorization": f"Bearer {address.token}"}
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{address.url}/health", headers=headers)).json()["call_ids"]

    before = await calls()
    one, two = make(), make()
    await one.connect(timeout=HANGS)
    await two.connect(timeout=HANGS)
    assert {one.call_id, two.call_id} <= set(await calls())
    await one.disconnect()
    two.close()
    async with asyncio.timeout(HANGS):
        while set(await calls()) - set(before):
            await asyncio.sleep(0.05)


async def test_twenty_calls_leave_nothing_behind(make):
    chat = make()
    await chat.connect(timeout=HANGS)
    await chat.disconnect()
    await asyncio.sleep(1)
    before = threads(), sockets()
    for _ in range(20):
        await chat.connect(timeout=HANGS)
        await chat.disconnect()
    await eventually(lambda: sockets() <= before[1])
    # The loop's pool of workers may have grown to its size; every other thread is one that was there.
    new = {name for name in threads() - before[0] if not name.startswith("asyncio_")}
    assert new == set()
    await nothing_goes_on()


async def nothing_goes_on():
    """Wait until no task is left on the pages' thread."""

    async def tasks():
        return [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    deadline = time.monotonic() + HANGS
    while left := await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(tasks(), page_thread()._loop)):
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.1)


async def test_a_call_that_is_called_off_while_it_is_made_raises_and_leaves_no_call(make):
    chat = make()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await eventually(lambda: chat.status == "connecting")
    await chat.disconnect()
    with pytest.raises(Cancelled):
        await connecting
    assert chat.status == "idle"


async def test_a_connect_that_is_cancelled_at_any_moment_leaves_nothing_behind(make):
    chat = make()
    await chat.connect(timeout=HANGS)
    await chat.disconnect()
    complaints = []
    page = page_thread()._loop
    page.set_exception_handler(lambda _loop, context: complaints.append(str(context)))
    for state, pause in [("new", 0.0), ("new", 0.1), ("checking", 0.0), ("checking", 0.05), ("completed", 0.0)]:
        connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
        # A state may be over before it was looked at; the call stands then, which is a moment as good.
        await eventually(
            lambda state=state: (
                chat.status == "connected" or (chat.status == "connecting" and chat.ice_connection_state == state)
            )
        )
        await asyncio.sleep(pause)
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await chat.disconnect()
    await nothing_goes_on()
    gc.collect()
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), page))
    page.set_exception_handler(None)
    assert complaints == []


@pytest.mark.alone
async def test_a_clip_in_the_microphones_place_is_heard_once_in_each_call(make):
    chat = make(microphone=question())
    for _ in range(2):
        await chat.connect(timeout=HANGS)
        await chat.wait_for("response.done", timeout=HANGS)
        await chat.disconnect()
    heard = [turn.text for turn in chat.transcript if turn.role == "user"]
    assert [word_error_rate(QUESTION, text) <= 0.2 for text in heard] == [True, True]


async def test_muting_silences_the_microphone_and_no_clip_that_is_said(make):
    chat = make(microphone=question())
    chat.mute()  # in the line after it was made
    await chat.connect(timeout=HANGS)
    assert chat.muted
    await asyncio.sleep(3)
    assert not chat.events.of("input_audio_buffer.speech_started")
    answering = asyncio.ensure_future(chat.wait_for("response.done", timeout=HANGS))
    await chat.say(question(), timeout=HANGS)
    await answering


async def test_a_clip_can_be_cut_off_and_ends_with_the_call(make):
    chat = make()
    await chat.connect(timeout=HANGS)
    with pytest.raises(PageTimeout):
        await chat.say(question("What is a jitter buffer, and what is ICE, and what is Opus?"), timeout=0.3)
    saying = asyncio.ensure_future(chat.say(question(), timeout=HANGS))
    await asyncio.sleep(0.2)
    await chat.disconnect()
    with pytest.raises(ClipInterrupted):
        await saying


async def test_a_message_larger_than_the_channel_carries_is_refused_before_it_is_sent(make):
    chat = make()
    await chat.connect(timeout=HANGS)
    with pytest.raises(MessageTooLarge, match="bytes, more than the"):
        chat.send({"type": "session.update", "session": {"type": "realtime", "instructions": "x" * 20_000_000}})
    assert chat.error is None
    assert chat.status == "connected"


async def test_a_large_message_within_the_limit_arrives(make):
    chat = make()
    await chat.connect(timeout=HANGS)
    chat.send({"type": "session.update", "session": {"type": "realtime", "instructions": "x" * 200_000}})
    updated = await chat.wait_for("session.updated", timeout=HANGS)
    assert len(updated.session.instructions) == 200_000


async def test_a_call_without_a_microphone_writes_and_listens(make):
    chat = make(microphone=False)
    await chat.connect(timeout=HANGS)
    assert chat.receive_only
    assert chat.microphone_permission == "prompt"
    chat.send_text("What is ICE?")
    await chat.wait_for("response.done", timeout=HANGS)


async def test_there_are_no_devices_and_that_is_said(make):
    chat = make()
    assert await chat.devices() == []
    assert await chat.use_microphone(None) == []
    with pytest.raises(DeviceNotFound, match="without a browser"):
        await chat.use_microphone("Desk")


async def test_the_longest_duration_ends_a_call(make):
    chat = make(max_duration=1.5)
    await chat.connect(timeout=HANGS)
    await eventually(lambda: chat.status == "error")
    assert chat.error["code"] == "call_too_long"
    assert "2 s" in chat.error["message"] or "1.5 s" in chat.error["message"]


async def test_events_come_to_callbacks_on_the_main_thread_in_order(make):
    chat, seen = make(), []
    chat.on("*", lambda event: seen.append((event.type, threading.current_thread())))
    await chat.connect(timeout=HANGS)
    chat.send_text("What is ICE?")
    await chat.wait_for("response.done", timeout=HANGS)
    assert {thread for _, thread in seen} == {threading.main_thread()}
    assert [type for type, _ in seen] == [event.type for event in chat.events][: len(seen)]


async def test_the_page_can_make_the_exchange_itself(make):
    address = running_address()
    chat = make(OpenAI(address.token, base_url=f"{address.url}/v1"), exchange="browser")
    await chat.connect(timeout=HANGS)
    assert chat.status == "connected"
    await eventually(lambda: chat.call_id)
    await chat.disconnect()
