"""What the schema of a tool offers to the model, the check of its arguments takes; what JSON cannot hold is refused."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from collections import deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, Strict
from typing_extensions import TypedDict  # pydantic requires it before Python 3.12

from rtc_widget import OpenAI, Tool, VoiceChat
from rtc_widget.errors import EventRefused, InvalidSession, InvalidTool, NotConnected
from rtc_widget.testing import ScriptedPage
from rtc_widget.tools.schema import InvalidArguments
from tests.limits import HANGS


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Word(str, Enum):  # noqa: UP042
    YES = "yes"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Odd(Enum):
    PAIR = (1, 2)


class Trip(BaseModel):
    model_config = ConfigDict(strict=True)

    day: date
    price: float
    color: Color
    stops: tuple[int, str]
    tags: set[str] = set()


@dataclasses.dataclass
class Place:
    city: str
    zip: int = None  # type: ignore[assignment]


class Point(NamedTuple):
    x: int
    y: float


class Options(TypedDict, total=False):
    level: Level


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


def described(parameter: Any) -> Any:
    """Return the schema of the one parameter of a function."""
    return Tool(parameter).parameters["properties"]["x"]


def given(tool: Tool, text: str = "{}") -> Any:
    """Return what the function gets for arguments in JSON."""
    arguments = tool.check(text)
    return tool.function(*arguments.positional, **arguments.named)


# What is not JSON never reaches the wire


def infinite(x: float = math.inf): ...
def nested(x: dict[str, float] = {"a": math.nan}): ...  # noqa: B006
def anything(x: Any = math.nan): ...
def opaque(x: object = object()): ...
def wrong_type(x: str = b"\xff"): ...


@pytest.mark.parametrize("function", [infinite, nested, anything, opaque, wrong_type])
def test_a_default_that_the_model_could_not_send_is_left_out(function):
    tool = Tool(function)
    assert "default" not in tool.parameters["properties"]["x"]
    assert "required" not in tool.parameters
    assert tool.check("{}").named == {}, "the function has its own default"
    json.dumps(tool.to_wire(), allow_nan=False)


def with_example(x: Annotated[float, Field(examples=[math.inf])]): ...


async def test_a_schema_that_is_not_json_is_refused_by_name_and_not_kept():
    chat = VoiceChat(page=ScriptedPage())
    with pytest.raises(InvalidTool, match=r"with_example cannot be a tool.*not JSON compliant"):
        chat.tool(with_example)
    with pytest.raises(InvalidTool, match=r"tool 'far' cannot be written as JSON"):
        chat._session_tools.add({"type": "function", "name": "far", "parameters": {"maximum": math.inf}})
    with pytest.raises(InvalidTool, match="must be a str, got int"):
        chat.tool(infinite, description=7)
    assert len(chat.tools) == 0
    await chat.connect()
    assert chat.session is not None
    assert not chat.session.get("tools")
    chat.close()


def test_a_tool_that_cannot_be_told_is_not_kept():
    chat = VoiceChat(page=ScriptedPage())
    chat.tool(infinite)

    def fails() -> None:
        raise NotConnected("No.")

    chat.tools.on_change(fails)
    with pytest.raises(NotConnected):
        chat.tool(nested)
    with pytest.raises(NotConnected):
        chat.tools.remove("infinite")
    assert list(chat.tools) == ["infinite"]
    chat.close()


@pytest.mark.parametrize("settings", [{"speed": math.inf}, {"extra_session": {"x": {1, 2}}}])
def test_a_session_setting_that_is_not_json_is_refused_when_it_is_made(settings):
    with pytest.raises(InvalidSession, match="cannot be written as JSON"):
        OpenAI("sk-x", **settings)


async def test_the_scripted_server_refuses_tools_that_a_real_one_refuses():
    chat = VoiceChat(page=ScriptedPage())
    await chat.connect()
    for tool in ({"type": "function", "name": "two words"}, {"type": "function", "name": "a", "parameters": 7}, {}):
        with pytest.raises(EventRefused, match=r"session\.tools\[0\]"):
            await chat._session.update({"tools": [tool]}, HANGS, lambda: None)
    chat.close()
    chat = VoiceChat(page=ScriptedPage(), tools=[{"type": "function", "name": "two words"}])
    with pytest.raises(InvalidSession, match=r"session\.tools\[0\]\.name"):
        await chat.connect()
    chat.close()


# What a Field means


def test_a_field_as_default_means_what_it_means_in_pydantic():
    def go(x: int = Field(5, ge=1, description="how many")):
        return x

    assert described(go) == {"type": "integer", "minimum": 1, "default": 5, "description": "how many"}
    assert given(Tool(go)) == 5
    assert given(Tool(go), '{"x": 7}') == 7
    with pytest.raises(InvalidArguments, match="greater than or equal to 1"):
        given(Tool(go), '{"x": 0}')


def test_a_field_without_default_is_required():
    def go(x: int = Field(...), *, y: str = Field(pattern="^b")): ...

    assert Tool(go).parameters["required"] == ["x", "y"]
    assert Tool(go).parameters["properties"]["y"]["pattern"] == "^b"


@pytest.mark.parametrize("default", [Field(default_factory=list), dataclasses.field(default_factory=list)])
def test_a_default_factory_makes_a_new_default_for_each_call(default):
    def go(x: list[int] = default):
        return x

    tool = Tool(go)
    assert "required" not in tool.parameters
    assert given(tool) == []
    assert given(tool) is not given(tool)
    assert tool.completed(tool.check("{}")).named == {"x": []}


def test_a_field_in_the_type_hint_means_the_same():
    def go(
        x: Annotated[str, Field(description="a town")], y: Annotated[int, Field(default=7)], z: Annotated[int, "it"] = 1
    ):
        """Go.

        Args:
            x: Not this.
            y: A number.
        """
        return x, y, z

    tool = Tool(go)
    assert tool.parameters["required"] == ["x"]
    assert tool.parameters["properties"] == {
        "x": {"type": "string", "description": "a town"},
        "y": {"type": "integer", "default": 7, "description": "A number."},
        "z": {"type": "integer", "default": 1, "description": "it"},
    }
    assert given(tool, '{"x": "Ulm"}') == ("Ulm", 7, 1)


def test_an_alias_is_the_name_for_the_model():
    def go(x: int = Field(alias="count")):
        return x

    assert Tool(go).parameters["required"] == ["count"]
    assert given(Tool(go), '{"count": 3}') == 3


def test_a_field_without_a_type_hint_is_refused():
    def go(x=Field(5)): ...  # noqa: B008

    with pytest.raises(InvalidTool, match="'x' has no type hint"):
        Tool(go)


def bytes_literal(x: Literal[b"x"]): ...
def enum_literal(x: Literal[Color.RED]): ...
def enum_literal_inside(x: list[Literal["a", Color.RED]]): ...
def odd_enum(x: Odd): ...
def bad_pattern(x: str = Field(pattern="(")): ...


@pytest.mark.parametrize("function", [bytes_literal, enum_literal, enum_literal_inside, odd_enum, bad_pattern])
def test_values_that_json_cannot_hold_are_refused_at_definition(function):
    with pytest.raises(InvalidTool, match=f"{function.__name__} cannot be a tool"):
        Tool(function)


def none(x: int = None): ...  # noqa: RUF013
def none_field(x: int = Field(None, ge=1)): ...
def none_strict(x: Annotated[date, Strict()] = None): ...  # noqa: RUF013


@pytest.mark.parametrize("function", [none, none_field, none_strict])
def test_a_default_of_none_means_that_null_is_taken(function):
    assert {"type": "null"} in described(function)["anyOf"]
    assert given(Tool(function), '{"x": null}') is None


# Every value that the schema allows is taken

SCALARS: list[Any] = [
    int,
    float,
    bool,
    str,
    date,
    datetime,
    time,
    timedelta,
    UUID,
    Decimal,
    complex,
    bytes,
    Color,
    Word,
    Level,
    Trip,
    Place,
    Point,
    Options,
    Tree,
    Literal["a", 1, True, None],
    Literal[Word.YES],
    Annotated[date, Strict()],
    Annotated[Color, Strict()],
    Annotated[Decimal, Strict()],
    Annotated[Decimal, Field(ge=0)],
    Annotated[Decimal, Field(max_digits=4, decimal_places=2)],
    Annotated[int, Field(ge=3, lt=9)],
    Annotated[float, Field(gt=0.5, le=2)],
    Annotated[str, Field(min_length=2, max_length=4)],
    Any,
]
NAMES: list[Any] = [str, int, float, bool, date, Color, Level, UUID, Annotated[str, Field(min_length=2)]]


def random_type(rng: random.Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.4:
        return rng.choice(SCALARS)
    inner = random_type(rng, depth - 1)
    match rng.randrange(7):
        case 0:
            return Annotated[list[inner], Field(max_length=3)]  # type: ignore[valid-type]
        case 1:
            return Annotated[tuple[inner, int], Strict()]  # type: ignore[valid-type]
        case 2:
            return tuple[inner, ...]  # type: ignore[valid-type]
        case 3:
            return dict[rng.choice(NAMES), inner]  # type: ignore[misc, valid-type]
        case 4:
            return inner | None
        case 5:
            return deque[inner]  # type: ignore[valid-type]
        case _:
            return Annotated[set[rng.choice([int, date, str, Color])], Strict()]  # type: ignore[misc]


TEXTS = ["", "a", "Ulm", "caf\udce9", "\ud83d", "😀", "\x00", "nul\n", "ab\u2028"]
FORMATS = {
    "date": ["2026-11-22"],
    "date-time": ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00+01:00"],
    "time": ["10:00:00Z", "10:00:00"],
    "duration": ["P1D", "PT5M", "P1DT2H"],
    "uuid": ["12345678-1234-5678-1234-567812345678"],
    "binary": ["", "abc", "é"],
}
PATTERNS = {
    r"^-?[0-9]+$": ["0", "-7", "12"],
    r"^-?[0-9]+(\.[0-9]+)?$": ["0", "-7.5", "12"],
    r"^-?[0-9]+(\.[0-9]+)?([+-][0-9]+(\.[0-9]+)?j)?$": ["1", "-1.5", "1+2j"],
}


def text_of(rng: random.Random, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "format" in schema:
        return rng.choice(FORMATS[schema["format"]])
    if "pattern" in schema:
        return rng.choice(PATTERNS.get(schema["pattern"], ["1.25", "-0.5", "99.99"]))
    least, most = schema.get("minLength", 0), schema.get("maxLength", 40)
    return (rng.choice(TEXTS) + "x" * least)[: max(least, most)]


def value_of(rng: random.Random, schema: dict[str, Any], whole: dict[str, Any], depth: int = 0) -> Any:
    """Return a random value that a JSON schema allows."""
    if "$ref" in schema:
        return value_of(rng, whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "anyOf" in schema:
        return value_of(rng, rng.choice(schema["anyOf"]), whole, depth)
    match schema.get("type"):
        case "null":
            return None
        case "boolean":
            return rng.random() < 0.5
        case "integer":
            return rng.choice([0, -1, 10**6]) if "minimum" not in schema else rng.randint(3, 8)
        case "number":
            if "exclusiveMinimum" in schema:
                return rng.choice([0.6, 1, 2])
            return rng.choice([0, 1, 2.5, 1e300] + ([] if "minimum" in schema else [-3, -0.1]))
        case "string":
            return text_of(rng, schema)
        case "array":
            first = [value_of(rng, entry, whole, depth + 1) for entry in schema.get("prefixItems", [])]
            most = schema.get("maxItems", 3) - len(first) if depth < 6 else 0
            count = rng.randint(0, most) if "items" in schema else 0
            return first + [value_of(rng, schema["items"], whole, depth + 1) for _ in range(count)]
        case "object":
            required = schema.get("required", [])
            named = {
                name: value_of(rng, inner, whole, depth + 1)
                for name, inner in schema.get("properties", {}).items()
                if name in required or rng.random() < 0.5
            }
            extra = schema.get("additionalProperties", False)
            if isinstance(extra, dict) and depth < 6:
                for _ in range(rng.randint(0, 2)):
                    named[text_of(rng, schema.get("propertyNames", {}))] = value_of(rng, extra, whole, depth + 1)
            return named
        case _:
            return rng.choice([None, 1, "a", [1, {"b": None}], {}])


@pytest.mark.parametrize("seed", range(60))
def test_every_value_that_the_schema_allows_is_taken(seed):
    rng = random.Random(seed)

    def go(x): ...

    for _ in range(5):
        hint = random_type(rng, 3)
        go.__annotations__ = {"x": hint}
        go.__defaults__ = rng.choice([None, (None,)])
        tool = Tool(go)
        for _ in range(8):
            arguments = value_of(rng, tool.parameters, tool.parameters)
            text = json.dumps(arguments, ensure_ascii=rng.random() < 0.5)
            try:
                tool.check(text)
            except InvalidArguments as error:
                pytest.fail(f"{hint} offers {text} and refuses it: {error}")
