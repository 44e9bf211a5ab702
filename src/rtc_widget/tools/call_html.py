"""A tool call as HTML. Names and outputs come from models and functions, so they are escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any, Protocol

from rtc_widget._error_text import error_text, message_of
from rtc_widget._html import cut, faint, table, view
from rtc_widget._secret_forms import without_keys

_CLASSES: Mapping[str, str] = {"completed": "ok", "asking": "wait", "running": "wait"}
_MAX_CHARACTERS = 2_000
_LINE_CHARACTERS = 72


class ShownCall(Protocol):
    """What is shown of a `ToolCall`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def arguments(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def output(self) -> str: ...  # noqa: D102
    @property
    def error(self) -> BaseException | None: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102


def call_html(call: ShownCall) -> str:
    """Return one call: its arguments, its output, and why it failed."""
    rows = [(escape(str(name)), f"<pre>{_value(value)}</pre>") for name, value in call.arguments.items()]
    title = f"<div><b>{escape(call.name)}</b> {status_of(call)} {faint(f'{call.seconds:.2f} s')}</div>"
    arguments = table(("argument", "value"), rows) if rows else f"<div>{faint('No arguments.')}</div>"
    error = "" if call.error is None else cut(without_keys(error_text(call.error)), _MAX_CHARACTERS)
    why = f'<div><span class="bad">Error:</span> {error}</div>' if error else ""
    output = f"<div>{faint('The model receives:')}<pre>{output_of(call, _MAX_CHARACTERS)}</pre></div>"
    return view(title, arguments, why, output if call.output else "")


def words_of(call: ShownCall) -> str:
    """Return the call as it would be written in Python."""
    given = ", ".join(f"{name}={short(value, 60)}" for name, value in call.arguments.items())
    return escape(without_keys(f"{call.name}({given})"))


def status_of(call: ShownCall) -> str:
    """Return the status of a call."""
    words = call.status.replace("_", " ")
    return f'<span class="{_CLASSES.get(call.status, "bad")}">{escape(words)}</span>'


def output_of(call: ShownCall, most: int) -> str:
    """Return at most so many characters of the output."""
    return cut(without_keys(call.output), most)


def _value(value: object) -> str:
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if not isinstance(value, str) and len(text) > _LINE_CHARACTERS:
            text = json.dumps(value, ensure_ascii=False, indent=2)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return cut(without_keys(text), _MAX_CHARACTERS)


def short(value: object, most: int) -> str:
    """Return at most so many characters of a value, or of the message of an exception."""
    words = message_of(value) if isinstance(value, BaseException) else repr(value)
    return words if len(words) <= most else f"{words[:most]}…"
