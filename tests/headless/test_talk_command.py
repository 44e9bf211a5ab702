"""`rtc-widget talk`: one turn from the shell."""

from __future__ import annotations

import os
import subprocess
import sys
import wave

import pytest
from typer.testing import CliRunner

from rtc_widget.audio.clip import AudioClip
from rtc_widget.cli import create_app
from tests.headless.conftest import QUESTION
from tests.limits import HANGS
from tests.speech import recognize, speak_wav, word_error_rate


def talk(*arguments):
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "RTC_WIDGET_TOKEN"))
    }
    code = "import sys; from rtc_widget.cli import main; sys.argv[0] = 'rtc-widget'; main()"
    command = [sys.executable, "-W", "error", "-c", code, "talk", *map(str, arguments)]
    environment |= {"COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGS, check=False)


@pytest.mark.alone
def test_a_spoken_question_is_answered_in_words_and_as_a_file(tmp_path):
    question = speak_wav(tmp_path / "question.wav", QUESTION)
    answer, transcript = tmp_path / "answer.wav", tmp_path / "talk.txt"
    done = talk(question, "--out", answer, "--transcript", transcript)
    assert done.returncode == 0, done.stderr
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line)
    assert word_error_rate(QUESTION, said["heard"]) <= 0.2
    assert "jitter" in said["response"]
    clip = AudioClip.from_file(answer)
    assert word_error_rate(said["response"], recognize(clip.pcm, clip.sample_rate)) <= 0.2
    user, assistant = transcript.read_text().splitlines()
    assert user == f"user: {said['heard']}"
    assert assistant == f"assistant: {said['response']}"


def talk_here(*arguments):
    environment = {"COLUMNS": "200", "NO_COLOR": "1", "OPENAI_API_KEY": None, "RTC_WIDGET_TOKEN": None}
    return CliRunner().invoke(create_app(), ["talk", *map(str, arguments)], env=environment)


def test_a_written_question_is_answered():
    done = talk_here("--text", "What is ICE?", "--timeout", HANGS)
    assert done.exit_code == 0, done.stderr
    assert "Interactive Connectivity" in done.stdout


def test_silence_is_no_question(tmp_path):
    path = tmp_path / "silence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(bytes(48_000))
    done = talk_here(path, "--timeout", HANGS)
    assert done.exit_code == 3
    assert "heard no question" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "one of the two"),
        (["no-such-file.wav"], 2, "There is no file no-such-file.wav"),
        ([__file__], 2, "test_talk_command.py"),
        (["--text", "Hello", "--out", "/no/such/folder/a.wav"], 2, "There is no folder /no/such/folder"),
        (["--text", "Hello", "--base-url", "http://127.0.0.1:9/v1", "--key", "sk-x"], 1, "cannot be reached"),
        (["--text", "Hello", "--base-url", "http://127.0.0.1:9/v1"], 1, "key"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(arguments, code, words):
    done = talk_here(*arguments)
    assert done.exit_code == code, done.stderr
    assert words in done.stderr
    assert isinstance(done.exception, SystemExit), "no traceback"
