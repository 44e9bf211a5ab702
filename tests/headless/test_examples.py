"""The examples run: in small, since they are meant for more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.headless.conftest import QUESTION
from tests.limits import HANGS
from tests.speech import speak_wav

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = {f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{name}": f"{HANGS:.0f}s" for name in ("CONNECT", "TCP")}
"""Dask's settings for a starved machine."""


def run(*arguments, cwd):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment | PATIENCE | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=2 * HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_latencies_of_two_conversations_are_compared(tmp_path):
    import pandas as pd

    run(
        EXAMPLES / "compare_latencies.py",
        "--conversations",
        2,
        "--csv",
        "t.csv",
        "What is ICE?",
        cwd=tmp_path,
    )
    table = pd.read_csv(tmp_path / "t.csv")
    assert len(table) == 2
    assert set(table.conversation) == {0, 1}
    assert (table.asked == "written").all()
    assert (table.first_transcript > 0).all()
    assert (table.first_audio < 60).all()
    assert (table.done > 0).all()


def test_conversations_are_divided_between_two_workers(tmp_path):
    import pandas as pd

    arguments = ("--conversations", 3, "--workers", 2, "--csv", "t.csv", "What is ICE?")
    run(EXAMPLES / "compare_latencies.py", *arguments, cwd=tmp_path)
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(table.columns[:2]) == ["worker", "conversation"]
    assert list(table.conversation) == [0, 1, 2]
    one, other = table.groupby("worker").conversation.apply(list)
    assert {tuple(one), tuple(other)} == {(0, 2), (1,)}
    assert (table.done > 0).all()


def test_files_are_asked_and_a_broken_one_is_told(tmp_path):
    speak_wav(tmp_path / "one.wav", QUESTION)
    (tmp_path / "two.wav").write_text("no sound")
    said = run(EXAMPLES / "ask_files.py", "one.wav", "two.wav", cwd=tmp_path)
    one, two = said.splitlines()
    assert "jitter" in one
    assert two.startswith("two.wav: !!")
    assert (tmp_path / "one.answer.wav").stat().st_size > 50_000


def test_the_agents_tests_pass(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    said = run("-m", "pytest", "-q", "-c", tmp_path / "pytest.ini", "-p", "no:cacheprovider", EXAMPLES, cwd=tmp_path)
    assert "4 passed" in said
