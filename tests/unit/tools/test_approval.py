"""Tools that need approval: the widget asks the user before they run."""

from __future__ import annotations

import pytest

from rtc_widget import Tool
from rtc_widget.errors import InvalidTool
from tests.unit.server_double import ASK, ITEM, call
from tests.unit.tools.tool_calls import calls, get_weather


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
    await page.reply("approve", result={"approved": approved})
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
    await page.reply("approve", error={"code": "unexpected", "message": "No view.", "hint": ""})
    output, _ = await server.takes(ITEM, ASK)
    assert "could not be asked" in output["item"]["output"]
    assert chat.tools.calls[-1].status == "denied"
