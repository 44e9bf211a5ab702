from __future__ import annotations

import builtins
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

from rtc_widget import VoiceChat


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    before = dict(vars(builtins))
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.run_cell("from rtc_widget import VoiceChat; from rtc_widget.testing import ScriptedPage")
    yield shell
    InteractiveShell.clear_instance()
    for name in vars(builtins).keys() - before.keys():
        delattr(builtins, name)


def made(shell: InteractiveShell, *cells: str) -> list[str]:
    """Run cells that make a `chat`, and note in `ends` what its page is told to do at the end."""
    ends: list[str] = []
    shell.user_ns["ends"] = ends
    page = "class Page(ScriptedPage):\n    def close(self): ends.append('closed')"
    for cell in (page, "chat = VoiceChat(page=Page(acts=False))", *cells):
        shell.run_cell(cell).raise_error()
    return ends


def test_a_widget_without_a_name_is_closed(shell):
    ends = made(shell)
    assert ends == []
    shell.run_cell("del chat")
    assert ends == ["closed"]


def test_a_recording_that_runs_holds_no_widget(shell):
    ends = made(shell, "_ = chat.record()", "pass")
    assert ends == []
    shell.run_cell("del chat")
    assert ends == ["closed"]


@pytest.mark.parametrize("state", ["recording", "stopped"])
def test_a_recorder_in_a_variable_holds_no_widget(shell, state):
    ends = made(shell, "recorder = chat.record()", "recorder.stop()" if state == "stopped" else "pass")
    assert f"<Recorder: {state}, " in repr(shell.user_ns["recorder"])
    shell.run_cell("del chat")
    assert ends == ["closed"]
    shell.run_cell("recorder.stop()").raise_error()
    assert repr(shell.user_ns["recorder"].recording) == "<Recording: empty>"


def test_a_widget_in_another_variable_is_held(shell):
    ends = made(shell, "calls = [chat]", "del chat")
    assert ends == []
    assert isinstance(shell.user_ns["calls"][0], VoiceChat)
    shell.run_cell("calls.clear()")
    assert ends == ["closed"]
