"""A kernel's reply functions for a shared server, over a connection that breaks off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from rtc_widget import Local
from rtc_widget.errors import InvalidAnswer, RateLimited
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.server.conversation import Conversation
from rtc_widget.server.errors import ApiError
from rtc_widget.server.http.auth import error_response
from rtc_widget.server.http.replies import reply_routes
from rtc_widget.server.responders import remote_replies, reply_requests
from rtc_widget.server.responders.remote_replies import RemoteReplies
from rtc_widget.server.responders.reply_requests import ReplyFailed
from rtc_widget.server.responders.responder import Question
from rtc_widget.server.serve import server_config
from rtc_widget.signaling import shared_server
from rtc_widget.signaling.shared_server import ReplyStream
from tests.limits import HANGS, eventually
from tests.unit.signaling.http_double import Received, Reply, http_double


class Cable:
    """A TCP connection that can be cut: `is_cut` ends what goes through it and lets nothing new through.

    With `loses_answers` a request still reaches the server, and its answer does not come back.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: set[asyncio.StreamWriter] = set()
        self.is_cut = False
        self.loses_answers = False
        self.lost = self.refused = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            self.refused += 1
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer, is_answer=True))

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        while data := await reader.read(65_536):
            if is_answer and self.loses_answers:
                self.lost += 1
                break
            writer.write(data)
        writer.close()

    def cut(self) -> None:
        self.is_cut = True
        for writer in self._ends:
            writer.transport.abort()
        self._ends.clear()


def refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error_response(error)


@asynccontextmanager
async def served() -> AsyncIterator[tuple[RemoteReplies, Cable, str]]:
    replies = RemoteReplies()
    config = server_config(Starlette(routes=reply_routes(replies), exception_handlers={ApiError: refusal}))
    config.port = 0
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    cable = Cable(server.servers[0].sockets[0].getsockname()[1])
    async with await asyncio.start_server(cable.carry, "127.0.0.1", 0) as listening:
        try:
            yield replies, cable, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        finally:
            cable.cut()
            server.should_exit = True
            await serving


class Kernel:
    """Keeps what was asked, and says what the test lets it say."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.say = None
        self.reply: Future[None] = Future()

    def start(self, reply, text, messages, on_piece):
        self.asked.append(text)
        self.say, self.reply = on_piece, Future()
        return self.reply


def asking(replies: RemoteReplies, stream: ReplyStream, text: str):
    pieces: list[str] = []

    async def ask() -> str:
        question = Question(text=text, instructions="", conversation=Conversation())
        async for piece in replies.responder(stream.name, "f").respond(question):
            pieces.append(piece)
        return "".join(pieces)

    return asyncio.ensure_future(ask()), pieces


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(shared_server, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(shared_server, "_GRACE_SECONDS", HANGS)
    monkeypatch.setattr(shared_server, "OPEN_SECONDS", HANGS)
    monkeypatch.setattr(remote_replies, "GRACE_SECONDS", HANGS)
    monkeypatch.setattr(reply_requests, "REPLY_SECONDS", HANGS)


async def test_an_interruption_loses_no_part_of_a_reply_and_no_request():
    kernel = Kernel()
    async with served() as (replies, cable, url):
        stream = ReplyStream(url, lambda: "token", kernel.start)
        await stream.open()
        answer, pieces = asking(replies, stream, "first")
        await eventually(lambda: kernel.say)
        kernel.say("One ")
        await eventually(lambda: pieces)
        cable.cut()
        kernel.say("two ")
        kernel.say("three.")
        kernel.reply.set_result(None)
        second, _ = asking(replies, stream, "second")
        await eventually(lambda: cable.refused > 2)
        cable.is_cut = False
        assert await answer == "One two three."
        await eventually(lambda: kernel.asked == ["first", "second"])
        kernel.reply.set_result(None)
        assert await second == ""
        assert kernel.asked == ["first", "second"]
        stream.close()


async def test_a_batch_whose_confirmation_was_lost_is_taken_once():
    kernel = Kernel()
    async with served() as (replies, cable, url):
        stream = ReplyStream(url, lambda: "token", kernel.start)
        await stream.open()
        answer, pieces = asking(replies, stream, "me")
        await eventually(lambda: kernel.say)
        cable.loses_answers = True
        kernel.say("Once.")
        await eventually(lambda: pieces and cable.lost)
        cable.loses_answers = False
        kernel.reply.set_result(None)
        assert await answer == "Once."
        stream.close()


async def test_a_reply_that_the_server_refuses_fails_alone(monkeypatch):
    monkeypatch.setattr(RemoteReplies, "receive", refused_once(RemoteReplies.receive))
    kernel = Kernel()
    async with served() as (replies, _, url):
        stream = ReplyStream(url, lambda: "token", kernel.start)
        await stream.open()
        answer, _ = asking(replies, stream, "me")
        await eventually(lambda: kernel.say)
        kernel.say("Lost.")
        with pytest.raises(ReplyFailed, match="cancelled"):
            await answer
        assert kernel.reply.cancelled()
        kernel.say = None
        answer, _ = asking(replies, stream, "again")
        await eventually(lambda: kernel.say)
        kernel.say("Here.")
        kernel.reply.set_result(None)
        assert await answer == "Here."
        stream.close()


def refused_once(receive):
    bodies = []

    def once(self, stream, body):
        bodies.append(body)
        return receive(self, stream, b"[]" if len(bodies) == 1 else body)

    return once


@pytest.mark.parametrize("line", ["<html>", "[]", '{"type":"reply_request","id":1}', '{"type":"reply_cancel"}', "{}"])
async def test_a_server_that_sends_something_else_is_told_and_can_be_opened_again(line):
    lines = iter([line, '{"type":"ready"}\n'])
    with http_double(lambda request: Reply(200, next(lines, ""))) as server:
        stream = ReplyStream(server.url, lambda: "token", Kernel().start)
        with pytest.raises(InvalidAnswer):
            await stream.open()
        await stream.open()
        stream.close()


async def test_a_token_function_that_fails_does_not_leave_a_dead_stream():
    tokens = iter(["", "token"])

    def token():
        return next(tokens) or 1 // 0

    with http_double(lambda request: Reply(200, '{"type":"ready"}\n')) as server:
        stream = ReplyStream(server.url, token, Kernel().start)
        with pytest.raises(ZeroDivisionError):
            await stream.open()
        await stream.open()
        stream.close()


async def test_a_call_that_is_refused_leaves_no_stream_open():
    async def open_and_count() -> list[str]:
        local = Local(lambda text: text, server=url, token="token")
        with pytest.raises(RateLimited):
            await local.exchange("v=0", {})
        return [task.get_coro().__qualname__ for task in asyncio.all_tasks() if not task.cancelling()]

    def full(request: Received) -> Reply:
        if request.path.endswith("/reply_requests"):
            return Reply(200, '{"type":"ready"}\n')
        return Reply(429, json.dumps({"error": {"code": "rate_limit_exceeded", "message": "Full."}}))

    with http_double(full) as server:
        url = server.url
        running = await asyncio.wrap_future(io_thread().run(open_and_count()))
    assert not [name for name in running if name.startswith("ReplyStream")]
