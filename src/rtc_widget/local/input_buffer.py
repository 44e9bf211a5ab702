"""What was said in a session without turn detection, until the client says that it is a turn."""

from __future__ import annotations

from collections import deque

import numpy as np

from rtc_widget.local.speech import HEARING_RATE, Samples, samples_of

LONGEST_SECONDS = 120.0
"""A client that never clears the buffer would fill the memory: the oldest sound goes first."""


class InputBuffer:
    """The input audio buffer of push-to-talk."""

    def __init__(self) -> None:
        self._pieces: deque[Samples] = deque()
        self._length = 0

    def append(self, samples: Samples) -> None:
        """Add sound (16 kHz)."""
        self._pieces.append(samples)
        self._length += len(samples)
        while self._length - len(self._pieces[0]) >= LONGEST_SECONDS * HEARING_RATE:
            self._length -= len(self._pieces.popleft())

    def take(self) -> Samples:
        """Return all of it and begin anew."""
        taken = samples_of(np.concatenate(self._pieces)) if self._pieces else samples_of([])
        self.clear()
        return taken

    def clear(self) -> None:
        """Forget all of it."""
        self._pieces.clear()
        self._length = 0
