"""Questions that were asked in writing: when the voice has answered one, which no event of the service says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rtc_widget.conversation.facts import ResponseEnded
from rtc_widget.conversation.turn import Turn
from rtc_widget.errors import NotConnected, ResponseFailed, RtcWidgetError
from rtc_widget.protocols.live.backend import BackendRequest

QUIET_SECONDS = 2.0
"""The voice is done when it has been quiet for this time."""
SILENT_SECONDS = 4.0
"""The same, where it has not spoken since the backend was done: its result may still be to come."""
_CHECK_SECONDS = 0.5
_MAX_OPEN = 100
"""Nobody waits for the responses to texts that were only sent."""


@dataclass(slots=True, eq=False)
class WrittenQuestion:
    """A question, and what has been said since; a `rtc_widget.protocols.base.RequestedResponse`.

    Attributes
    ----------
    id : str
        Stands for the id of the response, which the service does not have.
    clock : float
        The session clock when it was asked, in milliseconds.
    request : BackendRequest or None
        The response of the backend, if the service runs it.
    work : asyncio.Task or None
        The function that does the work, if it runs here.
    event_ids : frozenset of str
        The events of a question that has no request.
    """

    id: str
    event_id: str
    clock: float
    request: BackendRequest | None = None
    work: asyncio.Task[None] | None = None
    event_ids: frozenset[str] = frozenset()
    is_sent: bool = False
    failure: RtcWidgetError | None = None
    settled_at: float | None = None
    words_at: float | None = None
    words_end: float = 0.0
    words_elapsed: float = 0.0
    has_words_since: bool = False
    asked_at: float = field(default_factory=time.monotonic)

    @property
    def is_settled(self) -> bool:
        """Whether the voice speaks, or never will."""
        return self.words_at is not None or self.failure is not None

    @property
    def is_lost(self) -> bool:
        """Whether the call ended first, or the page could not send the question."""
        return isinstance(self.failure, NotConnected)


class Questions:
    """The questions of one widget, in its present call.

    Parameters
    ----------
    is_working : callable
        Whether the voice model has handed over work that is not done.
    give_up : callable
        Takes back a request that nobody waits for.
    """

    def __init__(self, is_working: Callable[[], bool], give_up: Callable[[BackendRequest], None]) -> None:
        self._is_working = is_working
        self._give_up = give_up
        self._open: dict[str, WrittenQuestion] = {}
        self._elapsed = 0.0
        self._waiters: list[asyncio.Future[None]] = []

    def add(self, question: WrittenQuestion) -> None:
        """Follow a question from now on."""
        self._open[question.id] = question
        while len(self._open) > _MAX_OPEN:
            del self._open[next(iter(self._open))]

    def get(self, question_id: str) -> WrittenQuestion | None:
        """Return a question; None if it is unknown."""
        return self._open.get(question_id)

    def record_time(self, elapsed: float) -> None:
        """Record the time of an event, in seconds of the call by the page's clock."""
        self._elapsed = elapsed

    def record_words(self, end_ms: float) -> None:
        """Record that words of the voice have arrived, which end at this time of the session clock."""
        for question in self._open.values():
            self._settle(question, time.monotonic())
            question.words_at = time.monotonic()
            question.words_end = max(question.words_end, end_ms)
            question.words_elapsed = self._elapsed
            question.has_words_since = question.has_words_since or question.settled_at is not None

    def fail(self, concerns: Callable[[WrittenQuestion], bool], error: RtcWidgetError) -> None:
        """End the questions that an error concerns."""
        for question in self._open.values():
            if concerns(question):
                question.failure = question.failure or error
        self.notify()

    def end_call(self) -> None:
        """End every question."""
        self.fail(lambda question: True, NotConnected("The call ended before the response."))
        self._open.clear()

    def notify(self) -> None:
        """Let those who wait look again."""
        waiting, self._waiters = self._waiters, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def remove(self, question_id: str) -> None:
        """Follow a question no longer."""
        self._open.pop(question_id, None)

    async def changed(self, timeout: float = _CHECK_SECONDS) -> None:
        """Return after the next event, or after a time."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        await asyncio.wait([future], timeout=timeout)

    async def end_of(self, question_id: str, clock: Callable[[], float]) -> ResponseEnded:
        """Wait until the voice has answered.

        Raises
        ------
        NotConnected, EventRefused
            If the call ends first, or the service refuses the question.
        """
        question = self._open.get(question_id)
        if question is None:
            raise NotConnected("The call ended before the response.")
        try:
            while (wait := self._seconds_left(question, clock())) > 0:
                await self.changed(min(wait, _CHECK_SECONDS))
        finally:
            if question.request is not None:
                self._give_up(question.request)
        if question.failure is not None and not isinstance(question.failure, ResponseFailed):
            self.remove(question_id)
            raise question.failure
        if question.failure is not None:
            return ResponseEnded(question_id, "failed", reason=question.failure.message)
        return ResponseEnded(question_id, "completed", has_message=True)

    def _seconds_left(self, question: WrittenQuestion, clock: float) -> float:
        """Return how long to wait at least; 0 if the voice has answered or never will."""
        now = time.monotonic()
        self._settle(question, now)
        if question.failure is not None:
            return 0.0
        if question.settled_at is None or question.words_at is None or self._is_working():
            return _CHECK_SECONDS
        quiet = max((clock - question.words_end) / 1000, self._elapsed - question.words_elapsed)
        if question.has_words_since and quiet >= QUIET_SECONDS:
            return 0.0
        if question.has_words_since:
            return question.words_at + QUIET_SECONDS - now
        return question.settled_at + SILENT_SECONDS - now

    def _settle(self, question: WrittenQuestion, now: float) -> None:
        """Record that nothing of the backend is to come for a question."""
        if question.settled_at is not None:
            return
        request, work = question.request, question.work
        if request is not None:
            question.failure = question.failure or request.failure
            is_over = request.is_over
        else:
            is_over = work is None or work.done()
        if is_over:
            question.settled_at = now
            # What is said to a question without a backend is all of the response.
            question.has_words_since = question.words_at is not None and request is None and work is None


def spoken_turn(question: WrittenQuestion, turns: Sequence[Turn]) -> Turn | None:
    """Return what the voice has said since a question, as one turn; None if it has said nothing."""
    spoken = [turn for turn in turns if turn.role == "assistant"]
    since = [turn for turn in spoken if turn.start is not None and 1000 * turn.start >= question.clock]
    # The voice may have continued a turn that it had begun before.
    found = since or spoken[-1:]
    if not found or question.words_at is None:
        return None
    ends = [turn.end if turn.end is not None else question.words_end / 1000 for turn in found]
    text = " ".join(turn.text for turn in found)
    return replace(found[0], text=text, status="completed", end=max(ends), response_id=question.id)
