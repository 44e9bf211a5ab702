from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Literal

import pydantic
import pytest

from rtc_widget import Tool
from rtc_widget.errors import InvalidTool, RtcWidgetError
from rtc_widget.tools.docstrings import function_doc
from rtc_widget.tools.schema import InvalidArguments


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Place:
    city: str
    country: str = "France"


class Node(pydantic.BaseModel):
    name: str
    children: list[Node] = []


def numpy_style(city: str, unit: Literal["C", "F"] = "C"):
    """Tell the weather of a city.

    It asks nobody.

    Parameters
    ----------
    city : str
        Its English
        name.
    unit : {"C", "F"}
        Of the temperature.

    Returns
    -------
    str
        Words.
    """


def google_style(city: str, unit: Literal["C", "F"] = "C"):
    """Tell the weather of a city.

    It asks nobody.

    Args:
        city (str): Its English
            name.
        unit: Of the temperature.

    Returns:
        Words.
    """


def sphinx_style(city: str, unit: Literal["C", "F"] = "C"):
    """Tell the weather of a city.

    It asks nobody.

    :param city: Its English
        name.
    :param str unit: Of the temperature.
    :returns: Words.
    """


@pytest.mark.parametrize("function", [numpy_style, google_style, sphinx_style])
def test_the_schema_comes_from_signature_hints_and_docstring(function):
    assert Tool(function, name="weather").to_wire() == {
        "type": "function",
        "name": "weather",
        "description": "Tell the weather of a city. It asks nobody.",
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "required": ["city"],
            "properties": {
                "city": {"type": "string", "description": "Its English name."},
                "unit": {"type": "string", "enum": ["C", "F"], "default": "C", "description": "Of the temperature."},
            },
        },
    }


def test_a_hint_may_describe_its_parameter():
    def weather(city: Annotated[str, "its English name"], days: Annotated[int, pydantic.Field(ge=1)] = 1): ...

    properties = Tool(weather).parameters["properties"]
    assert properties["city"]["description"] == "its English name"
    assert properties["days"]["minimum"] == 1


def test_definitions_stand_where_they_are_used():
    def go(color: Color, place: Place, title: str): ...

    schema = Tool(go).parameters
    assert schema["properties"]["color"] == {"enum": ["red", "blue"], "type": "string"}
    assert schema["properties"]["place"]["properties"]["country"] == {"default": "France", "type": "string"}
    assert schema["properties"]["title"] == {"type": "string"}, "a parameter may be called so"
    assert "$defs" not in schema


def test_a_type_that_holds_itself_keeps_its_definition():
    def plant(tree: Node): ...

    schema = Tool(plant).parameters
    assert schema["properties"]["tree"]["$ref"] == "#/$defs/Node"
    assert set(schema["$defs"]["Node"]["properties"]) == {"name", "children"}


def test_arguments_become_what_the_function_wants():
    seen = {}

    def go(place: Place, color: Color, day: date, /, count: int = 2, _private: str = "x", schema: bool = False):
        seen.update(locals())

    tool = Tool(go)
    text = '{"place": {"city": "Paris"}, "color": "red", "day": "2026-11-22", "_private": "y"}'
    arguments = tool.check(text)
    tool.function(*arguments.positional, **arguments.named)
    del seen["seen"]
    assert seen == {
        "place": Place("Paris", "France"),
        "color": Color.RED,
        "day": date(2026, 11, 22),
        "count": 2,
        "_private": "y",
        "schema": False,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ("[1]", "JSON object"),
        ("{}", "city: Field required"),
        ('{"city": 7}', "city: Input should be a valid string"),
        ('{"city": "Paris", "town": "x"}', "town: Extra inputs are not permitted"),
        ('{"city": "Paris", "unit": "K"}', "unit: Input should be 'C' or 'F'"),
    ],
)
def test_arguments_that_do_not_fit_say_why(text, words):
    with pytest.raises(InvalidArguments, match=words):
        Tool(numpy_style).check(text)


def test_a_function_without_parameters_takes_no_arguments():
    tool = Tool(lambda: 7, name="seven")
    assert tool.parameters == {"type": "object", "properties": {}, "additionalProperties": False}
    assert tool.check("").named == {}


def no_hint(city): ...
def many(*cities: str): ...
def others(**cities: str): ...
def unknown(city: Nowhere): ...  # noqa: F821
def opaque(city: pytest.MonkeyPatch): ...
def yields():
    yield 1


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (no_hint, "'city' has no type hint"),
        (many, "cities takes any number of arguments"),
        (others, "cities takes any number of arguments"),
        (unknown, "type hints cannot be evaluated"),
        (opaque, "cannot be described as JSON schema"),
        (yields, "is a generator function"),
        (lambda: 1, "its name must have 1 to 64 letters"),
        (7, "must be a function"),
    ],
)
def test_a_wrong_definition_fails_at_once_and_says_what_to_do(function, words):
    with pytest.raises(InvalidTool, match=words) as caught:
        Tool(function)
    assert isinstance(caught.value, RtcWidgetError)
    assert isinstance(caught.value, TypeError)


def test_a_partial_and_a_method_are_functions_too():
    class Home:
        def switch(self, lamp: str, on: bool = True):
            """Switch a lamp."""

    assert Tool(Home().switch).parameters["required"] == ["lamp"]
    assert Tool(functools.partial(numpy_style, unit="F"), name="warm").parameters["required"] == ["city"]


def test_a_parameter_without_a_hint_is_of_its_default_s_type():
    def wait(seconds=2.0): ...

    assert Tool(wait).parameters["properties"]["seconds"] == {"type": "number", "default": 2.0}


def test_a_docstring_without_sections_describes_the_function():
    assert function_doc(no_hint).about == ""
    assert function_doc(Tool).parameters["thread"].startswith("Whether to run it in a thread")


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}])
def test_a_limit_that_is_no_time_is_refused(options):
    with pytest.raises(ValueError, match="timeout must be a number of seconds above 0"):
        Tool(numpy_style, **options)
