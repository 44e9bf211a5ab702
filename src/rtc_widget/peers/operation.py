"""An operation that starts when it is awaited, and says so if it is not."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Operation(Coroutine[Any, Any, T_co]):
    """A coroutine of a peer connection: ``await`` starts it and returns its result.

    Parameters
    ----------
    call : str
        The call as it is written, such as ``"pc.create_offer()"``.
    start : callable
        Returns the coroutine that does the work.
    is_optional : bool
        Whether it may be dropped unawaited without a warning.
    """

    def __init__(self, call: str, start: Callable[[], Coroutine[Any, Any, T_co]], *, is_optional: bool = False) -> None:
        self._call = call
        self._start = start
        self._is_optional = is_optional
        self._running: Coroutine[Any, Any, T_co] | None = None
        self._is_done = False

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

    def require_result(self) -> None:
        """Raise an error because the operation itself is used in the place of its result.

        Raises
        ------
        TypeError
            Says what to write.
        """
        raise TypeError(self._missing_await())

    def _missing_await(self) -> str:
        return f"{self._call} was not awaited, so its result is missing. Write: await {self._call}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(self._missing_await())

    def _coroutine(self) -> Coroutine[Any, Any, T_co]:
        if self._running is None:
            self._running = self._run()
        return self._running

    async def _run(self) -> T_co:
        try:
            return await self._start()
        finally:
            self._is_done = True

    def __repr__(self) -> str:
        if self._is_done:
            return f"<{self._call}: done>"
        if self._running is not None:
            return f"<{self._call}: running>"
        if self._is_optional:
            return f"<{self._call}: await {self._call} waits for its end>"
        return f"<{self._call} has not started. It must be awaited: await {self._call}>"

    def __del__(self) -> None:
        if self._running is None and not self._is_done and not self._is_optional:
            warnings.warn(
                f"{self._call} was never awaited, so it did nothing. Write: await {self._call}",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )
