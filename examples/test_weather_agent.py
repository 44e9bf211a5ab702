"""How an app of your own is tested: no browser, no network, no server, no key."""

from __future__ import annotations

import pytest
from weather_agent import WeatherAgent

from rtc_widget.errors import MicrophoneDenied
from rtc_widget.testing import ScriptedPage


@pytest.fixture
def page() -> ScriptedPage:
    return ScriptedPage()


@pytest.fixture
def agent(page: ScriptedPage) -> WeatherAgent:
    return WeatherAgent(page=page)


def test_the_tool_is_called_and_its_answer_said(agent: WeatherAgent, page: ScriptedPage) -> None:
    page.will_call("get_weather", city="Paris")
    page.will_say("It is sunny in Paris, 24 degrees.")
    page.connect()
    page.person_says("How is the weather in Paris?")

    assert agent.asked == ["Paris"]
    [output] = [event["item"]["output"] for event in page.sent if event["type"] == "conversation.item.create"]
    assert output == '"sunny, 24 degrees"'
    assert [turn.text for turn in agent.chat.transcript] == [
        "How is the weather in Paris?",
        "It is sunny in Paris, 24 degrees.",
    ]


def test_a_city_it_does_not_know_is_no_error(agent: WeatherAgent, page: ScriptedPage) -> None:
    page.will_call("get_weather", city="Atlantis")
    page.will_say("I do not know.")
    page.connect()
    page.person_says("And in Atlantis?")
    assert "nothing of Atlantis" in page.sent[0]["item"]["output"]


def test_a_refused_microphone_leaves_the_agent_usable(agent: WeatherAgent, page: ScriptedPage) -> None:
    page.will_refuse(MicrophoneDenied("The microphone was refused."))
    with pytest.raises(MicrophoneDenied):
        page.connect()
    assert agent.chat.error["code"] == "microphone_denied"
    page.connect(microphone=False)
    assert agent.chat.status == "connected"
