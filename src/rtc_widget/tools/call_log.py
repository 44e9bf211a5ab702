"""The log of the model's tool calls."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rtc_widget._error_text import error_text, message_of
from rtc_widget._html import cut, faint, table, view
from rtc_widget._secret_forms import without_keys
from rtc_widget._sequence import FrozenSequence
from rtc_widget._unicode import well_formed, well_formed_json
from rtc_widget.errors import RtcWidgetError
from rtc_widget.optional import require_pandas
from rtc_widget.tools.call_html import call_html, output_of, short, status_of, words_of

if TYPE_CHECKING:
    import pandas as pd

CallStatus = Literal["asking", "running", "completed", "failed", "denied", "timed_out"]

_MAX_CALLS = 1_000
_MAX_ROWS = 40


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool by the model.

    Attributes
    ----------
    name : str
        The name of the tool.
    arguments : dict
        The arguments that the model gave.
    call_id : str
        The server's id of the call.
    status : {"asking", "running", "completed", "failed", "denied", "timed_out"}
        The present state; ``"asking"`` while the user is asked for permission.
    result : object
        The value that the function returned.
    output : str
        The text that the model receives.
    error : BaseException or None
        The exception of the function, or why the function was not called.
    seconds : float
        The duration of the function; the question to the user is not included.
    time : datetime.datetime
        The time of the call; aware, UTC.
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
        given = ", ".join(f"{name}={short(value, 60)}" for name, value in self.arguments.items())
        output = f": {short(self.output, 80)}" if self.output else ""
        return well_formed(f"{self.name}({given}) → {self.status}{output}")

    def __repr__(self) -> str:
        return f"<ToolCall: {without_keys(str(self))}>"

    def _repr_html_(self) -> str:
        return call_html(self)


@dataclass(frozen=True, slots=True)
class ToolFailure:
    """An exception that a tool raised.

    Attributes
    ----------
    call : ToolCall
        The call, with its arguments.
    error : BaseException
        The exception, with its traceback.
    """

    code: ClassVar[str] = "tool_failed"

    call: ToolCall
    error: BaseException

    def __str__(self) -> str:
        given = ", ".join(f"{name}={short(value, 60)}" for name, value in self.call.arguments.items())
        error = self.error
        words = message_of(error) if isinstance(error, RtcWidgetError) else error_text(error)
        return well_formed(f"{self.call.name}({given}) failed: {words}")


class ToolCalls(FrozenSequence[ToolCall]):
    """The last 1,000 tool calls, oldest first. The entry of a call is replaced whenever its state changes."""

    def __init__(self) -> None:
        self._lock = Lock()
        # The key has the time too: servers may reuse call ids in the next session.
        self._calls: dict[tuple[str, datetime], ToolCall] = {}

    def put(self, call: ToolCall) -> None:
        """Add a call, or replace it by its present state."""
        with self._lock:
            self._calls[call.call_id, call.time] = call
            while len(self._calls) > _MAX_CALLS:
                del self._calls[next(iter(self._calls))]

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per call; errors are texts (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        pd = require_pandas()
        columns = ("time", "name", "arguments", "status", "output", "error", "seconds", "call_id")
        rows = [
            {name: well_formed_json(getattr(call, name)) for name in columns}
            | {"error": None if call.error is None else error_text(call.error)}
            for call in self
        ]
        return pd.DataFrame(rows, columns=list(columns)).astype({"seconds": "float64"})

    def __deepcopy__(self, memo: dict[int, Any]) -> ToolCalls:
        """Return a log of its own with the same calls, which cannot be changed."""
        return _tool_calls(self._snapshot())

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickles; a result or an exception that cannot be restored is an error that names its call."""
        calls = self._snapshot()
        for call in calls:
            try:
                pickle.loads(pickle.dumps(call))  # noqa: S301 - made in this line
            except Exception as error:  # noqa: BLE001 - results and exceptions may have any type
                raise TypeError(
                    f"The log of tool calls cannot be pickled: the result or the exception of {call.name} "
                    f"({call.call_id}) cannot be restored: {error_text(error)}. Use to_pandas()."
                ) from None
        return _tool_calls, (calls,)

    def __repr__(self) -> str:
        return without_keys("\n".join(map(str, self))) or "<ToolCalls: empty>"

    def _repr_html_(self) -> str:
        calls = self._snapshot()
        if not calls:
            return view(faint("No tool calls yet."))
        hidden = len(calls) - _MAX_ROWS
        more = faint(f"{hidden} earlier calls are not shown.") if hidden > 0 else ""
        rows = (
            (f"<code>{words_of(call)}</code>", _ended(call), output_of(call, 200), f"{call.seconds:.2f}")
            for call in calls[-_MAX_ROWS:]
        )
        return view(more, table(("call", "status", "output", "s"), rows, numbers=(3,)))

    def _snapshot(self) -> list[ToolCall]:
        with self._lock:
            return list(self._calls.values())


def _tool_calls(calls: Iterable[ToolCall]) -> ToolCalls:
    """Return a log of these calls."""
    log = ToolCalls()
    for call in calls:
        log.put(call)
    return log


def _ended(call: ToolCall) -> str:
    why = "" if call.error is None else f"<br><small>{cut(without_keys(short(call.error, 200)), 200)}</small>"
    return status_of(call) + why
