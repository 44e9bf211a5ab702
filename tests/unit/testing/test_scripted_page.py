"""The scripted page for tests of voice apps: it follows requests, plays the server, and follows the script."""

from __future__ import annotations

import asyncio
import doctest
import importlib

import pytest

from rtc_widget import VoiceChat
from rtc_widget.errors import MicrophoneDenied, NotConnected, PageTimeout
from rtc_widget.testing import ScriptedPage
from rtc_widget.testing.scripted_server import ScriptedCall, ScriptedResponse
from tests.limits import HANGS


@pytest.fixture
async def page():
    return ScriptedPage()


@pytest.fixture
async def chat(page):
    widget = VoiceChat(page=page)
    yield widget
    widget.close()


async def test_a_spoken_question_is_answered_with_the_next_line_of_the_script(chat, page):
    page.will_say("ICE finds a way.")
    await chat.connect()
    page.person_says("What is ICE?")
    await page.settled()
    assert [(turn.role, turn.text, turn.status) for turn in chat.transcript] == [
        ("user", "What is ICE?", "completed"),
        ("assistant", "ICE finds a way.", "completed"),
    ]


async def test_a_written_question_can_be_awaited_like_a_real_one(chat, page):
    page.will_say("A moment of patience.", usage={"total_tokens": 7})
    await chat.connect()
    waiting = asyncio.ensure_future(chat.wait_for("response.done", timeout=HANGS))
    await asyncio.sleep(0)
    chat.send_text("What is a jitter buffer?")
    done = await waiting
    assert done.response.usage.total_tokens == 7
    assert done.response.output[0].content[0].transcript == "A moment of patience."
    assert [event["type"] for event in page.sent] == ["conversation.item.create", "response.create"]
    assert len(chat.events.of("*", direction="sent")) == 2


async def test_states_go_the_way_of_a_real_call(chat, page):
    seen = []
    chat.observe(lambda change: seen.append(change.new), "status")
    await chat.connect()
    page.loses_connection()
    page.recovers()
    await chat.disconnect()
    assert seen == ["connecting", "connected", "reconnecting", "connected", "idle"]
    assert chat.data_channel_state == "closed"


async def test_a_refused_microphone_is_raised_by_connect_and_the_next_call_stands(chat, page):
    page.will_refuse(MicrophoneDenied("The microphone was refused."))
    with pytest.raises(MicrophoneDenied):
        await chat.connect()
    assert chat.status == "error"
    assert chat.error["code"] == "microphone_denied"
    await chat.connect()
    assert chat.status == "connected"


async def test_a_server_that_hangs_up_is_an_error(chat, page):
    await chat.connect()
    page.server_hangs_up()
    await page.settled()
    assert (chat.status, chat.error["code"]) == ("error", "server_hung_up")
    with pytest.raises(NotConnected):
        chat.send_text("Is anybody there?")


async def test_a_page_that_falls_silent_is_given_up(chat, page):
    page.falls_silent()
    with pytest.raises(PageTimeout):
        await chat.connect(timeout=0.05)


async def test_the_model_can_call_tools_and_hear_what_came_of_it(chat, page):
    page.will_respond(
        ScriptedResponse(calls=(ScriptedCall("weather", {"city": "Paris"}), ScriptedCall("weather", {"city": "Rome"})))
    )
    page.will_say("Sunny in both.")
    await chat.connect()

    asked = []

    @chat.tool
    def weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "sunny"

    chat.send_text("How is the weather in Paris and Rome?")
    async with asyncio.timeout(HANGS):
        while not chat.transcript or chat.transcript[-1].text != "Sunny in both.":
            await asyncio.sleep(0.01)
    assert sorted(asked) == ["Paris", "Rome"]
    outputs = [event["item"]["output"] for event in page.sent if "function_call_output" in str(event)]
    assert ["sunny" in output for output in outputs] == [True, True]


async def test_a_script_without_another_line_says_so_instead_of_keeping_silent(chat, page):
    await chat.connect()
    chat.send_text("Hello?")
    await page.settled()
    done = chat.events.last("response.done")
    assert done.response.status == "failed"
    assert "will_say" in done.response.status_details.error.message


async def test_a_reaction_replaces_what_the_server_would_do(chat, page):
    page.reacts("response.create", lambda event: {"type": "error", "error": {"message": "No."}})
    await chat.connect()
    chat.send_text("Hello?")
    await page.settled()
    assert chat.events.last("error").error.message == "No."
    assert not chat.events.of("response.*", direction="received")


async def test_without_turn_detection_a_person_is_heard_and_nobody_answers(chat, page):
    await chat.connect()
    chat.send({"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}})
    page.will_say("Too early.")
    page.person_says("Let me think.")
    await page.settled()
    assert [turn.role for turn in chat.transcript] == ["user"]


async def test_a_server_that_states_null_for_every_setting_of_the_input_detects_turns():
    """Hugging Face speech-to-speech has not set any."""
    unset = dict.fromkeys(("format", "noise_reduction", "transcription", "turn_detection"))
    page = ScriptedPage(session={"audio": {"input": unset}})
    chat = VoiceChat(page=page)
    await chat.connect()
    page.will_say("Yes?")
    page.person_says("Hello.")
    await page.settled()
    assert [turn.text for turn in chat.transcript] == ["Hello.", "Yes?"]


async def test_time_goes_by_only_on_its_own_clock(chat, page):
    await chat.connect()
    page.receives({"type": "one"})
    page.passes(60)
    page.receives({"type": "two"})
    await page.settled()
    one, two = chat.events.of("one")[0], chat.events.of("two")[0]
    assert (two.time - one.time).total_seconds() == pytest.approx(60, abs=0.01)


def test_an_app_that_makes_its_own_widget_is_given_the_page():
    def app():
        return VoiceChat(instructions="Be brief.")

    with ScriptedPage().in_use() as page:
        chat = app()
    page.connect()
    assert chat.status == "connected"
    chat.close()
    assert "connected" not in repr(VoiceChat())


def test_no_server_is_started_for_it():
    from rtc_widget.server import process

    before = process._shared
    VoiceChat(page=ScriptedPage()).close()
    assert process._shared is before


@pytest.mark.parametrize("name", ["", ".scripted_page"])
def test_the_examples_of_its_documentation_run(name):
    module = importlib.import_module(f"rtc_widget.testing{name}")
    tried = doctest.testmod(module)
    assert tried.attempted
    assert not tried.failed


async def test_the_session_is_what_the_app_wants():
    page = ScriptedPage(session={"voice": "marin", "instructions": "Be long."})
    chat = VoiceChat(page=page, turn_detection=None, instructions="Be brief.")
    page.will_say("It finds a way.")
    page.connect()
    await page.settled()
    assert (chat.session.instructions, chat.session.voice) == ("Be brief.", "marin")
    assert chat.session.turn_detection is None
    page.person_says("What is ICE?")
    await page.settled()
    assert len(chat.events.of("response.created")) == 0
    chat.send({"type": "response.create"})
    await page.settled()
    assert chat.transcript[-1].text == "It finds a way."
    chat.close()
