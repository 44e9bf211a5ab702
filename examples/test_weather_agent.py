"""Tests of a voice app without a browser, a network, a server or a key.

They need pytest-asyncio and the extra ``tools``.
"""

from __future__ import annotations

import pytest
from weather_agent import WeatherAgent

from rtc_widget.errors import MicrophoneDenied
from rtc_widget.testing import ScriptedPage

pytestmark = pytest.mark.asyncio


@pytest.fixture
def page() -> ScriptedPage:
    return ScriptedPage()


@pytest.fixture
def agent(page: ScriptedPage) -> WeatherAgent:
    return WeatherAgent(page=page)


async def test_the_tool_is_called_and_its_answer_said(agent: WeatherAgent, page: ScriptedPage) -> None:
    page.will_call("get_weather", city="Paris")
    page.will_say("It is sunny in Paris, 24 degrees.")
    async with agent.chat as chat:
        page.person_says("How is the weather in Paris?")
        await chat.wait_for("output_audio_buffer.stopped", timeout=5)

    [call] = chat.tools.calls
    assert (call.name, call.arguments, call.result) == ("get_weather", {"city": "Paris"}, "sunny, 24 degrees")
    assert [turn.text for turn in chat.transcript] == [
        "How is the weather in Paris?",
        "It is sunny in Paris, 24 degrees.",
    ]


async def test_a_city_it_does_not_know_is_no_error(agent: WeatherAgent, page: ScriptedPage) -> None:
    page.will_call("get_weather", city="Atlantis")
    page.will_say("I do not know.")
    async with agent.chat as chat:
        answer = await chat.ask("And in Atlantis?")

    assert answer.text == "I do not know."
    [output] = [event.item.output for event in chat.events.of("conversation.item.create") if "output" in event.item]
    assert output == "I know nothing of Atlantis."


async def test_the_model_is_told_of_the_tool(agent: WeatherAgent) -> None:
    async with agent.chat as chat:
        [tool] = chat.session.tools
    assert (tool.name, tool.parameters.required) == ("get_weather", ("city",))


async def test_a_refused_microphone_leaves_the_agent_usable(agent: WeatherAgent, page: ScriptedPage) -> None:
    page.will_refuse(MicrophoneDenied("The microphone was refused."))
    with pytest.raises(MicrophoneDenied):
        await agent.chat.connect()
    assert agent.chat.error["code"] == "microphone_denied"
    await agent.chat.connect(microphone=False)
    assert agent.chat.status == "connected"
