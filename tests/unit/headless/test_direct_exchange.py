"""The page posts its offer itself; the kernel always gets the id of the call that was made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from rtc_widget.comm.settings import CallSettings
from rtc_widget.headless.page import HeadlessPage
from tests.unit.waiting import eventually


class _Conversation:
    """A page that is asked to call, and the widget's part in it."""

    def __init__(self, url: str) -> None:
        self.said: list[dict[str, Any]] = []
        self._url = url
        self.page = HeadlessPage()
        self.page.take_settings(CallSettings(exchange="browser").to_wire())
        self.page.open(self._take)

    def _take(self, message: dict[str, Any]) -> None:
        self.said.append(message)
        results = {
            "prepare": {"data_channel_label": "oai-events", "ice_servers": []},
            "create_client_secret": {"url": self._url, "secret": "ek_1"},
        }
        if message["type"] in results:
            self.page.hear({"type": "reply", "id": message["id"], "result": results[message["type"]]})

    def ask(self, type: str, **fields: object) -> None:
        self.page.hear({"type": type, "page": self.said[0]["page"], "id": f"k:{type}", **fields})

    def heard(self, type: str) -> list[dict[str, Any]]:
        return [message for message in self.said if message["type"] == type]


@asynccontextmanager
async def _server(answer: bytes) -> AsyncIterator[tuple[str, list[bytes], Callable[[], None]]]:
    """A server that answers when it may: its address, what it was asked, and what lets it answer."""
    asked: list[bytes] = []
    may_answer = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        await may_answer.wait()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1/realtime/calls", asked, may_answer.set
    finally:
        may_answer.set()
        server.close()


MADE = b"HTTP/1.1 201 Created\r\nLocation: /v1/realtime/calls/rtc_7\r\nContent-Length: 5\r\n\r\nv=0\r\n"


async def test_the_call_is_known_to_the_kernel_though_it_was_ended_while_it_was_being_made():
    async with _server(MADE) as (url, asked, answer):
        talk = _Conversation(url)
        talk.ask("connect", microphone=None, resume=False)
        await eventually(lambda: asked)
        talk.ask("disconnect")
        await eventually(lambda: talk.heard("hang_up"))
        assert talk.heard("exchanged") == []
        answer()
        await eventually(lambda: talk.heard("exchanged"))
        [hung_up], [made] = talk.heard("hang_up"), talk.heard("exchanged")
        assert made["call_id"] == "rtc_7"
        assert made["attempt"] == hung_up["attempt"], "by which the kernel hangs it up"


async def test_the_call_is_known_to_the_kernel_though_the_page_was_closed_meanwhile():
    async with _server(MADE) as (url, asked, answer):
        talk = _Conversation(url)
        talk.ask("connect", microphone=None, resume=False)
        await eventually(lambda: asked)
        talk.page.close()
        await eventually(lambda: talk.heard("hang_up"))
        answer()
        await eventually(lambda: talk.heard("exchanged"))
        assert talk.heard("exchanged")[0]["call_id"] == "rtc_7"


async def test_a_refusal_is_still_why_there_is_no_call():
    async with _server(b"HTTP/1.1 401 No\r\nContent-Length: 8\r\n\r\nno: ek_1") as (url, asked, answer):
        talk = _Conversation(url)
        answer()
        talk.ask("connect", microphone=None, resume=False)
        await eventually(lambda: talk.heard("reply"))
        error = talk.heard("reply")[0]["error"]
        assert error["code"] == "exchange_refused"
        assert "ek_1" not in error["message"]
        assert len(asked) == 1
