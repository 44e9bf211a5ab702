"""A call over time: speech, responses, tool calls and errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import (
    AudioCleared,
    AudioCommitted,
    ErrorReported,
    Fact,
    FunctionCallStarted,
    FunctionOutputSent,
    PushToTalkStarted,
    ResponseEnded,
    ResponseStarted,
    SpeechEnded,
    SpeechStarted,
    TurnWritten,
    WordsSpoken,
)
from rtc_widget.optional import new_figure
from rtc_widget.types import Role

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANES = ("You", "Assistant", "Responses", "Tools", "Errors")
_COLORS: Mapping[str, str] = {
    "You": "#4c78a8",
    "Assistant": "#2e8b57",
    "Responses": "#a0a0a0",
    "Tools": "#b06000",
    "Errors": "#c5221f",
}
_SPEAKERS: Mapping[Role, str] = {"user": "You", "assistant": "Assistant"}
_QUIET_SECONDS = 1.5
"""Words that follow after a longer pause are another span."""
_BAD = "#c5221f"
_CUT = "#e3a23c"


@dataclass(frozen=True, slots=True)
class Span:
    """A bar of the timeline, or a mark if start and end are equal.

    Attributes
    ----------
    lane : str
        One of `LANES`.
    start, end : float
        Seconds since the first event.
    label : str
        A short description; may be empty.
    status : str
        How it ended: ``"completed"``, ``"cancelled"``, ``"failed"`` …; ``"open"`` if its end is not among the events.
    """

    lane: str
    start: float
    end: float
    label: str = ""
    status: str = "completed"


def spans(events: Iterable[Event]) -> list[Span]:
    """Return the spans of some events, ordered by their start."""
    reader = _SpanReader()
    for event in events:
        reader.consume(event)
    return reader.finished()


def timeline(events: Iterable[Event]) -> Figure:
    """Draw the events of a call.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the message says how to install it.
    """
    figure, [axes] = new_figure(1, height=3.2)
    drawn = spans(events)
    whole = max((span.end for span in drawn), default=1.0) or 1.0  # a single mark has no length
    for span in drawn:
        y = LANES.index(span.lane)
        color = _BAD if span.status == "failed" else _CUT if span.status != "completed" else _COLORS[span.lane]
        if span.end - span.start < whole / 400:
            axes.plot(span.start, y, marker="x" if span.lane == "Errors" else "o", color=color, markersize=6)
        else:
            axes.broken_barh([(span.start, span.end - span.start)], (y - 0.32, 0.64), facecolors=color, alpha=0.85)
        # The label of a mark may extend to its right.
        room = span.end - span.start > whole * 0.011 * len(span.label) or span.end == span.start
        if span.label and room:
            # Near the right edge the label of a mark is on its left.
            is_mark, is_late = span.end - span.start < whole / 400, span.start > whole * 0.8
            shift = whole * (0.012 if is_mark else 0.004) * (-1 if is_late and is_mark else 1)
            side = "right" if is_late and is_mark else "left"
            # Labels have words of a server or a tool; a "$" in them must not start a formula.
            words: dict[str, Any] = {"va": "center", "ha": side, "fontsize": 7, "clip_on": True, "parse_math": False}
            axes.text(span.start + shift, y, span.label, **words)
    axes.set_ylim(len(LANES) - 0.5, -0.5)
    axes.set_yticks(range(len(LANES)), LANES)
    axes.set_xlim(-whole * 0.02, whole * 1.03)
    axes.set_xlabel("seconds")
    axes.grid(axis="x", alpha=0.25)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


class _SpanReader:
    """Reads events and pairs the start of each span with its end."""

    def __init__(self) -> None:
        self._zero: datetime | None = None
        self._now = 0.0
        self._open: dict[tuple[str, str], tuple[float, str]] = {}
        self._done: list[Span] = []
        self._pressed: float | None = None
        # The last span of words of each side, and where the session's clock starts.
        self._words: dict[str, Span] = {}
        self._session_start = 0.0

    def finished(self) -> list[Span]:
        left = [Span(lane, start, self._now, label, "open") for (lane, _), (start, label) in self._open.items()]
        return sorted(
            [*self._done, *self._words.values(), *left], key=lambda span: (span.start, LANES.index(span.lane))
        )

    def consume(self, event: Event) -> None:
        # `elapsed` starts at 0 in each call, so `time` is used.
        self._zero = self._zero or event.time
        self._now = (event.time - self._zero).total_seconds()
        if event.elapsed == 0:
            self._session_start = self._now
        for fact in facts_of(event):
            self._take(fact)

    def _take(self, fact: Fact) -> None:
        match fact:
            case SpeechStarted():
                self._begin(_SPEAKERS[fact.speaker], fact.source)
            case SpeechEnded():
                self._end(_SPEAKERS[fact.speaker], fact.source, fact.status)
            case WordsSpoken():
                self._speak(_SPEAKERS[fact.speaker], fact.start, fact.end)
            case PushToTalkStarted():
                self._pressed = self._now
            case AudioCommitted() if self._pressed is not None:
                self._done.append(Span("You", self._pressed, self._now, "held"))
                self._pressed = None
            case AudioCommitted():
                self._end("You", fact.source)
            case AudioCleared():
                for lane, key in list(self._open):
                    if lane == "You":
                        self._end(lane, key)
            case TurnWritten():
                self._mark("You", "wrote")
            case ResponseStarted():
                self._begin("Responses", fact.response_id)
            case ResponseEnded():
                self._end("Responses", fact.response_id, fact.status or "completed")
                if fact.status == "failed":
                    self._mark("Errors", "response failed", "failed")
            case FunctionCallStarted():
                self._begin("Tools", fact.call_id, fact.name)
            case FunctionOutputSent():
                self._end("Tools", fact.call_id)
            case ErrorReported():
                self._mark("Errors", fact.code or fact.message or "error", "failed")

    def _speak(self, lane: str, start: float | None, end: float | None) -> None:
        began = self._now if start is None else self._session_start + start
        ended = began if end is None else self._session_start + end
        last = self._words.get(lane)
        if last is not None and began - last.end < _QUIET_SECONDS:
            self._words[lane] = replace(last, end=max(last.end, ended))
            return
        if last is not None:
            self._done.append(last)
        self._words[lane] = Span(lane, began, ended)

    def _begin(self, lane: str, key: object, label: str = "") -> None:
        self._open.setdefault((lane, str(key)), (self._now, label))

    def _end(self, lane: str, key: object, status: str = "completed") -> None:
        opened = self._open.pop((lane, str(key)), None)
        if opened is not None:
            start, label = opened
            self._done.append(Span(lane, start, self._now, label or ("" if status == "completed" else status), status))

    def _mark(self, lane: str, label: str, status: str = "completed") -> None:
        self._done.append(Span(lane, self._now, self._now, label, status))
