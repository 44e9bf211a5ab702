"""What the page is told about usage and cost."""

from __future__ import annotations

import pytest

from rtc_widget import VoiceChat
from rtc_widget.calls import usage_report
from rtc_widget.errors import InvalidSetting
from rtc_widget.testing import ScriptedPage
from tests.unit.waiting import eventually

PRICES = {"text_output": 16.0, "audio_output": 64.0}


def done(number: int = 1) -> dict:
    details = {"text_tokens": 20, "audio_tokens": 80}
    usage = {"input_tokens": 0, "output_tokens": 100, "output_token_details": details}
    return {"type": "response.done", "response": {"id": f"r{number}", "status": "completed", "usage": usage}}


async def test_the_page_is_told_what_the_calls_have_used(chat, page, server):
    await server.connect()
    assert chat.usage_totals == {"amounts": {}, "cost": None, "unpriced": []}
    await server.says(done())
    assert chat.usage_totals["amounts"] == {"text_output": 20, "audio_output": 80}
    assert chat.usage_totals["cost"] is None


async def test_the_cost_is_that_of_usage_and_follows_the_prices(chat, page, server):
    await server.connect()
    await server.says(done())
    chat.prices = {"text_output": 16}
    assert chat.usage_totals["cost"] is None
    assert chat.usage_totals["unpriced"] == ["audio_output"]
    chat.prices = PRICES
    assert chat.usage_totals["cost"] == pytest.approx(chat.usage.cost(chat.prices))
    assert chat.usage_totals["unpriced"] == []
    chat.prices = None
    assert chat.usage_totals["cost"] is None


async def test_reports_are_at_least_a_second_apart_and_the_last_one_is_complete(chat, page, server, monkeypatch):
    monkeypatch.setattr(usage_report.time, "monotonic", lambda: 100.0)
    later = []
    monkeypatch.setattr(chat._main, "call_later", lambda seconds, function: later.append((seconds, function)))
    await server.connect()
    later.clear()
    reports = []
    chat.observe(lambda change: reports.append(change["new"]["amounts"]["audio_output"]), "usage_totals")
    for number in range(5):
        await server.says(done(number))
    assert reports == [80], "the first at once"
    ((seconds, write),) = [one for one in later if one[1].__name__ == "_write_scheduled"]
    assert seconds == usage_report.REPORT_SECONDS
    write()
    assert reports == [80, 400]


async def test_a_response_that_ends_during_a_pause_of_reports_is_reported_after_it(chat, page, server, monkeypatch):
    monkeypatch.setattr(usage_report, "REPORT_SECONDS", 0.01)
    await server.connect()
    for number in range(3):
        await server.says(done(number))
    await eventually(lambda: chat.usage_totals["amounts"] == {"text_output": 60, "audio_output": 240})


def test_prices_are_checked_at_once():
    with pytest.raises(InvalidSetting, match="'audio_outputs'") as refused:
        VoiceChat(page=ScriptedPage(), prices={"audio_outputs": 64.0})
    assert refused.value.hint == "Did you mean 'audio_output'?"


async def test_prices_are_a_parameter_of_the_widget():
    chat = VoiceChat(page=ScriptedPage(), prices=PRICES)
    assert chat.prices == PRICES
    assert chat.usage_totals["cost"] == 0
    chat.close()


@pytest.mark.parametrize(
    ("prices", "error"),
    [
        ({"audio": 1}, InvalidSetting),
        ({"audio_output": -1}, InvalidSetting),
        ({"audio_output": float("nan")}, InvalidSetting),
        ({"audio_output": "64"}, TypeError),
        ({"audio_output": True}, TypeError),
        ([("audio_output", 64)], TypeError),
    ],
)
async def test_a_wrong_price_list_leaves_the_one_before(chat, prices, error):
    chat.prices = PRICES
    with pytest.raises(error):
        chat.prices = prices
    assert chat.prices == PRICES


async def test_a_misspelt_parameter_is_not_taken_for_a_session_setting():
    with pytest.raises(TypeError, match="Did you mean 'prices'"):
        VoiceChat(page=ScriptedPage(), price={"audio_output": 64.0})


async def test_a_report_that_was_scheduled_on_a_loop_that_ended_keeps_no_later_one_back(
    chat, page, server, monkeypatch
):
    now, later = [100.0], []
    monkeypatch.setattr(usage_report.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(chat._main, "call_later", lambda seconds, function: later.append(function))
    await server.connect()
    await server.says(done(1))
    await server.says(done(2))  # scheduled, and never written
    later.clear()
    now[0] += 2 * usage_report.REPORT_SECONDS
    await server.says(done(3))
    await server.says(done(4))
    assert [function.__name__ for function in later].count("_write_scheduled") == 1
