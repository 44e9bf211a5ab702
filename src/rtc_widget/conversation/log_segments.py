"""Maps parts of the event log to calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogSegment:
    """Consecutive events of one call.

    Attributes
    ----------
    start : int
        The number of its first event; dropped events count as well.
    attempt : str
        The attempt that became the call.
    resumes : bool
        Whether the call continues the one before it.
    """

    start: int
    attempt: str
    resumes: bool


@dataclass(frozen=True, slots=True)
class CallStart:
    """The start of a call, or of a later segment of it, among the kept events.

    Attributes
    ----------
    first : int
        The index of the first event among the kept events.
    resumes : bool
        Whether the call continues the one before it (a reconnection).
    continues_call : int or None
        For a later segment, the number of its call, from 1; None if a call starts here. A call has several segments
        if late events of another call came in between.
    heard_until : float or None
        When the call ended: until when its audio was heard, in seconds as `Event.elapsed`; None if unknown.
    """

    first: int
    resumes: bool
    continues_call: int | None = None
    heard_until: float | None = None


class LogSegments:
    """The segments of the log; a call has several if events of another call came in between."""

    def __init__(self) -> None:
        self._all: list[LogSegment] = []

    def __bool__(self) -> bool:
        return bool(self._all)

    def begin(self, start: int, attempt: str, *, resumes: bool) -> None:
        """Begin a segment of this attempt at event number `start`, unless the present segment belongs to it."""
        if not self._all or self._all[-1].attempt != attempt:
            self._all.append(LogSegment(start, attempt, resumes))

    def with_ends(self, end: int) -> Iterator[tuple[LogSegment, int]]:
        """Yield each segment, and the number of the event after its last; `end` is the number of all events."""
        ends = [segment.start for segment in self._all[1:]] + [end]
        return zip(self._all, ends, strict=False)

    def calls(self, dropped: int, heard_until: Mapping[str, float]) -> list[CallStart]:
        """Return the starts of calls and of their later segments in a log that has dropped so many events.

        `heard_until` has the ends of the calls by attempt, as in `CallStart`.
        """
        # A segment whose events were all dropped starts where the next one does, which replaces it here.
        kept = {max(0, segment.start - dropped): segment for segment in self._all}
        numbers: dict[str, int] = {}
        starts: list[CallStart] = []
        for first, segment in kept.items():
            until = heard_until.get(segment.attempt)
            starts.append(CallStart(first, segment.resumes, numbers.get(segment.attempt), until))
            numbers.setdefault(segment.attempt, len(numbers) + 1)
        return starts
