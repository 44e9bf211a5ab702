"""A forgotten ``await`` is said, and a stopped cell says that the call goes on."""

from __future__ import annotations

import asyncio
import gc
import inspect
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import rtc_widget
from rtc_widget import PeerConnection, VoiceChat
from rtc_widget.calls.recorder import Recorder
from rtc_widget.kernel.operation import Operation
from rtc_widget.peers import objects
from rtc_widget.testing import ScriptedPage
from tests.limits import HANGS

FORGOTTEN = "chat.ask(…) has not started. Put await before it: await chat.ask(…)\n"
CLASSES = [VoiceChat, PeerConnection, Recorder, *(each for each in vars(objects).values() if inspect.isclass(each))]


@pytest.fixture
async def shell() -> Any:
    shell = InteractiveShell.instance()
    page = ScriptedPage()
    shell.user_ns["asyncio"] = asyncio
    shell.user_ns["chat"] = chat = VoiceChat(page=page)
    await chat.connect()
    yield shell
    chat.close()
    InteractiveShell.clear_instance()


def run(shell: Any, cell: str) -> Any:
    # As ipykernel does: it triggers the event itself.
    result = shell.run_cell(cell, store_history=False)
    assert result.success, result.error_in_exec
    return result.result


def run_async(shell: Any, cell: str) -> Any:
    return shell.run_cell_async(cell, transformed_cell=cell)


@pytest.mark.parametrize("owner", CLASSES, ids=lambda owner: owner.__name__)
def test_every_public_coroutine_method_returns_an_operation(owner):
    public = [name for name in dir(owner) if not name.startswith("_")]
    bare = [name for name in public if inspect.iscoroutinefunction(inspect.getattr_static(owner, name))]
    assert bare == []


def test_the_methods_of_a_chat_keep_their_names_and_signatures():
    assert list(inspect.signature(VoiceChat.ask).parameters)[:2] == ["self", "text"]
    assert "Ask" in (VoiceChat.ask.__doc__ or "")
    assert rtc_widget.VoiceChat.ask.__name__ == "ask"


async def test_a_cell_says_at_its_end_what_it_has_not_awaited(shell, capsys):
    run(shell, "turn = chat.ask('What is ICE?')")
    assert capsys.readouterr().err == FORGOTTEN
    with pytest.raises(AttributeError, match=r"result is missing\. Put await before it"):
        _ = shell.user_ns["turn"].text
    with pytest.raises(TypeError, match="Put await before it"):
        list(shell.user_ns["turn"])
    shell.user_ns.pop("turn")
    gc.collect()
    assert capsys.readouterr().err == ""


async def test_it_is_said_each_time_a_cell_is_run_again(shell, capsys):
    for _ in range(2):
        run(shell, "chat.ask('What is ICE?')\n1")
        gc.collect()
        assert "Put await before it: await chat.ask(…)" in capsys.readouterr().err


async def test_the_result_of_a_cell_says_it_once(shell, capsys):
    result = run(shell, "chat.ask('What is ICE?')")
    assert repr(result) == f"<{FORGOTTEN.strip()}>"
    out = capsys.readouterr()
    assert (out.out + out.err).count("Put await before it") == 1


async def test_nothing_is_said_of_a_task_and_of_what_was_awaited(shell, capsys):
    result = await run_async(shell, "task = asyncio.create_task(chat.devices()); devices = await chat.devices()")
    shell.events.trigger("post_run_cell", result)
    assert result.success
    async with asyncio.timeout(HANGS):
        assert await shell.user_ns["task"] == shell.user_ns["devices"]
    assert capsys.readouterr().err == ""


@pytest.fixture
def shown(shell, monkeypatch) -> list[list[str]]:
    shown: list[list[str]] = []
    monkeypatch.setattr(shell, "_showtraceback", lambda _type, _value, lines: shown.append(lines))
    return shown


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("await chat.wait_for('x.y', timeout=None)", "Stopped. The call goes on."),
        ("async for event in chat.stream('x.y'): pass", "Stopped. The call goes on."),
        ("async with chat: await chat.wait_for('x.y', timeout=None)", "Stopped. The call has ended."),
        ("await chat.disconnect(); await chat.wait_for('x.y', timeout=None)", "Stopped. There is no call."),
    ],
)
async def test_a_stopped_cell_says_what_goes_on(shell, shown, cell, line):
    # ipykernel cancels the task of the cell.
    task = asyncio.ensure_future(run_async(shell, cell))
    await _waits(task)
    task.cancel()
    async with asyncio.timeout(HANGS):
        await task
    assert shown == [[line]]
    assert isinstance(task.result().error_in_exec, asyncio.CancelledError)


async def test_a_time_limit_of_a_cell_is_no_stop(shell):
    result = await run_async(shell, "async with asyncio.timeout(0.01): await chat.wait_for('x.y', timeout=None)")
    assert isinstance(result.error_in_exec, TimeoutError)


async def test_a_cancelled_operation_outside_of_a_cell_is_not_called_stopped():
    async def wait() -> None:
        await asyncio.Event().wait()

    task = asyncio.ensure_future(Operation("chat.wait()", wait))
    await _waits(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    assert cancelled.value.args == ()


async def _waits(task: asyncio.Future[Any]) -> None:
    """Let a task run until it waits for something that is not ready."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()


SETUP = """
from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
chat = VoiceChat(page=ScriptedPage())
await chat.connect()
"""


@pytest.mark.parametrize("ipykernel", [""], ids=["this ipykernel"], indirect=True)
def test_an_interrupt_of_a_kernel_ends_the_wait_of_its_cell(kernel_client):
    kernel_client.run(SETUP)
    shown = kernel_client.stopped("print('waits', flush=True)\nawait chat.wait_for('x.y', timeout=None)")
    assert shown == "Stopped. The call goes on."
