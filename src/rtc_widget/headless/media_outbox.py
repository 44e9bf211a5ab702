"""Sound and statistics on their way to the kernel: numbered, and kept until the kernel says that it has them."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable

from rtc_widget.protocol import Message


class MediaOutbox:
    """The kernel takes these messages on the very thread that brings them, so none waits for its turn.

    Parameters
    ----------
    say : callable
        Sends a message of a type with its fields.
    """

    def __init__(self, say: Callable[..., None]) -> None:
        self._say = say
        self._numbers = itertools.count()
        self._kept: deque[Message] = deque()

    def post(self, type: str, **fields: object) -> None:
        """Send one ``audio`` or ``stats`` message."""
        message = {"type": type, "number": next(self._numbers), **fields}
        self._kept.append(message)
        self._say(**message)

    def acknowledge(self, next: int, *, missing: bool) -> None:
        """Forget what the kernel has, and send the rest again if it misses some."""
        while self._kept and self._kept[0]["number"] < next:
            self._kept.popleft()
        if missing:
            for message in list(self._kept):
                self._say(**message)
