"""An operation that starts when it is awaited, and says so if it is not."""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial, wraps
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

from rtc_widget.kernel.cell import in_cell, running_shell, stoppable, watch_until_end_of_cell

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
P = ParamSpec("P")


class Operation(Coroutine[Any, Any, T_co]):
    """A coroutine of a widget: ``await`` starts it and returns its result.

    A cell that ends without having started it says so.

    Parameters
    ----------
    call : str
        The call as it is written, such as ``"pc.create_offer()"``.
    start : callable
        Returns the coroutine that does the work.
    is_optional : bool
        Whether it may be dropped unawaited without a warning.
    when_stopped : callable
        Returns the sentence on what happens next if the kernel is interrupted during the wait.
    during : callable
        Returns a context manager in which the work is done.
    """

    def __init__(
        self,
        call: str,
        start: Callable[[], Coroutine[Any, Any, T_co]],
        *,
        is_optional: bool = False,
        when_stopped: Callable[[], str] = lambda: "The connection goes on.",
        during: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._call = call
        self._start = start
        self._is_optional = is_optional
        self._when_stopped = when_stopped
        self._during = during
        self._running: Coroutine[Any, Any, T_co] | None = None
        self._is_done = False
        self._is_said = False
        if not is_optional:
            watch_until_end_of_cell(self)

    def __await__(self) -> Generator[Any, Any, T_co]:
        return (yield from self._coroutine().__await__())

    def send(self, value: Any) -> Any:
        """Run to the next wait; asyncio calls this."""
        if value is not None and self._running is None:
            raise TypeError(self._missing_await())  # meant for the channel that it would have created
        return self._coroutine().send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error in it; asyncio calls this."""
        return self._coroutine().throw(*error)

    def close(self) -> None:
        """Do not run it, or stop it."""
        self._is_done = True
        if self._running is not None:
            self._running.close()

    def require_result(self) -> NoReturn:
        """Raise an error because the operation itself is used in the place of its result.

        Raises
        ------
        TypeError
            Says what to write.
        """
        raise TypeError(self._missing_await())

    def say_if_not_awaited(self) -> None:
        """Print that it has not started, unless it has, or a task has it; once."""
        if self._running is not None or self._is_done or self._is_said or _has_task(self):
            return
        self._is_said = True
        print(f"{self._call} has not started. Put await before it: await {self._call}", file=sys.stderr)

    def _missing_await(self) -> str:
        self._is_said = True
        return f"{self._call} was not awaited, so its result is missing. Put await before it: await {self._call}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(self._missing_await())

    def __iter__(self) -> Iterator[Any]:
        self.require_result()

    def __getitem__(self, index: object) -> Any:
        self.require_result()

    def _coroutine(self) -> Coroutine[Any, Any, T_co]:
        if self._running is None:
            self._running = self._run()
        return self._running

    async def _run(self) -> T_co:
        try:
            with stoppable(), self._during():
                return await self._start()
        except asyncio.CancelledError as error:
            if in_cell():
                say_when_stopped(error, self._when_stopped())
            raise
        finally:
            self._is_done = True

    def __repr__(self) -> str:
        if self._is_done:
            return f"<{self._call}: done>"
        if self._running is not None:
            return f"<{self._call}: running>"
        if self._is_optional:
            return f"<{self._call}: await {self._call} waits for its end>"
        self._is_said = running_shell() is not None
        return f"<{self._call} has not started. Put await before it: await {self._call}>"

    def __del__(self) -> None:
        if self._running is not None or self._is_done or self._is_optional or self._is_said:
            return
        words = f"{self._call} was never awaited, so it did nothing. Put await before it: await {self._call}"
        if running_shell() is not None:
            # Python shows a warning once per line; a cell is run again and again.
            print(words, file=sys.stderr)
        else:
            warnings.warn(words, RuntimeWarning, stacklevel=2, source=self)


class operations_of:
    """A decorator by which a coroutine method returns an `Operation`.

    Parameters
    ----------
    owner : str
        What people call an object of the class: ``"chat"``.
    when_stopped : callable
        Returns, for the object, the sentence on what happens next if the kernel is interrupted during the wait.
    during : callable
        Returns, for the object, a context manager in which the work is done.
    """

    def __init__(
        self,
        owner: str,
        when_stopped: Callable[[Any], str],
        during: Callable[[Any], AbstractContextManager[None]] = lambda owner: nullcontext(),
    ) -> None:
        self._owner = owner
        self._when_stopped = when_stopped
        self._during = during

    def __call__(self, method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Operation[T]]:
        """Return the method that makes operations."""

        @wraps(method)
        def operation(*args: P.args, **kwargs: P.kwargs) -> Operation[T]:
            call = f"{self._owner}.{method.__name__}({'…' if args[1:] or kwargs else ''})"
            return Operation(
                call,
                partial(method, *args, **kwargs),
                when_stopped=partial(self._when_stopped, args[0]),
                during=partial(self._during, args[0]),
            )

        return cast("Callable[P, Operation[T]]", operation)


def say_when_stopped(error: BaseException | None, what_next: str) -> None:
    """Let IPython show one line for the cancellation of a cell, which the Stop button causes; ignore other errors.

    The error stays what it is: `asyncio.timeout` (Python 3.11) takes no subclass of `CancelledError`.
    """
    if isinstance(error, asyncio.CancelledError):
        words = f"Stopped. {what_next}".rstrip()
        error.args = (words,)
        # IPython calls this: nobody looks for the place of a stop.
        vars(error)["_render_traceback_"] = lambda: [words]


def _has_task(operation: Operation[Any]) -> bool:
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return False
    return any(task.get_coro() is operation for task in tasks)
