"""Work that the voice model hands over: to a model of the service, or to a Python function."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget import VoiceChat
from rtc_widget.errors import InvalidTool
from rtc_widget.testing.scripted_server import ScriptedCall, ScriptedResponse
from tests.limits import eventually
from tests.unit.conftest import ScriptedSignaling
from tests.unit.protocols.live.conftest import types


class WithoutBackend(ScriptedSignaling):
    """A signaling that says nothing about a backend."""

    protocol = "live"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("rtc_widget.protocols.live.client_work.QUIET_SECONDS", 0.0)
    monkeypatch.setattr("rtc_widget.protocols.live.client_work.PATIENCE_SECONDS", 0.01)


def says(page, text):
    return lambda: any(event.get("content") == text for event in page.sent)


# A model of the service


async def test_a_function_is_called_by_the_backend_and_its_output_is_spoken(make, page):
    chat = make()

    @chat.tool
    def roll(sides: int) -> int:
        "Roll a die."
        return sides - 2

    await chat.connect()
    page.will_call("roll", sides=6)
    page.will_say("It shows four.")
    page.person_says("Roll a die please")
    await eventually(lambda: types(page) == ["response.item.create", "response.create"])
    await page.settled()
    assert page.sent[0]["item"] == {"type": "function_call_output", "call_id": "call_1", "output": "4"}
    assert [turn.text for turn in chat.transcript] == ["Roll a die please", "It shows four."]
    [delegation] = chat.delegations
    assert (delegation.target, delegation.status, delegation.calls) == ("responses", "completed", ("roll",))
    assert delegation.response_ids == ("resp_1", "resp_2")
    assert chat.latency()[0].first_audio == pytest.approx(0.8)


async def test_the_outputs_of_all_calls_come_before_one_request(make, page):
    chat = make()

    @chat.tool
    def roll(sides: int) -> int:
        "Roll a die."
        return sides

    await chat.connect()
    calls = (ScriptedCall("roll", {"sides": 6}), ScriptedCall("roll", {"sides": 20}))
    page.will_respond(ScriptedResponse(None, calls=calls))
    page.will_say("Six and twenty.")
    page.person_says("Roll two dice")
    await eventually(lambda: "response.create" in types(page))
    assert types(page) == ["response.item.create", "response.item.create", "response.create"]


async def test_results_that_the_queue_does_not_take_together_are_cut_and_say_so(make, page, caplog):
    chat = make()

    @chat.tool
    def read() -> str:
        "Read a book."
        return "é" * 10_000

    await chat.connect()
    page.will_respond(ScriptedResponse(None, calls=(ScriptedCall("read", {}), ScriptedCall("read", {}))))
    page.will_say("They are long.")
    page.person_says("Read the books")
    await eventually(lambda: "response.create" in types(page))
    outputs = [event["item"]["output"] for event in page.sent[:2]]
    assert sum(len(output.encode()) for output in outputs) <= 30_000
    assert all("20,000 bytes; only the beginning could be sent" in output for output in outputs)
    assert "was cut" in caplog.text
    assert len(chat.events.of("error")) == 0


async def test_the_calls_of_a_response_that_fails_are_not_run(make, page):
    chat = make()
    ran = []

    @chat.tool
    def roll() -> None:
        "Roll a die."
        ran.append(1)

    await chat.connect()
    page.will_respond(ScriptedResponse(None, calls=(ScriptedCall("roll", {}),), error="Out of luck."))
    page.person_says("Roll")
    await page.settled()
    assert ran == []
    assert chat.delegations[0].status == "failed"
    assert chat.error["message"].endswith("Out of luck.")
    page.will_say("Still here.")
    assert (await chat.ask("Hello?")).text == "Still here.", "nothing is owed any more"


async def test_a_new_function_is_told_during_a_session_beside_the_hosted_tools(make, page):
    from rtc_widget import ResponsesBackend

    chat = make(ResponsesBackend("gpt-6-luna", tools=[{"type": "web_search"}]))
    await chat.connect()

    @chat.tool
    def roll() -> int:
        "Roll a die."
        return 4

    await page.settled()
    [event] = page.sent
    tools = event["session"]["delegation"]["responses"]["tools"]
    assert [tool.get("name", tool["type"]) for tool in tools] == ["web_search", "roll"]


@pytest.mark.parametrize("backend", [None, lambda text: text])
def test_a_function_without_a_model_that_calls_it_is_refused_at_once(make, backend):
    chat = make(backend)

    def roll() -> int:
        "Roll a die."
        return 4

    with pytest.raises(InvalidTool, match=r"calls no functions.*backend="):
        chat.tool(roll)
    assert list(chat.tools) == []
    with pytest.raises(InvalidTool):
        make(backend, tools=[roll])


async def test_a_function_is_refused_at_once_in_a_session_that_has_begun_without_a_backend(page):
    chat = VoiceChat(WithoutBackend(), page=page, delegation={"type": "client"})
    await chat.connect()

    def roll() -> int:
        "Roll a die."
        return 4

    for _ in range(2):  # the cell is run again
        with pytest.raises(InvalidTool, match=r"begun without a backend.*Disconnect, add the function, and connect"):
            chat.tool(roll)
    assert list(chat.tools) == []
    assert page.sent == []
    await chat.disconnect()
    chat.tool(roll)
    await chat.connect()
    assert chat.session.raw["delegation"]["responses"]["tools"][0]["name"] == "roll"
    chat.close()


async def test_tokens_of_the_backend_are_counted_by_model(make, page):
    chat = make()
    await chat.connect()
    page.will_say("Nine.", usage={"input_tokens": 100, "output_tokens": 20, "total_tokens": 120})
    await chat.ask("What is 4 + 5?")
    usage = chat.usage
    assert (usage["text_input"], usage["text_output"]) == (100, 20)
    assert usage.by_model()["backend"].total_tokens == 120
    prices = {"minute": 0.06, "standby_minute": 0.02, "text_input": 1e6, "text_output": 0.0}
    assert usage.cost(prices) == pytest.approx(100 + 0.001 * usage.seconds)


# A Python function


async def test_a_function_gets_what_the_user_has_said_and_its_result_is_spoken(make, page):
    heard = []
    chat = make(lambda text: heard.append(text) or "The die shows four.")
    await chat.connect()
    page.will_delegate("One moment.")
    page.person_says("Roll a die please")
    await eventually(says(page, "The die shows four."))
    await page.settled()
    assert heard == ["Roll a die please"]
    assert page.sent[-1]["delegation_id"] == chat.delegations[0].id
    assert chat.delegations[0].status == "completed"
    assert [turn.text for turn in chat.transcript] == ["Roll a die please", "One moment.", "The die shows four."]


async def test_a_function_may_take_the_conversation_and_yield(make, page):
    got = []

    async def work(conversation):
        got.extend(conversation)
        yield "First."
        yield "Second."

    chat = make(work)
    await chat.connect()
    page.will_delegate("One moment.")
    page.person_says("Roll a die please")
    await eventually(says(page, "Second."))
    assert got == [
        {"role": "user", "content": "Roll a die please"},
        {"role": "assistant", "content": "One moment."},
    ]
    assert [event["content"] for event in page.sent] == ["First.", "Second."]


async def test_a_function_that_fails_is_told_to_both(make, page):
    def work(text):
        raise ValueError("no die")

    chat = make(work)
    await chat.connect()
    page.will_delegate()
    page.person_says("Roll")
    await eventually(lambda: page.sent)
    assert "failed" in page.sent[0]["content"]
    [failure] = chat.errors
    assert str(failure) == "work(…) failed: ValueError: no die"
    assert isinstance(failure.error, ValueError)


@pytest.mark.parametrize("result", [7, b"x", {"a": 1}])
async def test_a_function_must_return_text(make, page, result):
    chat = make(lambda text: result)
    await chat.connect()
    page.will_delegate()
    page.person_says("Roll")
    await eventually(lambda: chat.errors)
    assert "must return str" in str(chat.errors[0])


async def test_work_is_dropped_with_its_call(make, page):
    may_end = asyncio.Event()

    async def work(text):
        await may_end.wait()
        return "Too late."

    chat = make(work)
    await chat.connect()
    page.will_delegate()
    page.person_says("Roll")
    await page.settled()
    page.server_hangs_up()
    await page.settled()
    assert chat.delegations[0].status == "incomplete"
    may_end.set()
    await chat.connect()
    await page.settled()
    assert page.sent == []
    assert chat.errors == []


async def test_without_a_function_the_voice_declines(make, page):
    chat = make(None)
    await chat.connect()
    page.will_delegate()
    page.person_says("Roll")
    await eventually(lambda: page.sent)
    assert page.sent[0]["type"] == "session.commentary.append"
    assert page.sent[0]["delegation_id"] == chat.delegations[0].id


async def test_code_of_the_user_may_do_the_work_itself(make, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.protocols.live.client_work.PATIENCE_SECONDS", 300.0)
    chat = make(None)

    @chat.on("session.delegation.created")
    async def work(event):
        await chat.tell("It shows four.", delegation_id=event.delegation.id)

    await chat.connect()
    page.will_delegate()
    page.person_says("Roll")
    await eventually(says(page, "It shows four."))
    await page.settled()
    client_work = chat._session._work
    client_work._decline(chat.delegations[0].id, client_work._number)  # the time is over
    assert len(page.sent) == 1
