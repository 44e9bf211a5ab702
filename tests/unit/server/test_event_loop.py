"""Nothing holds up the event loop: not an engine at work, not a parent that does not read, not a full log."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from rtc_widget.server.logs import log_from_thread
from rtc_widget.server.protocols.realtime import items
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.speech.subprocess_engines import EngineProcess, SubprocessSpeaker
from tests.limits import HANGS, eventually
from tests.unit.server.loop_watchdog import BlocksTheLoop, Watchdog
from tests.unit.server.scripted_server import server_of_two
from tests.unit.server.stage import SPEECH, LoudIsSpeech, Recognizer, Stage

SLOW = """
    import time
    from pathlib import Path
    from rtc_widget._aiortc.audio import MonoAudio, samples_of

    class Mouth:
        name = "slow mouth"
        def speak(self, text, *, voice="heart", speed=1.0):
            Path("began").touch()
            while not Path("may_end").exists():
                time.sleep(0.01)
            return MonoAudio(samples_of([0.5]), 8000)
"""


@pytest.fixture
def slow_mouth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SubprocessSpeaker:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slow_engines.py").write_text(textwrap.dedent(SLOW))
    monkeypatch.syspath_prepend(tmp_path)
    return SubprocessSpeaker("slow_engines:Mouth")


async def test_health_is_told_while_the_server_speaks(slow_mouth: SubprocessSpeaker, tmp_path: Path) -> None:
    await asyncio.to_thread(lambda: slow_mouth.name)
    engines = Engines(Recognizer(), slow_mouth, LoudIsSpeech)
    try:
        async with server_of_two(engines=engines) as address, httpx.AsyncClient(trust_env=False) as client:
            speaking = asyncio.create_task(engines.speak("One sentence."))
            await eventually((tmp_path / "began").exists)

            health = (await client.get(f"http://{address}/health", timeout=HANGS)).json()

            assert not speaking.done()
            assert health["engines"]["speaker"] == "slow mouth"
            (tmp_path / "may_end").touch()
            assert (await speaking).rate == 8000
    finally:
        await asyncio.to_thread(engines.close)


async def test_the_name_of_an_engine_is_known_while_it_starts_again(
    slow_mouth: SubprocessSpeaker, tmp_path: Path
) -> None:
    (tmp_path / "may_end").touch()
    await asyncio.to_thread(lambda: slow_mouth.name)
    try:
        slow_mouth._engine._process.kill()
        with slow_mouth._engine._call_lock._lock:  # type: ignore[attr-defined] # as while it loads
            assert slow_mouth.name == "slow mouth"
    finally:
        await asyncio.to_thread(slow_mouth.close)


async def test_the_watchdog_finds_a_lock(slow_mouth: SubprocessSpeaker, watchdog: Watchdog) -> None:
    engine: EngineProcess = slow_mouth._engine
    with pytest.raises(BlocksTheLoop):
        engine.loaded()

    assert "a lock is taken on the event loop" in watchdog.found.pop()
    await asyncio.to_thread(slow_mouth.close)


WRITES = """
import sys
from rtc_widget.server.responders.parent_pipe import ParentPipe

parent = ParentPipe()
for number in range(20):
    parent.send("reply_request", id=number, text="x" * 100_000)
print("sent all", file=sys.stderr, flush=True)
sys.stdin.read()
"""


def test_a_parent_that_does_not_read_does_not_stop_the_server() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", WRITES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stderr.readline() == "sent all\n", "two megabytes, of which a pipe holds 64 KiB"
        sent = [json.loads(child.stdout.readline()) for _ in range(20)]
        child.stdin.close()

    assert [message["id"] for message in sent] == list(range(20))
    assert {len(message["text"]) for message in sent} == {100_000}


LOGS = """
import logging, sys
from rtc_widget.server.logs import MAX_WAITING, log_from_thread

log_from_thread(logging.WARNING, "%(levelname)s %(message)s")
for number in range(2 * MAX_WAITING):
    logging.getLogger("server").warning("%d %s", number, "x" * 100)
logging.getLogger("server").info("not shown")
print("logged all", flush=True)
"""


def test_a_log_that_nobody_reads_does_not_stop_the_server() -> None:
    child = subprocess.Popen([sys.executable, "-c", LOGS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "logged all\n", "two megabytes, of which a pipe holds 64 KiB"
        lines = child.stderr.read().splitlines()

    assert lines[0].startswith("WARNING 0 xxx")
    assert 10_000 <= len(lines) < 20_000, "the first ones; what does not fit is dropped"
    assert not any("Traceback" in line or "not shown" in line for line in lines)


def test_a_traceback_is_formatted_in_the_thread_of_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, formatting = logging.Logger("root"), []

    def format_exception(self: logging.Formatter, error: object) -> str:
        formatting.append(threading.current_thread().name)
        return "the traceback"

    monkeypatch.setattr(logging, "getLogger", lambda: root)
    monkeypatch.setattr(logging.Formatter, "formatException", format_exception)
    stops: list[Callable[[], None]] = []
    monkeypatch.setattr("atexit.register", stops.append)
    log_from_thread(logging.WARNING, "%(levelname)s %(message)s")

    root.error("%s failed", "a task", exc_info=ValueError("so"))

    stops[0]()
    assert formatting == ["log"]
    assert capsys.readouterr().err == "ERROR a task failed\nthe traceback\n"


async def test_a_long_audio_is_encoded_in_another_thread(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    whole = items.encoded_audio

    def encoded(*arguments: object) -> bytes:
        threads.append(threading.current_thread())
        return whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(items, "encoded_audio", encoded)
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    for _ in range(6):
        stage.append(SPEECH)
    stage.send("input_audio_buffer.commit")
    item_id = stage.events[-1]["item"]["id"]

    for _ in range(20):
        stage.send("conversation.item.retrieve", item_id=item_id)

    assert [event["error"]["code"] for event in stage.events if event["type"] == "error"] == ["rate_limit_exceeded"] * 4
    await stage.until("conversation.item.retrieved", 16)
    assert threading.main_thread() not in threads
    stage.send("conversation.item.retrieve", item_id=item_id)
    await stage.until("conversation.item.retrieved", 17)
