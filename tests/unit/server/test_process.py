from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rtc_widget import VoiceChat
from rtc_widget.errors import LocalServerError
from rtc_widget.server import process
from rtc_widget.server.process import Address, ServerProcess, shared_process
from rtc_widget.server.speech import moonshine
from rtc_widget.signaling.local import Local
from rtc_widget.testing import ScriptedPage
from tests.limits import HANGS
from tests.unit.waiting import eventually

PARENT = """
import time
from rtc_widget.server.process import ServerProcess
server = ServerProcess()
print(server.pid, flush=True)
if {wait}:
    server.ready.result()
    print("ready", flush=True)
    time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # Ended but not yet collected: in a container nobody may hurry to do that for an orphan.
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def ends(pid: int) -> bool:
    end = time.monotonic() + HANGS
    while is_running(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("is_ready", [True, False], ids=["when it serves", "while it loads"])
def test_the_server_ends_when_its_parent_is_killed(is_ready: bool) -> None:
    code = PARENT.format(wait=True) if is_ready else PARENT.format(wait=False) + "time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if is_ready:
            assert parent.stdout.readline() == "ready\n"
        parent.send_signal(signal.SIGKILL)

        assert ends(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill tells nothing there")
def test_the_server_ends_with_a_parent_that_exits() -> None:
    code = "from rtc_widget.server.process import shared_process; print(shared_process().pid, flush=True)"
    parent = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, timeout=HANGS)

    assert ends(int(parent.stdout))


def test_all_who_ask_at_once_get_one_process(local_server: Local) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: shared_process().pid, range(32)))

    assert len(found) == 1


def test_a_server_that_has_died_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_shared", None)
    first = shared_process()
    first.stop()

    second = shared_process()
    try:
        assert not first.is_running
        assert second.pid != first.pid
    finally:
        second.stop()


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")  # no Python can start like this
    server = ServerProcess()

    with pytest.raises(LocalServerError, match="ended while starting") as failed:
        server.ready.result(HANGS)

    assert "Fatal Python error" in str(failed.value), "the last words of the process"
    assert "restart the kernel" in failed.value.hint
    server.stop()


def test_a_line_that_is_no_message_does_not_make_it_deaf(local_server: Local) -> None:
    running = shared_process()
    for line in ("no JSON\n", "[]\n", '{"type": "progress"}\n', '{"type": "reply_cancel"}\n'):
        running._receive_line(line)
    said: list[str] = []
    running._receive_line('{"type": "reply_request", "id": 7, "reply": "gone", "text": "", "messages": []}\n')
    with running.progress_to(said.append):
        running._receive_line('{"type": "progress", "text": "Still here"}\n')

    assert said == ["Still here"]
    assert "no JSON" in running.log()


async def test_the_widget_shows_what_a_fresh_server_is_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_shared", None)
    page = ScriptedPage(acts=False)
    chat, shown = VoiceChat(Local(), page=page), []
    chat.observe(lambda change: shown.append(change.new), "progress")
    try:
        page.hello()
        await eventually(lambda: shown and shown[-1] == "")
    finally:
        chat.close()
        await asyncio.to_thread(shared_process().stop)

    steps = ["Loading speech recognition (1 of 3) …", "Loading the voice (2 of 3) …", "Warming up (3 of 3) …"]
    assert shown == ["Starting the local server …", *steps, ""]


def test_the_token_is_in_no_argument_no_environment_and_no_repr(local_server: Local, address: Address) -> None:
    pid = shared_process().pid

    assert address.token not in repr(address)
    assert address.token not in repr(local_server)
    for what in ("cmdline", "environ"):
        try:
            assert address.token.encode() not in Path(f"/proc/{pid}/{what}").read_bytes()
        except FileNotFoundError:
            pytest.skip("no /proc here")


def modules_after(code: str, names: str) -> str:
    """Return which of the modules `names` are imported after `code`, in a process of its own."""
    shown = f"import sys; print([name for name in {names.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{shown}"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def test_the_engines_start_before_anything_slow_is_imported() -> None:
    slow = "numpy aiortc av pydantic starlette uvicorn rtc_widget.server.serve"
    assert modules_after("import rtc_widget.server.__main__", slow) == "[]\n"
    assert modules_after("import rtc_widget.server.speech.worker", f"{slow} aiortc onnxruntime") == "[]\n"


@pytest.mark.speech
@pytest.mark.skipif(not moonshine.is_available(), reason="no Moonshine here")
def test_the_server_imports_nothing_that_only_chat_models_and_downloads_need() -> None:
    code = "import rtc_widget.server.serve, rtc_widget.server.http.responder_selection"
    assert modules_after(code, "httpx httpx_sse onnxruntime hibari moonshine_voice") == "[]\n"
    code = "from rtc_widget.server.speech import selection; selection.recognizer('')"
    assert modules_after(code, "requests urllib3 aiortc") == "[]\n"
