"""In a real kernel: what a callback prints in `with out:` belongs to that output widget, whoever makes the call."""

from __future__ import annotations

import contextlib
import queue
import time

import pytest

from tests.limits import HANGS
from tests.unit.kernel.conftest import KernelClient

pytest.importorskip("ipywidgets")

SCRIPTED_PAGE = """
from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
page = ScriptedPage()
chat = VoiceChat(page=page)
await chat.connect()
def happen(): page.receives({"type": "error", "error": {"message": "One."}})
"""
HEADLESS_PAGE = """
from rtc_widget import Local, VoiceChat
chat = VoiceChat(Local(reply=lambda text: text), page="headless", microphone=False)
await chat.connect()
def happen(): chat.send({"type": "unknown"})
"""
REGISTER = """
from ipywidgets import Output
out = Output()
@chat.on("error")
def show(event):
    with out:
        print("seen")
"""


def routed(client: KernelClient) -> tuple[list[str], str]:
    """Return the ids that the output widget captured until something was printed, and the id that this has."""
    captured: list[str] = []
    over = time.monotonic() + HANGS
    while time.monotonic() < over:
        with contextlib.suppress(queue.Empty):
            message = client.published()
            state = message["content"].get("data", {}).get("state", {}) if message["msg_type"] == "comm_msg" else {}
            if "outputs" not in state and "msg_id" in state:
                captured.append(state["msg_id"])
            if message["msg_type"] == "stream" and "seen" in message["content"]["text"]:
                return captured, message["parent_header"].get("msg_id")
    raise AssertionError("nothing was printed")


@pytest.mark.parametrize("when", ["busy", "idle"])
def test_what_a_callback_prints_is_captured_by_its_output_widget(
    kernel_client: KernelClient, ipykernel: str, when: str
) -> None:
    captured, printed, cell = prints(kernel_client, SCRIPTED_PAGE, when)
    assert captured == [printed], "the front end puts into the widget what has this id"
    if not ipykernel.startswith("6"):  # which knows only one current cell
        assert printed == cell


@pytest.mark.parametrize("ipykernel", [""], ids=["this ipykernel"], indirect=True)
@pytest.mark.parametrize("when", ["busy", "idle"])
def test_so_it_is_with_the_headless_page(kernel_client: KernelClient, when: str) -> None:
    captured, printed, cell = prints(kernel_client, HEADLESS_PAGE, when)
    assert captured == [printed] == [cell]


def prints(client: KernelClient, page: str, when: str) -> tuple[list[str], str, str]:
    """Have a callback print, and return what `routed` tells and the id of the cell that registered it."""
    client.run(page)
    cell = client.run(REGISTER)
    if when == "busy":
        client.run("import asyncio\nhappen()\nwhile not chat.events.of('error'): await asyncio.sleep(0.01)")
    else:
        client.run("import threading\n_ = threading.Timer(0.3, happen).start()")
    return *routed(client), cell
