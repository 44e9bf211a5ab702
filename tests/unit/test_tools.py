"""The model calls Python functions; whatever they do, it is told something, once, when its turn has come."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Annotated

import pytest

from rtc_widget import Tool, VoiceChat
from rtc_widget.errors import InvalidTool
from tests.unit.server_double import call
from tests.unit.waiting import eventually, settled

ITEM, ASK, UPDATE = "conversation.item.create", "response.create", "session.update"


def get_weather(city: str) -> dict:
    """Tell the weather of a city."""
    return {"city": city, "sky": "sunny"}


def names(session_update):
    return [tool["name"] for tool in session_update["session"]["tools"]]


async def calls(server, *made, response_id="r1", status="completed"):
    await server.begins(response_id)
    await server.ends(response_id, *made, status=status)


async def test_a_tool_is_called_and_its_result_told(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"type": "function", "name": "get_weather"}])
    await calls(server, call("get_weather", '{"city": "Paris"}'))
    output, _ = await server.takes(ITEM, ASK)
    assert output["item"]["type"] == "function_call_output"
    assert output["item"]["call_id"] == "call_1"
    assert json.loads(output["item"]["output"]) == {"city": "Paris", "sky": "sunny"}
    [record] = chat.tools.calls
    assert (record.name, record.arguments, record.status) == ("get_weather", {"city": "Paris"}, "completed")
    assert record.result == {"city": "Paris", "sky": "sunny"}
    assert "get_weather(city='Paris') → completed" in repr(chat.tools.calls)
    assert "get_weather" in chat.tools.calls._repr_html_()
    assert chat.tools.calls.to_pandas().status.tolist() == ["completed"]


async def test_an_answer_that_needs_a_tool_is_one_answer(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    asking = asyncio.ensure_future(chat.ask("The weather in Paris?"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await calls(server, call("get_weather", '{"city": "Paris"}'))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.answers("It is sunny.", "r2")
    assert (await asking).text == "It is sunny."


async def test_parallel_calls_are_answered_together_with_one_request(chat, server):
    gate = asyncio.Event()
    running = []

    @chat.tool
    async def slow(n: int) -> int:
        running.append(n)
        await gate.wait()
        return n

    await server.connect(tools=[{"name": "slow"}])
    await calls(server, call("slow", '{"n": 1}', "c1"), call("slow", '{"n": 2}', "c2"))
    await settled()
    assert running == [1, 2], "side by side"
    assert await server.take() == []
    gate.set()
    first, second, _ = await server.takes(ITEM, ITEM, ASK)
    assert [(one["item"]["call_id"], one["item"]["output"]) for one in (first, second)] == [("c1", "1"), ("c2", "2")]


async def test_the_next_response_is_asked_for_only_when_none_is_under_way(chat, server):
    gate = asyncio.Event()

    @chat.tool
    async def slow() -> str:
        await gate.wait()
        return "done"

    await server.connect(tools=[{"name": "slow"}])
    await calls(server, call("slow"))
    await server.begins("spoken")  # the person has said something meanwhile
    gate.set()
    await server.confirms(*await server.takes(ITEM))
    await server.ends("spoken")
    await server.takes(ASK)


async def test_a_response_that_knows_the_results_is_not_asked_for_twice(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    await calls(server, call("get_weather", '{"city": "Paris"}'))
    output, request = await server.takes(ITEM, ASK)
    await server.confirms(output)
    await server.begins("spoken")
    await server.refuses(request, "conversation_already_has_active_response")
    await server.ends("spoken")
    assert await server.take() == []


@pytest.mark.parametrize("status", ["cancelled", "incomplete", "failed"])
async def test_the_calls_of_a_response_that_was_cut_off_are_not_made(chat, server, status):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    await calls(server, call("get_weather", '{"city": "Par'), status=status)
    assert await server.take() == []
    assert list(chat.tools.calls) == []


async def test_a_call_is_made_once_however_often_it_is_told(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    made = call("get_weather", '{"city": "Paris"}')
    await server.begins()
    await server.says({"type": "response.output_item.done", "response_id": "r1", "item": made})
    await server.ends("r1", made)
    await server.confirms(*await server.takes(ITEM, ASK))
    await calls(server, made, response_id="r2")
    assert await server.take() == []


async def test_a_call_that_stands_only_in_its_own_event_is_made(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    await server.begins()
    made = call("get_weather", '{"city": "Paris"}')
    await server.says({"type": "response.output_item.done", "response_id": "r1", "item": made})
    await server.ends("r1")
    await server.takes(ITEM, ASK)


async def test_a_tool_that_fails_tells_the_model_a_word_and_the_user_everything(chat, server, page, caplog):
    @chat.tool
    def divide(a: int, b: int) -> float:
        return a / b

    await server.connect(tools=[{"name": "divide"}])
    await calls(server, call("divide", '{"a": 1, "b": 0}'))
    output, _ = await server.takes(ITEM, ASK)
    assert json.loads(output["item"]["output"]) == {"error": "ZeroDivisionError: division by zero"}
    [record] = chat.tools.calls
    assert record.status == "failed"
    assert record.error.__traceback__ is not None
    [failure] = chat.errors
    assert str(failure) == "divide(a=1, b=0) failed: ZeroDivisionError: division by zero"
    assert "return a / b" in caplog.text
    note = await page.hears("note")
    assert (note["code"], note["message"]) == ("tool_failed", str(failure))


async def test_a_long_error_is_told_in_short(chat, server, caplog):
    @chat.tool
    def fails() -> None:
        raise ValueError("x" * 5000 + "\nand a second line")

    await server.connect(tools=[{"name": "fails"}])
    await calls(server, call("fails"))
    output, _ = await server.takes(ITEM, ASK)
    assert len(output["item"]["output"]) < 350
    assert "second line" not in output["item"]["output"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (call("get_weather", '{"town": "Paris"}'), "Wrong arguments: city: Field required"),
        (call("get_weather", "{"), "Wrong arguments: The arguments are not valid JSON"),
        (call("fly"), "There is no tool called 'fly'."),
    ],
)
async def test_a_wrong_call_is_told_so(chat, server, made, words):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    await calls(server, made)
    output, _ = await server.takes(ITEM, ASK)
    assert words in json.loads(output["item"]["output"])["error"]
    assert chat.tools.calls[-1].status == "failed"
    assert chat.errors == [], "no fault of the user's"


@pytest.mark.parametrize("thread", [False, True])
async def test_a_tool_that_takes_too_long_is_given_up(chat, server, thread, caplog):
    released = threading.Event()
    if thread:

        @chat.tool(thread=True, timeout=0.05)
        def slow() -> None:
            released.wait(5)
    else:

        @chat.tool(timeout=0.05)
        async def slow() -> None:
            await asyncio.sleep(60)

    await server.connect(tools=[{"name": "slow"}])
    await calls(server, call("slow"))
    output, _ = await server.takes(ITEM, ASK)
    released.set()
    assert "took longer than 0.05 s" in output["item"]["output"]
    assert chat.tools.calls[-1].status == "timed_out"


async def test_a_tool_s_own_timeout_error_is_its_own(chat, server, caplog):
    @chat.tool
    async def asks_elsewhere() -> None:
        raise TimeoutError("the other server is slow")

    await server.connect(tools=[{"name": "asks_elsewhere"}])
    await calls(server, call("asks_elsewhere"))
    output, _ = await server.takes(ITEM, ASK)
    assert "the other server is slow" in output["item"]["output"]
    assert chat.tools.calls[-1].status == "failed"


async def test_tools_run_on_the_main_loop_or_in_a_thread(chat, server):
    where = {}

    @chat.tool
    def here() -> None:
        where["here"] = (threading.current_thread(), asyncio.get_running_loop())

    @chat.tool(thread=True)
    def there() -> None:
        time.sleep(0.05)
        where["there"] = threading.current_thread()

    await server.connect(tools=[{"name": "here"}, {"name": "there"}])
    await calls(server, call("here", call_id="c1"), call("there", call_id="c2"))
    began = time.monotonic()
    await asyncio.sleep(0.01)
    assert time.monotonic() - began < 0.04, "the loop goes on while the thread works"
    await server.takes(ITEM, ITEM, ASK)
    assert where["here"] == (threading.main_thread(), asyncio.get_running_loop())
    assert where["there"] is not threading.main_thread()


@pytest.mark.parametrize(("approved", "status"), [(True, "completed"), (False, "denied")])
async def test_a_tool_that_wants_leave_asks_the_person(chat, server, page, approved, status):
    deleted = []

    @chat.tool(confirm=True)
    def delete_file(path: str) -> str:
        deleted.append(path)
        return "gone"

    await server.connect(tools=[{"name": "delete_file"}])
    await calls(server, call("delete_file", '{"path": "a.txt"}'))
    question = await page.hears("approve")
    assert (question["name"], question["arguments"]) == ("delete_file", {"path": "a.txt"})
    assert chat.tools.calls[-1].status == "asking"
    assert deleted == []
    await page.answer("approve", result={"approved": approved})
    output, _ = await server.takes(ITEM, ASK)
    assert deleted == (["a.txt"] if approved else [])
    assert chat.tools.calls[-1].status == status
    assert ("did not allow" in output["item"]["output"]) is not approved


async def test_a_function_may_say_when_to_ask(chat, server, page):
    @chat.tool(confirm=lambda amount: amount > 100)
    def pay(amount: float) -> str:
        return "paid"

    await server.connect(tools=[{"name": "pay"}])
    await calls(server, call("pay", '{"amount": 5}'))
    await server.confirms(*await server.takes(ITEM, ASK))
    assert page.heard("approve") == []
    await calls(server, call("pay", '{"amount": 500}', "c2"), response_id="r2")
    await page.hears("approve")


async def test_what_the_model_leaves_out_is_known_to_who_confirms(chat, server, page):
    @chat.tool(confirm=lambda to, amount: amount > 100)
    def pay(to: str, amount: float = 500) -> str:
        return "paid"

    await server.connect(tools=[{"name": "pay"}])
    await calls(server, call("pay", '{"to": "Ada"}'))
    asked = await page.hears("approve")
    assert asked["arguments"] == {"to": "Ada", "amount": 500}


def test_confirm_cannot_be_async():
    async def ask(city: str) -> bool:
        return True

    with pytest.raises(InvalidTool, match="async"):
        Tool(get_weather, confirm=ask)


async def test_a_page_that_cannot_ask_means_no(chat, server, page):
    @chat.tool(confirm=True)
    def delete_file(path: str) -> None:
        raise AssertionError("it must not run")

    await server.connect(tools=[{"name": "delete_file"}])
    await calls(server, call("delete_file", '{"path": "a.txt"}'))
    await page.answer("approve", error={"code": "unexpected", "message": "No view.", "hint": ""})
    output, _ = await server.takes(ITEM, ASK)
    assert "could not be asked" in output["item"]["output"]
    assert chat.tools.calls[-1].status == "denied"


async def test_results_that_come_after_the_call_are_kept_and_not_sent(chat, server, page):
    gate = asyncio.Event()

    @chat.tool
    async def slow() -> str:
        await gate.wait()
        return "done"

    await server.connect(tools=[{"name": "slow"}])
    await calls(server, call("slow"))
    page.state("a1", status="idle")
    await settled()
    gate.set()
    await eventually(lambda: chat.tools.calls[-1].status == "completed")
    await settled()
    assert await server.take() == []


async def test_calls_of_another_s_tools_are_left_alone(signaling, server, page, chat):
    chat._offer.add({"type": "function", "name": "theirs", "parameters": {}})
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "theirs"}, {"name": "get_weather"}])
    await calls(server, call("theirs", call_id="c0"))
    assert await server.take() == []
    await calls(server, call("theirs", call_id="c1"), call("get_weather", '{"city": "Rome"}', "c2"), response_id="r2")
    [output] = await server.takes(ITEM)  # the request is left to whoever answers the other call
    assert output["item"]["call_id"] == "c2"


async def test_tools_of_a_response_beside_the_conversation_are_left_alone(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    chat.send({"type": ASK, "response": {"conversation": "none"}})
    await server.take()
    await server.begins("beside", conversation_id=None)
    await server.ends("beside", call("get_weather", '{"city": "Paris"}'))
    assert await server.take() == []


# What the server is told of the tools


async def test_tools_that_are_there_before_the_call_go_with_its_offer(chat, page, signaling):
    chat.tool(get_weather)
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp="v=0\r\n")
    await page.hears("reply")
    [(_, session)] = signaling.offers
    assert [tool["name"] for tool in session["tools"]] == ["get_weather"]
    assert session["instructions"] == "Be brief."


async def test_tools_that_come_and_go_during_a_call_are_told_at_once(chat, server):
    await server.connect()
    chat.tool(get_weather)
    [update] = await server.takes(UPDATE)
    assert update["session"]["type"] == "realtime"
    assert names(update) == ["get_weather"]
    chat.tools.remove(get_weather)
    assert names((await server.takes(UPDATE))[0]) == []
    with pytest.raises(KeyError, match="there are none"):
        chat.tools.remove("get_weather")


async def test_a_server_that_takes_no_settings_with_the_offer_is_told_the_tools(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[])
    assert names((await server.takes(UPDATE))[0]) == ["get_weather"]


async def test_a_server_that_knows_the_tools_is_told_nothing(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"type": "function", "name": "get_weather"}])
    assert await server.take() == []


async def test_a_cell_that_is_run_again_replaces_its_tool(chat):
    chat.tool(get_weather)

    @chat.tool(name="get_weather")
    def better(city: str, day: str = "today") -> str:
        return "rain"

    assert list(chat.tools) == ["get_weather"]
    assert chat.tools["get_weather"].function is better
    assert "get_weather(city, day)" in repr(chat.tools)
    assert "get_weather" in chat.tools._repr_html_()


async def test_the_decorator_gives_the_function_back(chat):
    assert chat.tool(get_weather) is get_weather
    assert chat.tool(thread=True)(get_weather) is get_weather


async def test_a_wrong_definition_fails_where_it_stands(chat):
    with pytest.raises(InvalidTool, match="no type hint"):

        @chat.tool
        def no_hint(city): ...

    assert len(chat.tools) == 0


async def test_tools_are_given_to_the_widget_as_functions_or_descriptions(monkeypatch, signaling):
    import comm

    from tests.unit.comm_double import RecordingComm

    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    mcp = {"type": "mcp", "server_label": "deep", "server_url": "https://mcp.example"}
    widget = VoiceChat(signaling, tools=[get_weather, Tool(get_weather, name="other", confirm=True), mcp])
    assert list(widget.tools) == ["get_weather", "other"]
    assert [tool.get("name") for tool in widget._offer.added_to({})["tools"]] == [None, "get_weather", "other"]
    with pytest.raises(TypeError, match="no function"):
        VoiceChat(signaling, tools=[7])
    widget.close()


async def test_many_calls_are_kept_within_bounds(chat):
    from rtc_widget.tool_calls import ToolCall, ToolCalls

    kept = ToolCalls()
    for number in range(1_200):
        kept.put(ToolCall("f", {}, f"c{number}"))
    assert len(kept) == 1_000
    assert kept[-1].call_id == "c1199"
    assert [one.call_id for one in kept[:2]] == ["c200", "c201"]
    assert "960 earlier calls" in kept._repr_html_()


def _known(word: str) -> str:
    return {"a": "b"}[word]


async def test_a_parameter_whose_own_check_fails_is_answered_and_so_are_its_siblings(chat, server):
    pydantic = pytest.importorskip("pydantic")

    def look_up(word) -> str:
        return word

    look_up.__annotations__["word"] = Annotated[str, pydantic.AfterValidator(_known)]
    chat.tool(look_up)
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "look_up"}, {"name": "get_weather"}])
    await calls(server, call("look_up", '{"word": "x"}', "c1"), call("get_weather", '{"city": "Paris"}', "c2"))
    first, second, _ = await server.takes(ITEM, ITEM, ASK)
    assert "KeyError" in first["item"]["output"]
    assert "sunny" in second["item"]["output"]
    assert chat.errors[-1].call.name == "look_up"


async def test_a_tool_that_waited_for_something_cancelled_is_answered(chat, server):
    @chat.tool
    async def wait() -> str:
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        return await gone

    await server.connect(tools=[{"name": "wait"}])
    await calls(server, call("wait"))
    output, _ = await server.takes(ITEM, ASK)
    assert "CancelledError" in output["item"]["output"]
    assert chat.tools.calls[0].status == "failed"


async def test_calls_of_the_same_id_in_two_sessions_both_stand_in_the_record(chat, server):
    chat.tool(get_weather)
    for attempt, city in (("a1", "Paris"), ("a2", "Rome")):
        await server.connect(attempt, tools=[{"name": "get_weather"}])
        text = '{"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [%s]}}'
        made = json.dumps(call("get_weather", json.dumps({"city": city})))
        server.page.events(text % made, attempt=attempt)
        await settled()
        server.page.state(None, status="idle")
        await settled()
    assert [one.arguments["city"] for one in chat.tools.calls] == ["Paris", "Rome"]
    assert {one.status for one in chat.tools.calls} == {"completed"}
