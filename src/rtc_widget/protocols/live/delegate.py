"""A Python function that does the work which the voice model hands over to this kernel."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, ClassVar

from rtc_widget._error_text import error_text
from rtc_widget._unicode import well_formed
from rtc_widget.conversation.turn import Turn

_CONVERSATION_NAMES = ("conversation", "messages")


@dataclass(frozen=True, slots=True)
class DelegateFailure:
    """An exception that the function raised.

    Attributes
    ----------
    name : str
        The function.
    error : BaseException
        The exception, with its traceback.
    """

    code: ClassVar[str] = "backend_failed"

    name: str
    error: BaseException

    def __str__(self) -> str:
        return well_formed(f"{self.name}(…) failed: {error_text(self.error)}")


class Delegate:
    """Calls the function, in the context of the cell that gave it.

    If its first parameter is called ``conversation`` or ``messages`` it gets a list of dictionaries with `role` and
    `content`, else what the user has said last. A function that is neither a coroutine function nor an asynchronous
    generator runs in a thread, so that it does not hold up the call.

    Parameters
    ----------
    function : callable
        The function.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self._function = function
        self._context = copy_context()

    def start(self, work: Any) -> asyncio.Task[None]:
        """Run a coroutine in the context of the cell."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())

    async def pieces(self, turns: Sequence[Turn], text: str) -> AsyncIterator[str]:
        """Yield what the function returns or yields.

        Raises
        ------
        TypeError
            If it is not text.
        """
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        given: Any = messages if _wants_conversation(self._function) else text
        if inspect.iscoroutinefunction(self._function) or inspect.isasyncgenfunction(self._function):
            result: Any = self._function(given)
        else:
            result = await asyncio.to_thread(self._function, given)
        if inspect.isawaitable(result):
            result = await result
        if hasattr(result, "__aiter__"):
            async for piece in result:
                yield self._text(piece)
        elif isinstance(result, Iterable) and not isinstance(result, str | bytes | Mapping):
            pieces = iter(result)
            while (piece := await asyncio.to_thread(next, pieces, _END)) is not _END:
                yield self._text(piece)
        elif result is not None:
            yield self._text(result)

    def _text(self, piece: object) -> str:
        if not isinstance(piece, str):
            raise TypeError(f"The backend function {self.name} must return str, got {type(piece).__name__}.")
        return piece


_END = object()


def _wants_conversation(function: Callable[[Any], Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False  # a built-in function without a signature
    return next(iter(parameters), "") in _CONVERSATION_NAMES
