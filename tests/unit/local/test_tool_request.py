from __future__ import annotations

from typing import Any

import pytest

from rtc_widget.local.mind import Tool
from rtc_widget.local.tool_request import requested, spoken_result


def tool(name: str, description: str = "", *, required: tuple[str, ...] = (), **properties: Any) -> Tool:
    return Tool(name, description, {"type": "object", "properties": properties, "required": list(required)})


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
WEATHER = tool("get_weather", "The weather of a city.", required=("city",), city=STRING)
LIGHT = tool("switch_light", "Switches the lamp on or off.", is_on={"type": "boolean"}, room=STRING)
ADD = tool("add", "Adds two numbers.", required=("a", "b"), a=INTEGER, b=INTEGER)
COLOUR = tool("set_colour", "", colour={"type": "string", "enum": ["red", "green"]})
TIME = tool("current_time", "What time it is on the clock.")
TOOLS = (WEATHER, LIGHT, ADD, COLOUR, TIME)


@pytest.mark.parametrize(
    ("said", "name", "arguments"),
    [
        ("What is the weather in Paris?", "get_weather", {"city": "Paris"}),
        ("Tell me the weather for New York, please.", "get_weather", {"city": "New York"}),
        ("Call get_weather with city London.", "get_weather", {"city": "London"}),
        ("How is the weather in paris today?", "get_weather", {"city": "paris today"}),
        ("Switch the light off in the kitchen.", "switch_light", {"is_on": False, "room": "kitchen"}),
        ("Please turn the lamp on; it switches in the hall.", "switch_light", {"is_on": True, "room": "hall"}),
        ("Add 3 and 4.", "add", {"a": 3, "b": 4}),
        ("Add seventeen and two", "add", {"a": 17, "b": 2}),
        ("Set the colour to green", "set_colour", {"colour": "green"}),
        ("What time does the clock show?", "current_time", {}),
    ],
)
def test_a_tool_is_found_with_its_arguments(said: str, name: str, arguments: dict[str, Any]) -> None:
    found = requested(said, TOOLS)

    assert found is not None
    assert (found.tool.name, found.arguments, found.missing) == (name, (arguments,), ())


@pytest.mark.parametrize("said", ["What is Opus?", "Hello!", "Thank you very much.", "How are you?", ""])
def test_a_sentence_that_asks_for_no_tool_calls_none(said: str) -> None:
    assert requested(said, TOOLS) is None


def test_two_things_are_two_calls() -> None:
    found = requested("What is the weather in Paris and in Rome?", TOOLS)

    assert found is not None
    assert found.arguments == ({"city": "Paris"}, {"city": "Rome"})


def test_what_is_missing_is_told() -> None:
    found = requested("What is the weather?", TOOLS)

    assert found is not None
    assert found.missing == ("city",)


def test_a_tool_that_must_be_called_is_called_whatever_was_said() -> None:
    found = requested("Good morning.", [TIME], must=True)

    assert found is not None
    assert found.tool is TIME


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("sunny", "Sunny."),
        ('"sunny"', "Sunny."),
        ("21.5", "21.5."),
        ('{"temperature": 21, "sky": "sunny"}', "Temperature is 21, and sky is sunny."),
        ('["milk", "eggs", "bread"]', "Milk, eggs, and bread."),
        ("true", "Yes."),
        ("", "Done."),
        ("null", "Done."),
        ('{"error": "no such city"}', "Error is no such city."),
    ],
)
def test_what_a_tool_gave_back_is_said_as_people_say_it(output: str, said: str) -> None:
    assert spoken_result(output) == said
