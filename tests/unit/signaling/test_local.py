from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from rtc_widget import VoiceChat
from rtc_widget.errors import InvalidOffer, InvalidSession, LocalServerError
from rtc_widget.server.process import running_address, shared_process, voice_names
from rtc_widget.signaling import local as module
from rtc_widget.signaling.base import Signaling
from rtc_widget.signaling.embedded_calls import MODEL, call_request
from rtc_widget.signaling.local import ChatCompletions, Local, is_installed
from tests.limits import HANGS
from tests.unit.server.chat_server import call, chat_server, words
from tests.unit.server.conftest import address, local_server
from tests.unit.server.peer import Peer

__all__ = ["address", "local_server"]  # fixtures


def test_it_is_a_signaling_with_a_name() -> None:
    def parrot(text: str) -> str:
        return text

    assert isinstance(Local(), Signaling)
    assert Local().name == "Embedded local server"
    assert Local(reply=parrot).name == "Embedded local server · parrot"
    assert Local().data_channel_label == "oai-events"
    assert list(Local().ice_servers) == []
    assert list(Local(ice_servers=["stun:host:3478"]).ice_servers) == [{"urls": "stun:host:3478"}]
    elsewhere = Local(server="http://voice.example:8089/v1")
    assert elsewhere.name == "Voice server · voice.example"
    assert [server.beside_kernel for server in (Local(), elsewhere)] == [True, False]
    assert [server.needs_candidates for server in (Local(), elsewhere, Local(ice_servers=["stun:h"]))] == [
        False,
        True,
        True,
    ]


def test_it_speaks_gpt_live_where_it_is_asked_to() -> None:
    live = Local(protocol="live", instructions="Speak plainly.", idle_timeout=15)

    assert isinstance(live, Signaling)
    assert (Local().protocol, live.protocol) == ("realtime", "live")
    assert live.name == "Embedded local server · GPT-Live"
    with pytest.raises(InvalidSession, match="turn_detection"):
        Local(protocol="live", turn_detection=None)
    with pytest.raises(ValueError, match="must be 'realtime' or 'live', got 'rtvi'"):
        Local(protocol="rtvi")  # type: ignore[arg-type]


def test_a_backend_of_gpt_live_has_the_server_s_model() -> None:
    tools = {"delegation": {"type": "responses", "responses": {"tools": []}}}

    def session(settings: dict[str, Any]) -> Any:
        return call_request("live", "v=0", settings)[1]["json"]["session"]

    assert session(tools)["delegation"]["responses"] == {"model": MODEL, "tools": []}
    assert session({"model": "any"}) == {"model": "any"}


async def test_a_voice_that_the_server_has_not_is_refused_at_once(monkeypatch) -> None:
    monkeypatch.setattr(module, "voice_names", lambda: ("heart", "heart-british", "marin"))
    with pytest.raises(InvalidSession, match="no voice 'nobody'") as refused:
        Local(voice="nobody")
    assert refused.value.hint == "Its voices: heart, heart-british, marin."
    with pytest.raises(InvalidSession, match="Did you mean 'marin'"):
        VoiceChat(Local(), voice="marine")
    chat = VoiceChat(Local(voice="marin"))
    with pytest.raises(InvalidSession, match="no voice 'nobody'"):
        await chat.update_session(voice="nobody")
    chat.close()
    Local(voice={"id": "voice_of_mine"})


@pytest.mark.speech
def test_the_voices_of_the_server_are_its_own_and_those_it_replaces() -> None:
    assert {"heart", "heart-british", "alloy", "marin"} <= set(voice_names())


def test_it_loads_nothing_heavy() -> None:
    heavy = "aiortc httpx pandas openai numpy pydantic starlette uvicorn moonshine_voice hibari typer"
    code = (
        "import sys, rtc_widget.signaling.local, rtc_widget.cli; rtc_widget.signaling.local.is_installed();"
        f"print([name for name in {heavy.split()} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout

    assert found == "[]\n"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)

    assert not is_installed()
    with pytest.raises(LocalServerError, match=r"pip install 'rtc-widget\[local\]'"):
        Local()


def test_unknown_settings_are_refused_at_once() -> None:
    with pytest.raises(InvalidSession, match="temperature"):
        Local(temperature=1)
    with pytest.raises(TypeError, match="function"):
        Local(reply="hello")  # type: ignore[arg-type]


async def test_progress_ends_with_the_empty_text(local_server: Local) -> None:
    said: list[str] = []
    await local_server.prepare(said.append)

    assert said == [""]


async def test_progress_is_reported_before_the_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def process() -> None:
        assert said == ["Starting the local server …"]
        raise LocalServerError("No process.")

    monkeypatch.setattr(module, "running_address", lambda: None)
    monkeypatch.setattr(module, "_process", process)
    with pytest.raises(LocalServerError, match="No process"):
        await Local().prepare(said.append)


async def test_two_locals_share_one_process_even_when_started_from_two_threads(local_server: Local) -> None:
    threads = [threading.Thread(target=lambda: asyncio.run(Local().prepare(lambda _: None))) for _ in range(2)]
    before = shared_process().pid
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)

    assert shared_process().pid == before


async def test_a_bad_offer_is_an_invalid_offer(local_server: Local) -> None:
    with pytest.raises(InvalidOffer, match="has no audio") as refused:
        await local_server.exchange("v=0", {})

    assert refused.value.status == 400


async def test_an_impossible_setting_is_an_invalid_session(local_server: Local) -> None:
    with pytest.raises(InvalidSession, match=r"session\.audio\.output\.speed"):
        await local_server.exchange("v=0", {"audio": {"output": {"speed": 7}}})
    with pytest.raises(InvalidSession, match=r"session\.brand_new"):
        await Local(extra_session={"brand_new": 1}).exchange("v=0", {})


async def test_hanging_up_nobody_is_no_error(local_server: Local) -> None:
    await local_server.hang_up("rtc_nobody")


async def answer_of(server: Local, question: str) -> dict[str, object]:
    async with Peer(server, {"output_modalities": ["text"]}) as peer:
        peer.ask(question)
        peer.send({"type": "response.create"})
        return dict((await peer.wait_for("response.done"))["response"])


def text_of(response: dict[str, object]) -> str:
    return str(response["output"][0]["content"][0]["text"])  # type: ignore[index]


async def test_a_function_answers_on_the_loop_where_it_was_given(local_server: Local) -> None:
    threads = []

    def shout(text: str) -> str:
        threads.append(threading.current_thread())
        asyncio.get_running_loop()
        return text.upper()

    assert text_of(await answer_of(Local(reply=shout), "hello there")) == "HELLO THERE"
    assert threads == [threading.current_thread()]


async def test_an_async_function_may_wait(local_server: Local) -> None:
    async def think(text: str) -> str:
        await asyncio.sleep(0.05)
        return f"{text}, I think"

    assert text_of(await answer_of(Local(reply=think), "Yes")) == "Yes, I think"


async def test_without_a_loop_a_function_answers_in_a_thread(local_server: Local) -> None:
    server = await asyncio.to_thread(lambda: Local(reply=lambda text: threading.current_thread().name))

    assert text_of(await answer_of(server, "Where?")) == "reply"


async def test_an_exception_fails_the_response_and_not_the_call(local_server: Local) -> None:
    def fail_once(text: str) -> str:
        if text == "bad":
            raise KeyError("no such word")
        return "fine again"

    server = Local(reply=fail_once)
    async with Peer(server, {"output_modalities": ["text"]}) as peer:
        for count, text in enumerate(("bad", "good"), 1):
            peer.ask(text)
            peer.send({"type": "response.create"})
            await peer.wait_for("response.done", count=count)
        failed, done = (event["response"] for event in peer.events if event["type"] == "response.done")

    assert failed["status"] == "failed"
    assert failed["status_details"]["error"]["message"] == "KeyError: 'no such word'"
    assert text_of(done) == "fine again"


async def test_a_function_that_returns_no_text_fails_the_response(local_server: Local) -> None:
    failed = await answer_of(Local(reply=lambda text: 42), "What?")  # type: ignore[arg-type, return-value]

    assert "must return str, got int" in str(failed["status_details"])


async def test_cancelling_stops_a_function_that_waits(local_server: Local) -> None:
    stopped = asyncio.Event()

    async def for_ever(text: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return ""

    async with Peer(Local(reply=for_ever)) as peer:
        peer.ask("Well?")
        peer.send({"type": "response.create"})
        await peer.wait_for("response.created")
        await asyncio.sleep(0.2)
        peer.send({"type": "response.cancel"})
        done = (await peer.wait_for("response.done"))["response"]
        await asyncio.wait_for(stopped.wait(), HANGS)

    assert done["status_details"]["reason"] == "client_cancelled"


async def test_the_server_is_known_to_run(local_server: Local) -> None:
    assert running_address() is not None


async def test_an_answer_may_come_in_pieces(local_server: Local) -> None:
    def count(text: str) -> Iterator[str]:
        yield from ("One. ", "Two. ", "Three.")

    async def count_slowly(text: str) -> AsyncIterator[str]:
        for word in ("One. ", "Two."):
            await asyncio.sleep(0.01)
            yield word

    assert text_of(await answer_of(Local(reply=count), "Count!")) == "One. Two. Three."
    assert text_of(await answer_of(Local(reply=count_slowly), "Count!")) == "One. Two."


async def test_the_first_sentence_does_not_wait_for_the_last(local_server: Local) -> None:
    may_go_on = asyncio.Event()

    async def in_two_parts(text: str) -> AsyncIterator[str]:
        yield "Here is the beginning. "
        yield "And "
        await may_go_on.wait()
        yield "here is the end."

    async with Peer(Local(reply=in_two_parts)) as peer:
        peer.ask("Well?")
        peer.send({"type": "response.create"})
        await peer.wait_for("output_audio_buffer.started")
        assert "response.done" not in peer.types()
        may_go_on.set()
        done = (await peer.wait_for("response.done"))["response"]

    assert done["output"][0]["content"][0]["transcript"] == "Here is the beginning. And here is the end."


async def test_a_function_may_take_the_whole_conversation(local_server: Local) -> None:
    def remember(conversation: list[dict[str, str]]) -> str:
        return " / ".join(f"{message['role']}: {message['content']}" for message in conversation)

    async with Peer(Local(reply=remember), {"output_modalities": ["text"], "instructions": "Be brief."}) as peer:
        for count, text in enumerate(("one", "two"), 1):
            peer.ask(text)
            peer.send({"type": "response.create"})
            done = (await peer.wait_for("response.done", count=count))["response"]

    first = "system: Be brief. / user: one"
    assert text_of(done) == f"{first} / assistant: {first} / user: two"


async def test_an_exception_after_some_words_keeps_them(local_server: Local) -> None:
    def stumble(text: str) -> Iterator[str]:
        yield "I begin. "
        yield "And "
        raise RuntimeError("lost the thread")

    failed = await answer_of(Local(reply=stumble), "Well?")

    assert failed["status"] == "failed"
    assert "RuntimeError: lost the thread" in str(failed["status_details"])
    assert text_of(failed) == "I begin. "


async def test_a_chat_model_answers_and_calls_tools(local_server: Local) -> None:
    weather = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
    with chat_server() as chat:
        server = Local(reply=ChatCompletions(chat.url, "tiny", api_key="secret"), tools=[weather])
        assert server.name == "Embedded local server · tiny"
        chat.says = call(0, "get_weather", '{"city": "Paris"}')
        async with Peer(server, {"output_modalities": ["text"], "instructions": "Be brief."}) as peer:
            peer.ask("What is the weather in Paris?")
            peer.send({"type": "response.create"})
            made = (await peer.wait_for("response.done"))["response"]["output"][0]
            chat.says = words("It is sunny.")
            item = {"type": "function_call_output", "call_id": made["call_id"], "output": "sunny"}
            peer.send({"type": "conversation.item.create", "item": item})
            peer.send({"type": "response.create"})
            done = (await peer.wait_for("response.done", count=2))["response"]

    assert (made["name"], made["arguments"]) == ("get_weather", '{"city": "Paris"}')
    assert text_of(done) == "It is sunny."
    assert [message["role"] for message in chat.requests[1]["messages"]] == ["system", "user", "assistant", "tool"]
    assert chat.authorizations == ["Bearer secret"] * 2


def test_a_chat_server_needs_an_address_and_hides_its_key() -> None:
    with pytest.raises(ValueError, match="11434"):
        ChatCompletions("localhost:11434", "tiny")
    assert "secret" not in repr(ChatCompletions("http://x/v1", "tiny", "secret"))
