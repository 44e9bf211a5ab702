"""Engines in their own processes: their results, their failures, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtc_widget._aiortc.audio import samples_of
from rtc_widget.server.speech.engines import load
from rtc_widget.server.speech.selection import EngineChoice, UnknownEngine
from rtc_widget.server.speech.subprocess_engines import (
    EngineFailed,
    EngineProcesses,
    SubprocessRecognizer,
    SubprocessSpeaker,
    _end,
)
from tests.limits import HANGS

MINE = """
    import os
    import time
    from rtc_widget._aiortc.audio import MonoAudio, samples_of

    print("loading my engine")  # on the pipe this would be nonsense

    class Ears:
        name = "my ears"
        def recognize(self, samples):
            print("listening")
            samples *= 0.5  # some do this: the samples are theirs
            if len(samples) == 1:
                raise ValueError("one sample is no sound")
            if len(samples) == 2:
                os._exit(3)
            if len(samples) == 4:
                with open("asked.txt", "a") as file:
                    print(os.getpid(), file=file)
                time.sleep(600 if len(open("asked.txt").readlines()) == 1 else 0)
            return f"{len(samples)} samples in {os.getpid()}"

    class Mouth:
        name = "my mouth"
        def speak(self, text, *, voice="heart", speed=1.0):
            return MonoAudio(samples_of([speed] * len(text)), 8000) if text else "no sound"

    class Broken:
        name = "broken"
        def __init__(self):
            raise OSError("no such device")
        recognize = speak = None
"""


@pytest.fixture(autouse=True)
def my_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_engines.py").write_text(textwrap.dedent(MINE))
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def ears() -> Iterator[SubprocessRecognizer]:
    engine = SubprocessRecognizer("my_engines:Ears")
    yield engine
    engine.close()


def sound(length: int) -> np.ndarray:
    return samples_of(np.zeros(length))


def test_an_engine_of_one_s_own_works_in_another_process(ears: SubprocessRecognizer) -> None:
    mouth = SubprocessSpeaker("my_engines:Mouth")
    samples, _, pid = ears.recognize(sound(16_000)).partition(" samples in ")
    spoken = mouth.speak("Hello", speed=0.5)
    with pytest.raises(EngineFailed, match="must return MonoAudio, got str"):
        mouth.speak("")
    mouth.close()

    assert (ears.name, mouth.name) == ("my ears", "my mouth")
    assert (samples, int(pid) != os.getpid()) == ("16000", True)
    assert (spoken.rate, spoken.samples.tolist()) == (8000, [0.5] * 5)


def test_what_it_raises_is_told_and_it_goes_on(ears: SubprocessRecognizer) -> None:
    with pytest.raises(EngineFailed, match="ValueError: one sample is no sound"):
        ears.recognize(sound(1))

    assert ears.recognize(sound(3)).startswith("3 samples")


def test_one_that_ends_is_started_again(ears: SubprocessRecognizer) -> None:
    first = ears.recognize(sound(3))
    with pytest.raises(EngineFailed, match=r"recognizer's process has ended \(exit code 3\)"):
        ears.recognize(sound(2))

    assert ears.recognize(sound(3)) != first


def test_one_that_is_killed_between_two_questions_answers_the_next(ears: SubprocessRecognizer) -> None:
    _, _, pid = ears.recognize(sound(3)).partition(" samples in ")
    os.kill(int(pid), signal.SIGKILL)

    assert ears.recognize(sound(5)).startswith("5 samples")


def test_what_it_was_asked_as_it_was_killed_is_asked_once_more(ears: SubprocessRecognizer, tmp_path: Path) -> None:
    ears.recognize(sound(3))
    asked = tmp_path / "asked.txt"
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(ears.recognize, sound(4))
        pid = int(wait_for(lambda: asked.exists() and asked.read_text()))
        os.kill(pid, signal.SIGKILL)

        words, _, other = answer.result(HANGS).partition(" samples in ")
    assert (words, int(other) != pid) == ("4", True)
    assert asked.read_text().split() == [str(pid), other]


def test_one_that_is_closed_while_it_is_asked_is_not_started_again(ears: SubprocessRecognizer, tmp_path: Path) -> None:
    before = children(os.getpid())
    asked = tmp_path / "asked.txt"
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(ears.recognize, sound(4))
        wait_for(asked.exists)
        ears.close()
        with pytest.raises(EngineFailed, match="has been closed"):
            answer.result(HANGS)
    assert children(os.getpid()) < before


def wait_for(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + HANGS
    while not (value := found()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return value


def test_one_that_cannot_be_loaded_says_why() -> None:
    for wanted, kind, says in [
        ("nowhere:Ears", UnknownEngine, "Failed to load"),
        ("my_engines:Broken", EngineFailed, "OSError: no such device"),
    ]:
        engine = SubprocessRecognizer(wanted)
        with pytest.raises(kind, match=says):
            _ = engine.name
        engine.close()


def test_when_one_of_the_two_cannot_be_loaded_the_other_ends() -> None:
    before = children(os.getpid())
    with pytest.raises(UnknownEngine, match="Failed to load"):
        load(lambda _: None, EngineProcesses(EngineChoice("my_engines:Ears", "nowhere:Mouth")))

    assert children(os.getpid()) == before


def children(pid: int) -> set[int]:
    """Return the processes that `pid` has started and that still run."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue  # has ended meanwhile
        state, parent = rest.split()[:2]
        if int(parent) == pid and state != "Z":
            found.add(int(name.split()[0]))
    return found


def test_one_that_takes_its_time_to_go_raises_nothing() -> None:
    class SlowToGo(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None:
                raise subprocess.TimeoutExpired(self.args, timeout)
            return super().wait()

    process = SlowToGo([sys.executable, "-c", "import time; time.sleep(1000)"], stdin=subprocess.PIPE)
    _end(process)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_they_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    code = """if True:
        import sys, time
        from rtc_widget.server.speech.subprocess_engines import SubprocessRecognizer
        sys.path.append(sys.argv[1])
        ears = SubprocessRecognizer("my_engines:Ears")
        print(ears.name, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "my ears\n"
        (worker,) = children(parent.pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()

    end = time.monotonic() + HANGS
    while is_running(worker):
        assert time.monotonic() < end, "it still runs"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
