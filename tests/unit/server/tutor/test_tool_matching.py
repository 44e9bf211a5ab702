from __future__ import annotations

from typing import Any

import pytest

from rtc_widget.server.responders.responder import ToolDefinition
from rtc_widget.server.tutor.spoken_numbers import with_digits
from rtc_widget.server.tutor.tool_matching import requested
from rtc_widget.server.tutor.tool_results import spoken_result


def tool(name: str, description: str = "", *, required: tuple[str, ...] = (), **properties: Any) -> ToolDefinition:
    return ToolDefinition(name, description, {"type": "object", "properties": properties, "required": list(required)})


STRING, INTEGER, NUMBER, BOOLEAN = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))
WEATHER = tool("get_weather", "The weather of a city.", required=("city",), city=STRING)
LIGHT = tool("switch_light", "Switches the lamp on or off.", is_on=BOOLEAN, room=STRING)
ADD = tool("add", "Adds two numbers.", required=("a", "b"), a=NUMBER, b=NUMBER)
COLOUR = tool("set_colour", "", colour={"type": "string", "enum": ["red", "green", "light_blue"]})
TIME = tool("current_time", "What time it is on the clock.", place=STRING)
TIMER = tool("set_timer", "Sets a timer.", required=("minutes",), minutes=INTEGER, seconds=INTEGER, label=STRING)
TOOLS = (WEATHER, LIGHT, ADD, COLOUR, TIME, TIMER)


@pytest.mark.parametrize(
    ("said", "name", "arguments"),
    [
        ("What is the weather in Paris?", "get_weather", {"city": "Paris"}),
        ("what is the weather in paris", "get_weather", {"city": "paris"}),
        ("Tell me the weather for New York, please.", "get_weather", {"city": "New York"}),
        ("Call get_weather with city London.", "get_weather", {"city": "London"}),
        ("How is the weather in paris today?", "get_weather", {"city": "paris"}),
        ("What is the weather in Paris on Monday?", "get_weather", {"city": "Paris"}),
        ("What is the weather in Paris, France?", "get_weather", {"city": "Paris, France"}),
        ("Could you tell me what the weather is like in Rio de Janeiro?", "get_weather", {"city": "Rio de Janeiro"}),
        ("Switch the light off in the kitchen.", "switch_light", {"is_on": False, "room": "kitchen"}),
        ("Please turn the lamp on; it switches in the hall.", "switch_light", {"is_on": True, "room": "hall"}),
        ("Add 3 and 4.", "add", {"a": 3, "b": 4}),
        ("Add seventeen and two", "add", {"a": 17, "b": 2}),
        ("Add twenty-one point five and minus 3", "add", {"a": 21.5, "b": -3}),
        ("Add 1,000 to one hundred and five", "add", {"a": 1000, "b": 105}),
        ("Set the colour to green", "set_colour", {"colour": "green"}),
        ("Colour it light blue, please.", "set_colour", {"colour": "light_blue"}),
        ("What time does the clock show?", "current_time", {}),
        ("Set a timer for 5 minutes and 30 seconds", "set_timer", {"minutes": 5, "seconds": 30}),
        ("Set a timer with seconds 10 and minutes 2", "set_timer", {"minutes": 2, "seconds": 10}),
        ("Set a timer for ten minutes called Pizza", "set_timer", {"minutes": 10, "label": "Pizza"}),
    ],
)
def test_a_tool_is_found_with_its_arguments(said: str, name: str, arguments: dict[str, Any]) -> None:
    found = requested(said, TOOLS)

    assert [(request.tool.name, request.arguments, request.missing) for request in found] == [(name, arguments, ())]


@pytest.mark.parametrize(
    "said", ["What is Opus?", "Hello!", "Thank you very much.", "How are you?", "Red, please.", ""]
)
def test_a_sentence_that_asks_for_no_tool_calls_none(said: str) -> None:
    assert requested(said, TOOLS) == ()


@pytest.mark.parametrize(
    ("said", "calls"),
    [
        ("What is the weather in Paris and in Rome?", [("get_weather", {"city": city}) for city in ("Paris", "Rome")]),
        ("What is the weather in paris and rome?", [("get_weather", {"city": city}) for city in ("paris", "rome")]),
        (
            "What is the weather in Paris, Rome and New York?",
            [("get_weather", {"city": city}) for city in ("Paris", "Rome", "New York")],
        ),
        (
            "What is the weather in Paris, and add 3 and 4.",
            [("get_weather", {"city": "Paris"}), ("add", {"a": 3, "b": 4})],
        ),
        (
            "What is the weather in Paris? And what time is it in Tokyo?",
            [("get_weather", {"city": "Paris"}), ("current_time", {"place": "Tokyo"})],
        ),
        (
            "What are the weather and the time in Paris?",
            [("get_weather", {"city": "Paris"}), ("current_time", {"place": "Paris"})],
        ),
        ("Add 3 and 4 and add 5 and 6", [("add", {"a": 3, "b": 4}), ("add", {"a": 5, "b": 6})]),
        (
            "Switch the light on, then set the colour to green",
            [("switch_light", {"is_on": True}), ("set_colour", {"colour": "green"})],
        ),
    ],
)
def test_a_sentence_may_ask_for_several(said: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    assert [(request.tool.name, request.arguments) for request in requested(said, TOOLS)] == calls


@pytest.mark.parametrize(
    ("said", "arguments", "schema"),
    [
        ("Plot price as bars", {"kind": "bar"}, {"kind": {"$ref": "#/$defs/Kind"}}),
        ("Plot 3 columns", {"n": 3}, {"n": {"anyOf": [INTEGER, {"type": "null"}], "default": None}}),
        ("Plot 3 columns", {"n": 3}, {"n": {"type": ["integer", "null"]}}),
        ("Plot size 10", {"size": 10}, {"size": {"enum": [10, 20]}}),
        ("Plot it in London", {}, {"grid": {"enum": ["on", "off"]}}),
        ("Plot the values 3, 4 and 8.5", {"values": [3, 4, 8.5]}, {"values": {"type": "array", "items": NUMBER}}),
        ("Plot Price, Area and Year", {"columns": ["Price", "Area", "Year"]}, {"columns": {"type": "array"}}),
        (
            "Plot bar and line",
            {"kinds": ["bar", "line"]},
            {"kinds": {"items": {"enum": ["line", "bar"]}, "type": "array"}},
        ),
        ("Plot without the legend", {"legend": False}, {"legend": BOOLEAN}),
        ("Plot with legend", {"legend": True}, {"legend": BOOLEAN}),
        ('Plot "off peak" in red', {"title": "off peak"}, {"title": STRING}),
        ("Plot a chart saying we did it!", {"text": "we did it"}, {"text": STRING}),
        (
            "Plot from Berlin to Madrid",
            {"destination": "Madrid", "origin": "Berlin"},
            {"destination": STRING, "origin": STRING},
        ),
        ("Plot the sales on Friday in Rome", {"place": "Rome", "date": "Friday"}, {"place": STRING, "date": STRING}),
    ],
)
def test_arguments_of_every_kind(said: str, arguments: dict[str, Any], schema: dict[str, Any]) -> None:
    definitions = {"Kind": {"enum": ["line", "bar"], "type": "string"}}
    plot = ToolDefinition("plot", "", {"type": "object", "properties": schema, "$defs": definitions})

    assert [request.arguments for request in requested(said, [plot])] == [arguments]


def test_numbers_are_understood_in_words() -> None:
    assert with_digits("Two thousand and twenty-six, a hundred, three four") == "2026, a 100, 3 4"


def test_what_is_missing_is_told() -> None:
    (found,) = requested("What is the weather?", TOOLS)

    assert found.missing == ("city",)


def test_a_tool_that_must_be_called_is_called_whatever_was_said() -> None:
    (found,) = requested("Good morning.", [TIME], must=True)

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
        ('{"error": "no such city"}', "That did not work: no such city."),
        ('{"error": {"message": "no such city", "code": 7}}', "That did not work: no such city."),
    ],
)
def test_what_a_tool_gave_back_is_said_as_people_say_it(output: str, said: str) -> None:
    assert spoken_result(output) == said
