"""The model calls Python functions; each call gets exactly one output, at the right time."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from tests.unit.server_double import ASK, ITEM, call
from tests.unit.tools.tool_calls import calls, get_weather
from tests.unit.waiting import eventually, settled


async def test_a_tool_is_called_and_its_output_sent(chat, server):
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


async def test_a_call_that_is_reported_twice_runs_once(chat, server):
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


async def test_tools_run_on_the_main_loop_or_in_a_thread(chat, server):
    where = {}
    may_end = threading.Event()

    @chat.tool
    def here() -> None:
        where["here"] = (threading.current_thread(), asyncio.get_running_loop())

    @chat.tool(thread=True)
    def there() -> None:
        assert may_end.wait(5), "the loop goes on while the thread works"
        where["there"] = threading.current_thread()

    await server.connect(tools=[{"name": "here"}, {"name": "there"}])
    await calls(server, call("here", call_id="c1"), call("there", call_id="c2"))
    await asyncio.sleep(0.01)
    assert "there" not in where
    may_end.set()
    await server.takes(ITEM, ITEM, ASK)
    assert where["here"] == (threading.main_thread(), asyncio.get_running_loop())
    assert where["there"] is not threading.main_thread()


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
    chat._session_tools.add({"type": "function", "name": "theirs", "parameters": {}})
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


async def test_many_calls_are_kept_within_bounds(chat):
    from rtc_widget.tools.call_log import ToolCall, ToolCalls

    kept = ToolCalls()
    for number in range(1_200):
        kept.put(ToolCall("f", {}, f"c{number}"))
    assert len(kept) == 1_000
    assert kept[-1].call_id == "c1199"
    assert [one.call_id for one in kept[:2]] == ["c200", "c201"]
    assert "960 earlier calls" in kept._repr_html_()


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
