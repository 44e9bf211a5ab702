"""Which part of the log belongs to which call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogSegment:
    """A run of events of one call.

    Attributes
    ----------
    start : int
        The number of its first event, counted from the first there ever was.
    attempt : str
        The attempt that became the call.
    resumes : bool
        Whether the call goes on with the one before it.
    """

    start: int
    attempt: str
    resumes: bool


@dataclass(frozen=True, slots=True)
class CallStart:
    """Where a call begins among the events, and whether it goes on with the one before.

    `again` is the number of an earlier call (from 1) whose late events begin here, or that goes on after such; no call
    begins then.
    """

    first: int
    resumes: bool
    again: int | None = None


class LogSegments:
    """The log by calls. A call has one stretch, or several where another call's events came in between."""

    def __init__(self) -> None:
        self._all: list[LogSegment] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def begin(self, start: int, attempt: str, *, resumes: bool) -> None:
        """The events from number `start` on are this attempt's; does nothing where those before are so, too."""
        if not self._all or self._all[-1].attempt != attempt:
            self._all.append(LogSegment(start, attempt, resumes))

    def with_ends(self, end: int) -> Iterator[tuple[LogSegment, int]]:
        """Yield each stretch of a log of `end` events with where it ends."""
        ends = [segment.start for segment in self._all[1:]] + [end]
        return zip(self._all, ends, strict=False)

    def calls(self, gone: int) -> list[CallStart]:
        """Return where calls begin and go on in a log whose first `gone` events have gone."""
        # Stretches whose events have all gone begin where the next one does.
        kept = {max(0, segment.start - gone): segment for segment in self._all}
        numbers: dict[str, int] = {}
        starts: list[CallStart] = []
        for first, segment in kept.items():
            starts.append(CallStart(first, segment.resumes, numbers.get(segment.attempt)))
            numbers.setdefault(segment.attempt, len(numbers) + 1)
        return starts
