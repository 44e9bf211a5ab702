from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rtc_widget.server.conversation import Conversation, FunctionCallItem, FunctionCallOutput, Item, MessageItem, Part
from rtc_widget.server.responders.chat_completions import ChatFailed, ChatResponder, ChatServer
from rtc_widget.server.responders.chat_messages import chat_messages
from rtc_widget.server.responders.responder import IncompleteResponse, Question, RequestedToolCall, ToolDefinition
from rtc_widget.server.responders.sentences import sentences
from tests.unit.server.chat_server import ChatServerDouble, call, chat_server, words


@pytest.fixture
def server() -> Iterator[ChatServerDouble]:
    with chat_server() as double:
        yield double


def question(*items: Item, **about: Any) -> Question:
    return Question("", Conversation(items), "Be brief.", **about)


def said(role: Any, text: str) -> MessageItem:
    return MessageItem(f"{role}-{text}", role, (Part("input_text" if role == "user" else "output_text", text),))


async def pieces(server: ChatServerDouble, asked: Question, key: str | None = None) -> list[str | RequestedToolCall]:
    responder = ChatResponder(ChatServer(server.url, "tiny", key))
    return [piece async for piece in responder.respond(asked)]


async def test_the_words_come_as_the_model_says_them(server: ChatServerDouble) -> None:
    server.says = [*words("Opus is "), 0.3, *words("a codec.")]
    came: list[tuple[float, str | RequestedToolCall]] = []
    begin = time.monotonic()
    async for piece in ChatResponder(ChatServer(server.url, "tiny")).respond(question(said("user", "What is Opus?"))):
        came.append((time.monotonic() - begin, piece))

    assert [piece for _, piece in came] == ["Opus is ", "a codec."]
    # Relative to one another: the first connection may take its time on a busy machine.
    assert came[1][0] - came[0][0] > 0.2


async def test_the_server_gets_instructions_history_and_key(server: ChatServerDouble) -> None:
    server.says = words("Yes.")
    await pieces(server, question(said("user", "Hi"), said("assistant", "Hello"), said("user", "Well?")), key="secret")

    request = server.requests[0]
    assert (request["path"], request["model"], request["stream"]) == ("/v1/chat/completions", "tiny", True)
    assert request["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Well?"},
    ]
    assert server.authorizations == ["Bearer secret"]
    assert "tools" not in request


async def test_half_an_emoji_in_the_history_reaches_the_server(server: ChatServerDouble) -> None:
    server.says = words("Yes.")
    history = [said("user", "Hi \ud83d"), said("assistant", "Hi \ud83d"), said("user", "\ude00 and?")]
    assert await pieces(server, question(*history)) == ["Yes."]
    assert [message["content"] for message in server.requests[0]["messages"][1:]] == [
        "Hi \ud83d",
        "Hi \ud83d",
        "\ude00 and?",
    ]


async def test_tools_are_passed_on_and_their_calls_put_together(server: ChatServerDouble) -> None:
    server.says = [
        *words("Let me see."),
        *call(0, "get_weather", '{"city": ', '"Paris"}'),
        *call(1, "get_time"),
    ]
    weather = ToolDefinition("get_weather", "Weather", {"type": "object", "properties": {"city": {"type": "string"}}})
    asked = question(tools=(weather,), tool_choice="required", parallel_tool_calls=False, max_output_tokens=50)
    answered = await pieces(server, asked)

    assert answered == [
        "Let me see.",
        RequestedToolCall("get_weather", '{"city": "Paris"}'),
        RequestedToolCall("get_time", "{}"),
    ]
    request = server.requests[0]
    assert request["tools"][0]["function"]["name"] == "get_weather"
    assert request["tools"][0]["function"]["parameters"] == weather.parameters
    assert (request["tool_choice"], request["parallel_tool_calls"], request["max_tokens"]) == ("required", False, 50)


def test_what_tools_gave_back_follows_their_calls() -> None:
    items = (
        said("user", "Weather?"),
        FunctionCallItem("f1", "c1", "get_weather", '{"city": "Paris"}'),
        FunctionCallItem("f2", "c2", "get_weather", '{"city": "Rome"}'),
        FunctionCallItem("f3", "c3", "get_weather", "{}"),
        FunctionCallOutput("o1", "c1", "sunny"),
        FunctionCallOutput("o2", "c2", "rain"),
        FunctionCallOutput("o9", "c9", "nobody asked"),
    )
    _, user, calls, first, second = chat_messages(question(*items))

    assert user["content"] == "Weather?"
    assert [made["id"] for made in calls["tool_calls"]] == ["c1", "c2"], "c3 was never answered"
    assert first == {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    assert second["tool_call_id"] == "c2"


def test_pictures_go_along() -> None:
    url = "data:image/png;base64,AA=="
    item = MessageItem("m", "user", (Part("input_image", image_url=url), Part("input_text", "What is this?")))

    assert chat_messages(question(item))[1]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]


def test_a_picture_is_looked_at_as_closely_as_was_asked() -> None:
    url = "data:image/png;base64,AA=="
    item = MessageItem("m", "user", (Part("input_image", image_url=url, detail="low"),))

    [shown] = chat_messages(question(item))[1]["content"]
    assert shown["image_url"] == {"url": url, "detail": "low"}


def test_of_an_interrupted_answer_only_what_was_heard_is_history() -> None:
    spoken = Part("output_audio", "one two three four five six seven eight nine ten", seconds=10.0)
    item = MessageItem("m", "assistant", (spoken.truncated(3000),))

    assert chat_messages(question(item))[1]["content"] == "one two three"


async def test_what_a_model_only_thinks_is_not_said(server: ChatServerDouble) -> None:
    server.says = words("<thi", "nk>hm, ", "easy</th", "ink>\n\nOpus ", "is < a codec.")

    assert "".join(str(piece) for piece in await pieces(server, question())) == "Opus is < a codec."


async def test_a_refusal_says_why_and_not_the_key(server: ChatServerDouble) -> None:
    server.status = 404
    with pytest.raises(ChatFailed, match="status 404 for the model 'tiny': no such model") as failed:
        await pieces(server, question(), key="very-secret")

    assert "very-secret" not in str(failed.value)


async def test_a_failure_in_the_middle_is_told(server: ChatServerDouble) -> None:
    server.says = [*words("Well"), 'data: {"error": {"message": "out of memory"}}\n\n']

    with pytest.raises(ChatFailed, match="out of memory"):
        await pieces(server, question())


async def test_a_server_that_breaks_off_is_told_and_not_taken_for_one_that_is_not_there(
    server: ChatServerDouble,
) -> None:
    server.says, server.breaks_off = words("Well, "), True
    answer = ChatResponder(ChatServer(server.url, "tiny")).respond(question())

    assert await anext(answer) == "Well, "
    with pytest.raises(ChatFailed, match="closed the connection before the end of its response") as failed:
        await anext(answer)
    assert "Is it running" not in str(failed.value)


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
async def test_an_answer_that_was_cut_off_is_told_after_its_words(
    server: ChatServerDouble, finish: str, reason: str
) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "a codec"}, "finish_reason": finish}]}
    half = {"tool_calls": [{"index": 0, "id": "c0", "function": {"name": "f", "arguments": '{"ci'}}]}
    server.says = [*words("Opus is "), half, f"data: {json.dumps(chunk)}\n\n"]
    answer = sentences(ChatResponder(ChatServer(server.url, "tiny")).respond(question()))

    assert await anext(answer) == "Opus is a codec"
    with pytest.raises(IncompleteResponse) as cut_off:
        await anext(answer)  # and half a call is none
    assert cut_off.value.reason == reason


def named(index: int | None, call_id: str, name: str, arguments: object) -> dict[str, Any]:
    where = {} if index is None else {"index": index}
    return {"tool_calls": [{**where, "id": call_id, "function": {"name": name, "arguments": arguments}}]}


@pytest.mark.parametrize(
    "deltas",
    [
        # Whole calls that all have the index 0.
        [named(0, "c1", "one", '{"a": 1}'), named(0, "c2", "two", "{}")],
        # No index at all.
        [named(None, "c1", "one", '{"a": 1}'), named(None, "c2", "two", "{}")],
        # The name, or the id, with every piece.
        [named(0, "c1", "one", '{"a":'), named(0, "c1", "one", " 1}"), named(1, "c2", "two", "{}")],
        # Arguments that are an object and no text.
        [named(0, "c1", "one", {"a": 1}), named(1, "c2", "two", None)],
    ],
    ids=["all with index 0", "no index", "name in every piece", "arguments as object"],
)
async def test_the_dialects_of_chat_servers_are_understood(server: ChatServerDouble, deltas: list[Any]) -> None:
    server.says = deltas

    assert await pieces(server, question()) == [RequestedToolCall("one", '{"a": 1}'), RequestedToolCall("two", "{}")]


@pytest.mark.parametrize("content_type", [None, "text/plain", "text/event-stream; charset=utf-8"])
async def test_a_stream_may_have_any_content_type(server: ChatServerDouble, content_type: str | None) -> None:
    server.content_type, server.says = content_type, words("Très ", "bien.")

    assert await pieces(server, question()) == ["Très ", "bien."]


async def test_an_answer_that_is_not_a_stream_is_an_error(server: ChatServerDouble) -> None:
    server.content_type, server.says = "application/json", ['{"choices": []}']

    with pytest.raises(ChatFailed, match="must respond with a stream of events, got application/json"):
        await pieces(server, question())


async def test_an_event_may_have_several_lines_and_line_separators_in_its_text(server: ChatServerDouble) -> None:
    server.says = [
        ": a comment\r\n\r\n",
        'data: {"choices": [{"delta":\r\ndata: {"content": "one\u2028two"}}]}\r\n\r\n',
    ]

    assert await pieces(server, question()) == ["one\u2028two"]


async def test_a_proxy_does_not_stand_between_this_machine_and_itself(
    server: ChatServerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.says = words("Yes.")

    assert await pieces(server, question()) == ["Yes."]


async def test_asking_does_not_hold_up_the_media(server: ChatServerDouble) -> None:
    server.says = words("Yes.")
    await pieces(server, question())  # what is loaded once, is loaded
    began = time.thread_time()
    client = await ChatResponder(ChatServer(server.url, "tiny"))._client()
    spent = time.thread_time() - began
    await client.aclose()

    # Loading certificates takes 30 to 50 ms of the processor, however busy the machine is.
    assert spent < 0.02


async def test_a_server_that_is_not_there_is_told() -> None:
    responder = ChatResponder(ChatServer("http://127.0.0.1:9/v1", "tiny"))
    with pytest.raises(ChatFailed, match="Is it running"):
        [piece async for piece in responder.respond(question())]


async def test_who_stops_listening_ends_the_request(server: ChatServerDouble) -> None:
    server.says = [delta for _ in range(100) for delta in (*words("and so on "), 0.02)]
    answer = ChatResponder(ChatServer(server.url, "tiny")).respond(question())
    await anext(answer)
    await answer.aclose()

    assert await asyncio.to_thread(server.broken_off.wait, 5)


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(ChatServer("http://x/v1", "tiny", "secret"))
