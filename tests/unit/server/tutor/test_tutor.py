from __future__ import annotations

from typing import Any

import pytest

from rtc_widget._aiortc.stats import CallStatistics
from rtc_widget._glossary.terms import all_terms
from rtc_widget.server.conversation import Conversation, FunctionCallItem, FunctionCallOutput, Item, MessageItem, Part
from rtc_widget.server.responders.responder import Question, RequestedToolCall, ToolDefinition
from rtc_widget.server.tutor.tutor import GOODBYE, GREETING, HOW_ARE_YOU, STILL_THERE, THANKS, WHO, Tutor


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Hello!", GREETING),
        ("Good morning.", GREETING),
        ("", GREETING),
        ("Hello, who are you?", WHO),
        ("What's your name?", WHO),
        ("How are you?", HOW_ARE_YOU),
        ("Thank you very much.", THANKS),
        ("Goodbye.", GOODBYE),
    ],
)
def test_small_talk(said: str, reply: str) -> None:
    assert Tutor().reply(said) == reply


def test_a_question_is_answered_even_when_it_begins_with_a_greeting() -> None:
    assert Tutor().reply("Hi, what is Opus?").startswith("Opus is the sound codec")


def test_what_it_cannot_explain_it_repeats_and_names_other_things() -> None:
    tutor = Tutor()

    reply = tutor.reply("What is the capital of France?")

    assert reply.startswith("I heard: What is the capital of France. ")
    assert reply.endswith("I can explain ICE, a jitter buffer, and SDP.")
    assert tutor.reply("And of Spain?").endswith("a data channel, DTLS, and Opus.")


def test_what_it_offers_to_explain_it_can_explain() -> None:
    tutor = Tutor()
    for _ in range(3):
        offered = tutor.reply("Help!").split("for example ")[1].split(". Ask")[0]
        for name in offered.replace(", and ", ", ").split(", "):
            assert tutor.reply(f"What is {name}?") in {term.says for term in all_terms()}


async def said(tutor: Tutor, text: str, *items: Item, **about: Any) -> list[str | RequestedToolCall]:
    message = MessageItem("m", "user", (Part("input_text", text),))
    question = Question(text, Conversation([message, *items] if text else items), "", **about)
    return [piece async for piece in tutor.respond(question)]


WEATHER = ToolDefinition(
    "get_weather", "Weather of a city", {"properties": {"city": {"type": "string"}}, "required": ["city"]}
)


async def test_it_calls_a_tool_that_is_asked_for() -> None:
    pieces = await said(Tutor(), "What is the weather in Paris?", tools=(WEATHER,))

    assert pieces == [RequestedToolCall("get_weather", '{"city": "Paris"}')]


async def test_it_calls_a_tool_twice_only_where_that_is_allowed() -> None:
    text = "What is the weather in Paris and in Rome?"

    assert len(await said(Tutor(), text, tools=(WEATHER,))) == 2
    assert len(await said(Tutor(), text, tools=(WEATHER,), parallel_tool_calls=False)) == 1


async def test_it_asks_for_what_a_tool_needs() -> None:
    pieces = await said(Tutor(), "What is the weather?", tools=(WEATHER,))

    assert pieces == ["For that I need the city. Please ask again, and say it with your question."]


ROME_AND_PARIS = [
    FunctionCallItem(f"c{city}", f"call{city}", "get_weather", f'{{"city": "{city}"}}') for city in ("Paris", "Rome")
]


async def test_it_says_what_the_tools_gave_back() -> None:
    outputs = [FunctionCallOutput("o1", "callParis", '{"sky": "sunny"}'), FunctionCallOutput("o2", "callRome", "rain")]

    assert await said(Tutor(), "What is the weather?", ROME_AND_PARIS[0], outputs[0]) == ["Sky is sunny."]
    assert await said(Tutor(), "What is the weather?", *ROME_AND_PARIS, *outputs) == [
        "Paris: Sky is sunny. Rome: Rain."
    ]


async def test_it_calls_one_tool_after_the_other_where_they_must_not_be_called_at_once() -> None:
    text, alone = "What is the weather in Paris and in Rome?", {"tools": (WEATHER,), "parallel_tool_calls": False}
    first = [ROME_AND_PARIS[0], FunctionCallOutput("o1", "callParis", '"sunny"')]
    second = [ROME_AND_PARIS[1], FunctionCallOutput("o2", "callRome", '"rain"')]

    assert await said(Tutor(), text, **alone) == [RequestedToolCall("get_weather", '{"city": "Paris"}')]
    assert await said(Tutor(), text, *first, **alone) == [RequestedToolCall("get_weather", '{"city": "Rome"}')]
    assert await said(Tutor(), text, *first, *second, **alone) == ["Paris: Sunny. Rome: Rain."]


@pytest.mark.parametrize("schema", [{}, {"properties": []}, {"properties": {"city": True}}, {"properties": None}])
async def test_a_tool_without_a_proper_schema_is_called_without_arguments(schema: dict[str, Any]) -> None:
    pieces = await said(Tutor(), "What is the weather in Paris?", tools=(ToolDefinition("get_weather", "", schema),))

    assert pieces == [RequestedToolCall("get_weather", "{}")]


async def test_it_explains_words_though_a_tool_mentions_them() -> None:
    loss = ToolDefinition("network_report", "Measures packet loss of the line")

    (piece,) = await said(Tutor(), "What is packet loss?", tools=(loss,))

    assert isinstance(piece, str)


async def test_it_knows_the_call() -> None:
    async def statistics() -> CallStatistics:
        return CallStatistics("WebRTC", codec="opus", clock_rate=48_000)

    (piece,) = await said(Tutor(), "Which codec does this call use?", statistics=statistics)

    assert piece == "This call uses Opus, with a clock of 48 kilohertz."


async def test_it_greets_first_and_asks_later_whether_somebody_is_there() -> None:
    silence = MessageItem("m", "user", (Part("input_audio", None),))

    assert await said(Tutor(), "") == [GREETING]
    assert await said(Tutor(), "", MessageItem("m", "system", (Part("input_text", "Be kind."),))) == [GREETING]
    assert await said(Tutor(), "", silence) == [STILL_THERE]


@pytest.mark.parametrize("text", ["What is ICE?", "Hello!", "Please help me.", "Blue bananas."])
def test_the_tutor_says_what_its_preview_told_and_a_preview_changes_nothing(text: str) -> None:
    tutor, other = Tutor(), Tutor()
    previews = [tutor.preview(text) for _ in range(3)]
    assert set(previews) == {tutor.reply(text)}
    other.reply(text)
    assert tutor.reply(text) == other.reply(text), "only replies move on to the next suggestions"


def test_suggestions_are_new_each_time() -> None:
    tutor = Tutor()
    assert len({tutor.reply("Blue bananas.") for _ in range(3)}) == 3
