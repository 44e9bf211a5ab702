"""One server for a class: several users call it, and each user's function replies in the user's own process."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import httpx
import pytest
import uvicorn
from aioice import ice

from rtc_widget import Local, VoiceChat
from rtc_widget._aiortc import connection
from rtc_widget.errors import (
    InvalidKey,
    LocalServerError,
    MissingKey,
    NetworkUnsupported,
    RateLimited,
    ResponseFailed,
    ServerNotFound,
)
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.server.conversation import Conversation
from rtc_widget.server.http.app import Access, create_app
from rtc_widget.server.http.responder_selection import FixedResponder
from rtc_widget.server.network import TurnServer
from rtc_widget.server.responders.remote_replies import RemoteReplies
from rtc_widget.server.responders.responder import Question
from rtc_widget.server.serve import server_config
from rtc_widget.server.transport.registry import Limits
from rtc_widget.signaling.local import ChatCompletions
from rtc_widget.signaling.openai import OpenAI
from tests.limits import HANGS, eventually
from tests.unit.server.scripted_server import Responder, scripted_engines
from tests.unit.signaling.http_double import Reply, http_double

TOKEN = "class-token-1"


@asynccontextmanager
async def class_server(calls: int = 8) -> AsyncIterator[str]:
    replies = RemoteReplies()
    app = create_app(
        Access(TOKEN),
        engines=scripted_engines(),
        responder_for=FixedResponder(Responder(), replies),
        limits=Limits(calls=calls),
        replies=replies,
        name="Class 7b",
    )
    config = server_config(app)
    config.port = 0
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "RTC_WIDGET_SERVER", "RTC_WIDGET_TOKEN"):
        monkeypatch.delenv(name, raising=False)


async def on_io(work):
    return await asyncio.wrap_future(io_thread().run(work))


async def test_each_student_s_function_replies_in_the_student_s_own_kernel():
    def first(text):
        return f"First heard {text}"

    async def second(conversation):
        yield "Second heard "
        yield conversation[-1]["content"]

    async with class_server() as url:
        with (
            closing(VoiceChat(Local(first, server=url, token=TOKEN), page="headless")) as one,
            closing(VoiceChat(Local(second, server=f"{url}/v1", token=TOKEN), page="headless")) as two,
        ):
            await asyncio.gather(one.connect(timeout=HANGS), two.connect(timeout=HANGS))
            turns = await asyncio.gather(*(chat.ask("me.", timeout=HANGS, audio=False) for chat in (one, two)))
            assert [turn.text for turn in turns] == ["First heard me.", "Second heard me."]
            assert (one.server, two.server) == ("Class 7b · first", "Class 7b · second")
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"{url}/health")).json()["calls"] == 2
            await one.disconnect()
            with pytest.raises(NetworkUnsupported):
                await two.network(delay=0.1)


async def test_the_environment_makes_every_widget_call_the_shared_server(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-unused")
    async with class_server() as url:
        monkeypatch.setenv("RTC_WIDGET_SERVER", url)
        monkeypatch.setenv("RTC_WIDGET_TOKEN", TOKEN)
        with closing(VoiceChat(page="headless")) as chat:
            await chat.connect(timeout=HANGS)
            assert chat.server == "Class 7b"
            assert (await chat.ask("Hello?", timeout=HANGS, audio=False)).text
        assert isinstance(Local(server="")._shared, type(None))


async def test_an_error_of_the_function_fails_its_response_only(caplog):
    def fails(text):
        raise ValueError("no idea")

    async with class_server() as url:
        with closing(VoiceChat(Local(fails, server=url, token=TOKEN), page="headless")) as chat:
            await chat.connect(timeout=HANGS)
            with pytest.raises(ResponseFailed, match="no idea"):
                await chat.ask("me.", timeout=HANGS, audio=False)
            assert chat.status == "connected"


async def test_what_can_go_wrong_is_named():
    async with class_server(calls=1) as url:
        with pytest.raises(MissingKey, match="RTC_WIDGET_TOKEN"):
            await on_io(Local(server=url).prepare(lambda words: None))
        wrong = Local(lambda text: text, server=url, token="another")
        with pytest.raises(InvalidKey) as raised:
            await on_io(wrong.exchange("v=0", {}))
        assert "another" not in str(raised.value)
        with closing(VoiceChat(Local(server=url, token=TOKEN), page="headless")) as chat:
            await chat.connect(timeout=HANGS)
            other = VoiceChat(OpenAI(TOKEN, base_url=f"{url}/v1"), page="headless")
            with closing(other), pytest.raises(RateLimited, match="at most 1 calls"):
                await other.connect(timeout=HANGS)
    with pytest.raises(ServerNotFound, match="user name"):
        Local(server="http://user:secret@host")
    with pytest.raises(TypeError, match="--chat-url"):
        Local(ChatCompletions("http://127.0.0.1:1/v1", "m"), server="http://host")


@pytest.mark.parametrize(
    ("health", "error", "words"),
    [
        ('{"name":"Class 7b","ready":false}', LocalServerError, "still loads"),
        ("<html>", ServerNotFound, "no rtc-widget server"),
        ("[]", ServerNotFound, "no rtc-widget server"),
    ],
)
async def test_a_server_that_is_not_ready_or_another_one_is_named(health, error, words):
    with http_double(lambda request: Reply(200, health)) as server, pytest.raises(error, match=words):
        await on_io(Local(server=server.url, token=TOKEN).prepare(lambda words: None))
    assert "authorization" not in server.received[0].headers


class NoUdpForPages:
    """The addresses of this machine; the headless page, on a thread of its own, gets none: its UDP is blocked."""

    def __init__(self, find):
        self._find = find

    def __call__(self, use_ipv4, use_ipv6):
        if threading.current_thread() is not threading.main_thread():
            return []
        return self._find(use_ipv4=use_ipv4, use_ipv6=use_ipv6) or ["127.0.0.1"]


async def test_a_page_whose_udp_is_blocked_calls_through_a_turn_server_over_tcp(monkeypatch):
    monkeypatch.setattr(connection, "_WithLoopback", NoUdpForPages)
    addresses = NoUdpForPages(ice.get_host_addresses)
    monkeypatch.setattr(ice, "get_host_addresses", addresses)
    async with class_server() as url, TurnServer(addresses(use_ipv4=True, use_ipv6=False)[0]) as turn:
        monkeypatch.setenv("RTC_WIDGET_ICE_SERVERS", json.dumps([turn.ice_server("tcp")]))
        chat = VoiceChat(Local(lambda text: "Through.", server=url, token=TOKEN), page="headless")
        with closing(chat):
            await chat.connect(timeout=HANGS)
            assert (await chat.ask("Hello?", timeout=HANGS, audio=False)).text == "Through."
            assert turn.relayed_packets > 10


async def test_the_server_continues_a_reply_stream_that_is_opened_again():
    replies = RemoteReplies()
    first = await replies.requests("s" * 16)
    ready = await anext(first)
    assert json.loads(ready)["type"] == "ready"
    asking = asyncio.ensure_future(anext(replies.responder("s" * 16, "f").respond(_question())))
    assert '"reply": "f"' in await anext(first)
    second = await replies.requests("s" * 16)
    assert [line async for line in first] == []
    assert await anext(second) == ready
    assert '"reply": "f"' in await anext(second)
    replies.receive("s" * 16, b'{"replies":[{"id":0,"piece":"Hi."},{"id":0}]}')
    assert await asking == "Hi."
    await second.aclose()


def _question():
    return Question(text="me", instructions="", conversation=Conversation())
