"""How long the user waits for a response, measured by the events of a call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from html import escape
from statistics import median
from typing import TYPE_CHECKING, Literal

from rtc_widget._sequence import FrozenSequence
from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import (
    AudioCommitted,
    Fact,
    FunctionCallFinished,
    FunctionOutputSent,
    ResponseEnded,
    ResponseRequested,
    ResponseStarted,
    ResponseText,
    SessionChanged,
    SpeechEnded,
    SpeechStarted,
    TurnWritten,
    WordsSpoken,
)
from rtc_widget.optional import new_figure, require_pandas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Asked = Literal["spoken", "pushed", "written"]

_PAUSE_SECONDS = 0.6
"""After a shorter pause the assistant continues what it says; only used where the server reports no responses."""
_MEASURES = (("first_transcript", "#7aa6da"), ("first_audio", "#2e8b57"), ("done", "#c9c9c9"))


@dataclass(frozen=True, slots=True)
class TurnLatency:
    """The latency of one response, in seconds since the user's turn ended.

    Attributes
    ----------
    asked : {"spoken", "pushed", "written"}
        The kind of the user's turn: spoken with turn detection, spoken with push-to-talk, or written.
    asked_at : float
        When the user's turn ended, in seconds since the call began. A server that detects turns reports the end after
        `silence` seconds; the other times count from this report.
    silence : float or None
        Seconds of silence that end a turn, if the session says so. The user waits for ``silence + first_audio``.
    first_transcript, first_audio, done : float or None
        Seconds until the first words, until the first audio, and until the response was complete; None if it did not
        happen. A response is generated faster than it is spoken, so its audio usually continues after `done`.
    tools : float
        The part of these seconds that tools took.
    response_id : str
        The response.
    is_measured : bool
        Whether `first_audio` was measured by the page: the server does not report when its audio is played.
    """

    asked: Asked
    asked_at: float
    silence: float | None
    first_transcript: float | None
    first_audio: float | None
    done: float | None
    tools: float
    response_id: str
    is_measured: bool = False


@dataclass(slots=True)
class _UserTurn:
    asked: Asked
    at: float
    silence: float | None
    tools: float = 0.0
    tools_since: float | None = None


@dataclass(slots=True)
class _TimedResponse:
    turn: _UserTurn
    response_id: str
    words: float | None = None
    audio: float | None = None
    done: float | None = None
    has_message: bool = True
    is_measured: bool = False

    def measured(self) -> TurnLatency:
        def since(at: float | None) -> float | None:
            return None if at is None else at - self.turn.at

        turn = self.turn
        return TurnLatency(
            turn.asked,
            turn.at,
            turn.silence,
            since(self.words),
            since(self.audio),
            since(self.done),
            turn.tools,
            self.response_id,
            self.is_measured,
        )


class Latency(FrozenSequence[TurnLatency]):
    """The latency of each response, oldest first.

    A response that only calls tools is measured together with the response that follows it.

    Parameters
    ----------
    events : iterable of Event
        The events of one call or more, such as an `EventLog`.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        reader = _LatencyReader()
        for event in events:
            reader.consume(event)
        self._turns = [response.measured() for response in reader.responses if response.has_message]

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per response (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        pd = require_pandas()
        names = [field.name for field in fields(TurnLatency)]
        table = pd.DataFrame([[getattr(turn, name) for name in names] for turn in self._turns], columns=names)
        kinds = {"asked": "string", "response_id": "string", "is_measured": "bool"}
        numbers = [name for name in names if name not in kinds]
        return table.astype(dict.fromkeys(numbers, "float64") | kinds)

    def plot(self) -> Figure:
        """Draw a bar for each response: until the first words, the first audio, the end (extra ``data``).

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message says how to install it.
        """
        figure, [axes] = new_figure(1, height=1.2 + 0.5 * max(1, len(self._turns)))
        rows = range(len(self._turns))
        for name, color in reversed(_MEASURES):
            values = [getattr(turn, name) or 0.0 for turn in self._turns]
            axes.barh(rows, values, height=0.6, color=color, label=name.replace("_", " "))
        axes.barh(rows, [turn.tools for turn in self._turns], height=0.2, color="#b06000", label="tools")
        axes.set_yticks(rows, [f"{turn.asked_at:.1f} s, {turn.asked}" for turn in self._turns])
        axes.invert_yaxis()
        axes.set_xlabel("seconds since the user's turn ended")
        axes.set_title("Latency of each response")
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        return figure

    def _snapshot(self) -> list[TurnLatency]:
        return self._turns

    def __repr__(self) -> str:
        if not self._turns:
            return "<Latency: no responses yet>"
        return f"<Latency: {len(self)} responses, first audio after {_median(self, 'first_audio')} (median)>"

    def _repr_html_(self) -> str:
        names = ("asked", "asked_at", "first_transcript", "first_audio", "done", "tools")
        head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(getattr(turn, name)))}</td>" for name in names) + "</tr>"
            for turn in self._turns
        )
        medians = "".join(f"<td><b>{_median(self, name)}</b></td>" for name in names[2:5])
        return f"<table><tr>{head}</tr>{rows}<tr><td>median</td><td></td>{medians}<td></td></tr></table>"


class _LatencyReader:
    """Reads events and pairs the user's turns with the responses to them."""

    def __init__(self) -> None:
        self.responses: list[_TimedResponse] = []
        self._turn: _UserTurn | None = None
        self._open: dict[str, _TimedResponse] = {}
        self._silence: float | None = None
        self._out_of_band = 0
        self._last = 0.0
        # The response that the assistant speaks, and when its last words ended; where the server reports only words.
        self._voice: _TimedResponse | None = None
        self._voice_end = -math.inf

    def consume(self, event: Event) -> None:
        at = event.elapsed
        if at == 0 < self._last:  # the next call; a turn may be sent before its session is confirmed
            self._turn, self._open, self._voice, self._voice_end = None, {}, None, -math.inf
        self._last = at
        for fact in facts_of(event):
            self._take(fact, at)

    def _take(self, fact: Fact, at: float) -> None:
        match fact:
            case SessionChanged():
                self._silence = fact.silence
            case SpeechEnded(speaker="user"):
                self._turn = _UserTurn("spoken", at, self._silence)
            case AudioCommitted():
                if self._turn is None or self._turn.asked != "spoken":
                    self._turn = _UserTurn("pushed", at, None)
            case TurnWritten():
                self._turn = _UserTurn("written", at, None)
            case WordsSpoken(speaker="user"):
                self._hear(at if fact.end is None else fact.end)
            case WordsSpoken():
                start = at if fact.start is None else fact.start
                self._speak(start, start if fact.end is None else fact.end)
            case FunctionCallFinished() if self._turn and fact.response_id not in self._open:
                self._turn.tools_since = self._turn.tools_since or at
            case ResponseRequested():
                self._out_of_band += fact.is_out_of_band
            case ResponseStarted():
                self._begin(fact)
            case ResponseText():
                response = self._open.get(fact.response_id)
                if response is not None and response.words is None:
                    response.words = at
            case SpeechStarted(speaker="assistant"):
                response = self._open.get(fact.source)
                if response is not None and response.audio is None:
                    response.audio, response.is_measured = at, fact.is_measured
            case FunctionOutputSent():
                if self._turn and self._turn.tools_since:
                    self._turn.tools += at - self._turn.tools_since
                    self._turn.tools_since = None
            case ResponseEnded():
                self._end(fact, at)

    def _hear(self, end: float) -> None:
        """Extend the user's turn by words that ended at this time, or begin one after the response to the last one."""
        if self._turn is None or self._turn.asked == "written" or self._is_answered(self._turn):
            self._turn = _UserTurn("spoken", end, None)
        else:
            self._turn.at = max(self._turn.at, end)

    def _is_answered(self, turn: _UserTurn) -> bool:
        return self._voice is not None and self._voice.turn is turn

    def _speak(self, start: float, end: float) -> None:
        """Extend the response that is spoken, or begin the one to the user's turn after a pause."""
        is_pause = start - self._voice_end >= _PAUSE_SECONDS
        self._voice_end = max(self._voice_end, end)
        if self._turn is not None and not self._is_answered(self._turn) and is_pause:
            self._voice = _TimedResponse(self._turn, f"spoken_{len(self.responses) + 1}", words=start, audio=start)
            self.responses.append(self._voice)
        if self._voice is not None:
            self._voice.done = max(self._voice.done or end, end)

    def _begin(self, fact: ResponseStarted) -> None:
        if self._out_of_band and fact.is_out_of_band:
            self._out_of_band -= 1
        elif self._turn is not None:
            response = _TimedResponse(self._turn, fact.response_id)
            self._open[response.response_id] = response
            self.responses.append(response)

    def _end(self, fact: ResponseEnded, at: float) -> None:
        response = self._open.get(fact.response_id)
        if response is None:
            return
        response.done = at
        # A response that only calls tools is measured with the response that follows; a failed one may be empty.
        response.has_message = fact.has_message or not (fact.calls or fact.status == "failed")
        if fact.calls:
            response.turn.tools_since = at
        elif self._turn is response.turn:
            self._turn = None


def _median(turns: Sequence[TurnLatency], name: str) -> str:
    values = [value for turn in turns if (value := getattr(turn, name)) is not None]
    return f"{median(values):.2f} s" if values else "?"


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
