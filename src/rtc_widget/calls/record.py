"""What the kernel knows of a widget's calls: it folds what the page says into log, transcript and traits."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Protocol

from rtc_widget.comm.messages import History, State, WireEvent
from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.events import Event, fields_of
from rtc_widget.conversation.log_segments import CallStart, LogSegments
from rtc_widget.conversation.subscriptions import Failures, Subscriptions
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.usage import Usage
from rtc_widget.errors import PageNotFound, RtcWidgetError

logger = logging.getLogger("rtc_widget")

_SPEAKING: Mapping[str, tuple[str, bool]] = {
    "input_audio_buffer.speech_started": ("user_speaking", True),
    "input_audio_buffer.speech_stopped": ("user_speaking", False),
    # Where the turn ends by hand no `speech_stopped` comes.
    "input_audio_buffer.committed": ("user_speaking", False),
    "input_audio_buffer.cleared": ("user_speaking", False),
    "output_audio_buffer.started": ("assistant_speaking", True),
    "output_audio_buffer.stopped": ("assistant_speaking", False),
    "output_audio_buffer.cleared": ("assistant_speaking", False),
}
_PIECE_CHARACTERS = 262_144
_CLOSED: Mapping[str, object] = {
    "data_channel_state": "closed",
    "connection_state": "closed",
    "ice_connection_state": "closed",
    "signaling_state": "closed",
}
_NO_CALL: Mapping[str, object] = {
    "active_page": None,
    "call_id": None,
    "user_speaking": False,
    "assistant_speaking": False,
}


class Follower(Protocol):
    """Goes through the calls with the record, event by event, before anybody else hears of them."""

    def begin_call(self, *, resumes: bool) -> None:
        """The events that follow are another call's; what was open in the one before will not come."""

    def follow(self, event: Event) -> None:
        """Take in the next event, sent or received."""

    def end_call(self) -> None:
        """There is no call now; harmless to repeat."""


class CallRecord:
    """The `Listener` of the bridge; lives on the kernel's main loop.

    Parameters
    ----------
    write : callable
        Assigns the widget's traits, several at once.
    """

    def __init__(self, write: Callable[[Mapping[str, object]], None]) -> None:
        self._write = write
        self._attempt: str | None = None
        self.is_made_for_listening = False
        self._followed: str | None = None
        self._followed_ever: set[str] = set()
        self._talking: str | None = None
        self._segments = LogSegments()
        self._numbers: dict[str, int] = {}
        self._resuming: set[str] = set()
        self._made: tuple[str, str | None] | None = None
        self._is_closed = False
        # By attempt, when the first event of its call came, on the page's clock, and how far that was from the kernel's
        # then: times of one call must not jump when the estimate gets better.
        self._clocks: dict[str | None, tuple[float, float]] = {}
        self.events = EventLog()
        self.transcript = Transcript()
        # Of the whole session: the log forgets its oldest events.
        self.usage = Usage()
        self.failures = Failures()
        self.subscriptions = Subscriptions(self.failures)
        self.followers: list[Follower] = []

    def page_state(self, told: State) -> None:
        """Take the page's picture of the call over into the traits."""
        if self._is_closed:
            return  # said before the page has heard that the widget is closed
        values: dict[str, object] = asdict(told.state)
        is_another = told.attempt not in (self._attempt, self._talking)
        if is_another or told.state.data_channel_state == "closed":
            values |= {"user_speaking": False, "assistant_speaking": False}
        if told.attempt != self._attempt:
            # Later it may become so: a microphone can be lost, and yet clips can be said.
            self.is_made_for_listening = told.state.receive_only
        self._attempt = told.attempt
        if told.attempt is not None and told.resumes:
            self._resuming.add(told.attempt)
        if told.attempt is not None and told.state.data_channel_state == "open":
            self._let_followers_begin(told.attempt)
        if told.state.status in ("idle", "error"):
            values |= _NO_CALL
            self._end_call()
        else:
            is_made = self._made is not None and self._made[0] == told.attempt
            values |= {"active_page": told.page, "call_id": self._made[1] if self._made and is_made else None}
        self._write(values)

    def page_events(self, attempt: str | None, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Log, fold and publish events, one after the other."""
        if attempt is not None and attempt in self._followed_ever and attempt != self._followed:
            self._log_late(attempt, events, offset_ms)
            return
        if attempt is not None and attempt != self._talking:
            resumes = attempt in self._resuming
            before = self._clocks.get(self._talking) if resumes else None
            self._clocks[attempt] = before or (events[0].time_ms, offset_ms)
            self._talking = attempt
            self._numbers[attempt] = self.transcript.begin_call(resumes=resumes)
            self._let_followers_begin(attempt)
        if attempt is not None:
            self._begin_stretch(attempt)
        for wire in events:
            event = self._log(wire, attempt or self._talking)
            self._fold(event)
            try:
                self.subscriptions.publish(event)
            except Exception:
                logger.exception("%r could not be handed to everybody who waits for it", event)

    def _log(self, wire: WireEvent, attempt: str | None) -> Event:
        first_ms, offset_ms = self._clocks.get(attempt, (0.0, 0.0))
        elapsed = (wire.time_ms - first_ms) / 1000
        time_ms = wire.time_ms + offset_ms
        event = Event.from_text(wire.text, direction=wire.direction, time_ms=time_ms, elapsed=elapsed)
        self.events.append(event)
        self.usage.add(event)
        return event

    def _log_late(self, attempt: str, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Log what a page still had to say of a call when another had begun already."""
        self._clocks.setdefault(attempt, (events[0].time_ms, offset_ms))
        self._begin_stretch(attempt)
        number = self._numbers.get(attempt)
        for wire in events:
            event = self._log(wire, attempt)
            if number is not None:
                self._guarded(partial(self.transcript.add, call=number), event)
        if number is not None:
            self.transcript.end_call(number)

    def _begin_stretch(self, attempt: str) -> None:
        self._segments.begin(self.event_count(), attempt, resumes=attempt in self._resuming)

    def history(self) -> tuple[EventLog, list[CallStart]]:
        """Return the events that are kept, and where in them each call begins."""
        return self.events[:], self._segments.calls(self.events.dropped)

    def _let_followers_begin(self, attempt: str) -> None:
        # Whichever is here first, the state or the first event: somebody may have sent something between the two.
        if attempt in self._followed_ever:
            return
        self._followed_ever.add(attempt)
        self._followed = attempt
        for follower in self.followers:
            follower.begin_call(resumes=attempt in self._resuming)

    def began_ms(self, attempt: str) -> float | None:
        """Return when the call of this attempt had its first event, on the page's clock."""
        return self._clocks[attempt][0] if attempt in self._clocks else None

    def _fold(self, event: Event) -> None:
        for add in (self.transcript.add, *(follower.follow for follower in self.followers)):
            self._guarded(add, event)
        if event.direction == "received" and event.type in _SPEAKING:
            name, value = _SPEAKING[event.type]
            self._write({name: value})

    def _guarded(self, add: Callable[[Event], None], event: Event) -> None:
        try:
            add(event)
        except Exception:
            # It is in the log as it came; the events behind it must not be lost for it.
            logger.exception("%r has an odd shape and was not understood", event)

    def call_made(self, attempt: str, call_id: str | None) -> None:
        """Remember what the server calls the call."""
        self._made = (attempt, call_id)
        if attempt == self._attempt:
            self._write({"call_id": call_id})

    def event_count(self) -> int:
        """Return how many events there have ever been; their numbers count from the first, also when it has gone."""
        return self.events.dropped + len(self.events)

    def recall(self, asked: History) -> Mapping[str, object]:
        """Return a piece of what a page asks for, by calls, and where the next piece begins."""
        gone, total = self.events.dropped, self.event_count()
        end = total if asked.before is None else min(asked.before, total)
        first = at = min(max(asked.first, gone), end)
        size = 0
        calls: list[dict[str, object]] = []
        for segment, last in self._segments.with_ends(total):
            told: list[tuple[str, float, str]] = []
            events = self.events[max(segment.start, at) - gone : min(last, end) - gone] if at < min(last, end) else ()
            if segment.attempt in asked.without:
                at = max(at, min(last, end))
                continue
            for event in events:
                if size >= _PIECE_CHARACTERS:
                    break
                at += 1
                if not asked.brief or _matters(event):
                    text = json.dumps(fields_of(event), ensure_ascii=False)
                    told.append((event.direction, event.time.timestamp() * 1000, text))
                    size += len(text)
            if told:
                calls.append({"attempt": segment.attempt, "resumes": segment.resumes, "events": told})
            if size >= _PIECE_CHARACTERS:
                break
        if not self._segments:
            at = end
        return {"calls": calls, "first": first, "next": at, "more": at < end}

    def page_lost(self) -> None:
        """Say that the call went down with its page."""
        if self._is_closed:
            return
        error = PageNotFound("The page that held the call is gone.", hint="Connect again.")
        self._end_call()
        self._write({"status": "error", "error": error.to_wire(), **_CLOSED, **_NO_CALL})

    def close(self) -> None:
        """End the call with the widget, whatever its page goes on to say; harmless to repeat."""
        if self._is_closed:
            return
        self._is_closed = True
        had_call = self._attempt is not None
        self._end_call()
        self._write({"status": "idle", "data_channel_state": "closed", **(_CLOSED if had_call else {}), **_NO_CALL})

    def _end_call(self) -> None:
        self.transcript.end_call()
        for follower in self.followers:
            follower.end_call()
        self.subscriptions.end_call()

    def fault(self, error: RtcWidgetError) -> None:
        """Show and log something that went wrong beside the call."""
        logger.error("%s", error)
        self._write({"error": error.to_wire()})


def _matters(event: Event) -> bool:
    """Whether the transcript, or a call that goes on with this one, needs it.

    Pieces of words do not matter: the whole words come once more when they are complete.
    """
    if event.direction == "sent":
        return event.type == "session.update"
    return not event.type.endswith(".delta")
