"""Errors of this package in a notebook's cell: the person's line, the message, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from rtc_widget.errors import NotConnected, ResponseFailed
from rtc_widget.errors.cell_traceback import MOST_LINES, VARIABLE


@pytest.fixture
def shell(monkeypatch) -> Iterator[Any]:
    shell = InteractiveShell.instance()
    shown: list[list[str]] = []
    monkeypatch.setattr(shell, "_showtraceback", lambda _type, _value, lines: shown.append(lines))
    monkeypatch.setattr(shell, "shown", shown, raising=False)
    yield shell
    shell.run_line_magic("xmode", "Context")
    InteractiveShell.clear_instance()


def shown_lines(shell: Any, cell: str) -> list[str]:
    shell.run_cell(cell)
    [lines] = shell.shown
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(lines)).splitlines()


def test_the_persons_line_the_message_and_what_to_do(shell):
    lines = shown_lines(
        shell,
        "from rtc_widget.protocols.base import protocol_named\n"
        "settings = protocol_named('realtime').session_settings\n\nsettings({'voise': 'x'})",
    )
    assert re.fullmatch(r"Cell In\[\d+\], line 4", lines[0])
    assert lines[1:3] == ["----> 4 settings({'voise': 'x'})", "InvalidSession: Unknown session setting 'voise'."]
    assert lines[3].startswith("Did you mean 'voice'?")
    assert len(lines) == 4


def test_a_line_of_the_persons_own_module_follows_that_of_the_cell(shell, tmp_path, monkeypatch):
    (tmp_path / "calls_of_mine.py").write_text("def fail(error):\n    raise error\n")
    monkeypatch.syspath_prepend(tmp_path)
    lines = shown_lines(
        shell, "import calls_of_mine, rtc_widget.errors as e\ncalls_of_mine.fail(e.NotConnected('No call.', hint=''))"
    )
    assert lines[1:] == [
        "----> 2 calls_of_mine.fail(e.NotConnected('No call.', hint=''))",
        "File calls_of_mine.py, line 2",
        "----> 2 raise error",
        "NotConnected: No call.",
    ]


def test_it_never_has_more_than_eight_lines(shell):
    cell = "from rtc_widget.errors import ResponseFailed\n"
    cell += "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
    cell += "    raise ResponseFailed('\\n'.join(f'line {n}' for n in range(50)), hint='Ask again.') from error"
    lines = shown_lines(shell, cell)
    assert len(lines) == MOST_LINES
    assert lines[2] == "ResponseFailed: line 0"
    assert lines[-3].startswith("… 47 more lines")
    assert lines[-2:] == ["Ask again.", "Cause: ZeroDivisionError: division by zero"]


@pytest.mark.parametrize("by", ["xmode", "environment"])
def test_the_whole_traceback_is_shown_if_it_is_asked_for(shell, monkeypatch, by):
    if by == "xmode":
        shell.run_line_magic("xmode", "Verbose")
    else:
        monkeypatch.setenv(VARIABLE, "full")
    lines = shown_lines(
        shell,
        "from rtc_widget.protocols.base import protocol_named\nprotocol_named('realtime').session_settings({'x': 1})",
    )
    assert len(lines) > MOST_LINES
    assert any("session_settings.py" in line for line in lines)


def test_without_ipython_it_can_be_rendered_as_well(monkeypatch):
    monkeypatch.setattr("rtc_widget.errors.cell_traceback._shell", lambda: None)
    assert "NotConnected" in NotConnected("No call.", hint="Connect.")._render_traceback_()[0]
    monkeypatch.setenv(VARIABLE, "full")
    assert ResponseFailed("No words.", hint="")._render_traceback_() == [
        "rtc_widget.errors.events.ResponseFailed: No words.\n"
    ]
