"""In a real kernel: what callbacks, observers, tools and reply functions print belongs to the cell that has them."""

from __future__ import annotations

import contextlib
import queue
import time

import pytest

from tests.limits import HANGS
from tests.unit.kernel.conftest import KernelClient

SETUP = """
import asyncio
from rtc_widget import VoiceChat
from rtc_widget.server.responders.python_function import ReplyFunction, ReplyRequest
from rtc_widget.testing import ScriptedPage
page = ScriptedPage()
chat = VoiceChat(page=page)
await chat.connect()
"""
REGISTER = {
    "a callback": "@chat.on('x')\ndef show(event): print('seen')",
    "an async callback": "@chat.on('x')\nasync def later(event):\n    await asyncio.sleep(0)\n    print('seen')",
    "an observer": "chat.observe(lambda change: print('seen'), 'user_speaking')",
    "a tool": "@chat.tool\ndef look() -> str:\n    print('seen')\n    return 'done'",
    "a tool in a thread": "@chat.tool(thread=True)\ndef search() -> str:\n    print('seen')\n    return 'done'",
    "a reply function": "def reply(text):\n    print('seen')\n    return text\nasks = ReplyFunction(reply)",
}
HAPPENS = """
import threading
calls = [{"type": "function_call", "id": n, "name": n, "arguments": "{}", "call_id": n} for n in ("look", "search")]
done = {"id": "r9", "status": "completed", "output": calls}
def happen():
    page.receives({"type": "x"}, {"type": "input_audio_buffer.speech_started", "item_id": "i"},
                  {"type": "response.done", "response": done})
    asks.call(ReplyRequest("hi", []), lambda piece: None)
"""


class Kernel:
    """A kernel, and what it prints by the cell that the output belongs to."""

    def __init__(self, client: KernelClient) -> None:
        self.client = client
        self.printed: dict[str, str] = {}

    def run(self, code: str) -> str:
        """Run a cell and return the id of its request."""
        return self.client.run(code)

    def until_printed(self, cells: list[str]) -> None:
        over = time.monotonic() + HANGS
        while not all("seen" in self.printed.get(cell, "") for cell in cells) and time.monotonic() < over:
            with contextlib.suppress(queue.Empty):
                message = self.client.published()
                if message["msg_type"] == "stream":
                    cell = message["parent_header"].get("msg_id")
                    self.printed[cell] = self.printed.get(cell, "") + message["content"]["text"]


@pytest.fixture
def kernel(kernel_client: KernelClient) -> Kernel:
    return Kernel(kernel_client)


@pytest.mark.parametrize("when", ["busy", "idle"])
def test_the_output_appears_in_the_cell_that_registered_the_function(kernel, when):
    kernel.run(SETUP)
    cells = {name: kernel.run(code) for name, code in REGISTER.items()}
    kernel.run(HAPPENS)
    if when == "busy":
        kernel.run("happen(); await asyncio.sleep(0.5)")
    else:
        kernel.run("_ = threading.Timer(0.3, happen).start()")
    kernel.until_printed(list(cells.values()))
    assert {name: kernel.printed.get(cell, "") for name, cell in cells.items()} == dict.fromkeys(cells, "seen\n")
