"""The record of what the model has called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rtc_widget._sequence import FrozenSequence
from rtc_widget.errors import RtcWidgetError
from rtc_widget.optional import require_pandas

if TYPE_CHECKING:
    import pandas as pd

CallStatus = Literal["asking", "running", "completed", "failed", "denied", "timed_out"]

_MOST_CALLS = 1_000
_MOST_ROWS = 40
_COLORS: Mapping[str, str] = {"completed": "#2e8b57", "asking": "#b06000", "running": "#b06000"}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool by the model.

    Attributes
    ----------
    name : str
        What was called.
    arguments : dict
        As the model gave them.
    call_id : str
        The server's id of the call.
    status : {"asking", "running", "completed", "failed", "denied", "timed_out"}
        How it stands; ``"asking"`` while the person has not said yes or no.
    result : object
        What the function returned.
    output : str
        What the model was told.
    error : BaseException or None
        What the function raised, or why it was not called.
    seconds : float
        How long it took, the question to the person left out.
    time : datetime.datetime
        When the model called it; aware, UTC.
    """

    name: str
    arguments: Mapping[str, Any]
    call_id: str
    status: CallStatus = "running"
    result: Any = None
    output: str = ""
    error: BaseException | None = None
    seconds: float = 0.0
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __str__(self) -> str:
        given = ", ".join(f"{name}={_short(value, 60)}" for name, value in self.arguments.items())
        return f"{self.name}({given}) → {self.status}{f': {_short(self.output, 80)}' if self.output else ''}"


@dataclass(frozen=True, slots=True)
class ToolFailure:
    """What a tool raised.

    Attributes
    ----------
    call : ToolCall
        What was called with which arguments.
    error : BaseException
        What it raised, with its traceback.
    """

    code: ClassVar[str] = "tool_failed"

    call: ToolCall
    error: BaseException

    def __str__(self) -> str:
        given = ", ".join(f"{name}={_short(value, 60)}" for name, value in self.call.arguments.items())
        error = self.error
        words = str(error) if isinstance(error, RtcWidgetError) else f"{type(error).__name__}: {error}"
        return f"{self.call.name}({given}) failed: {words}"


class ToolCalls(FrozenSequence[ToolCall]):
    """Every call of a tool, oldest first; the last thousand are kept. A call that goes on is replaced as it does."""

    def __init__(self) -> None:
        self._lock = Lock()
        # By its time, too: a server may count its calls from one again in the next session.
        self._calls: dict[tuple[str, datetime], ToolCall] = {}

    def put(self, call: ToolCall) -> None:
        """Take in a call, or how it stands now."""
        with self._lock:
            self._calls[call.call_id, call.time] = call
            while len(self._calls) > _MOST_CALLS:
                del self._calls[next(iter(self._calls))]

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row a call (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; says how to install it.
        """
        pd = require_pandas()
        columns = ("time", "name", "arguments", "status", "output", "error", "seconds", "call_id")
        rows = [{name: getattr(call, name) for name in columns} for call in self]
        return pd.DataFrame(rows, columns=list(columns)).astype({"seconds": "float64"})

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "<ToolCalls: none yet>"

    def _repr_html_(self) -> str:
        calls = self._snapshot()
        rows = "".join(map(_row, calls[-_MOST_ROWS:]))
        hidden = len(calls) - _MOST_ROWS
        more = f"<p>{hidden} earlier calls are not shown.</p>" if hidden > 0 else ""
        head = "".join(
            f"<th style='text-align: left'>{name}</th>" for name in ("call", "status", "told the model", "s")
        )
        return f"{more}<table><tr>{head}</tr>{rows}</table>" if calls else "<i>The model has called no tool yet.</i>"

    def _snapshot(self) -> list[ToolCall]:
        with self._lock:
            return list(self._calls.values())


def _row(call: ToolCall) -> str:
    given = ", ".join(f"{name}={_short(value, 60)}" for name, value in call.arguments.items())
    why = f"<br><small>{escape(_short(call.error, 200))}</small>" if call.error is not None else ""
    cells = (
        f"<code>{escape(call.name)}({escape(given)})</code>",
        f"<b style='color: {_COLORS.get(call.status, '#c5221f')}'>{escape(call.status)}</b>{why}",
        escape(call.output if len(call.output) <= 200 else f"{call.output[:200]}…"),
        f"{call.seconds:.2f}",
    )
    return "<tr>" + "".join(f"<td style='text-align: left'>{cell}</td>" for cell in cells) + "</tr>"


def _short(value: object, most: int) -> str:
    text = value if isinstance(value, BaseException) else repr(value)
    words = str(text)
    return words if len(words) <= most else f"{words[:most]}…"
