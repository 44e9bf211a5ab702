"""What the kernel knows of a widget's calls: it folds what the page says into log, transcript and traits."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Protocol

from rtc_widget.conversation import Transcript
from rtc_widget.errors import PageNotFound, RtcWidgetError
from rtc_widget.event_log import EventLog
from rtc_widget.events import Event
from rtc_widget.failures import Failures
from rtc_widget.protocol import PageState, WireEvent
from rtc_widget.subscriptions import Subscriptions

logger = logging.getLogger("rtc_widget")

_SPEAKING: Mapping[str, tuple[str, bool]] = {
    "input_audio_buffer.speech_started": ("user_speaking", True),
    "input_audio_buffer.speech_stopped": ("user_speaking", False),
    "output_audio_buffer.started": ("assistant_speaking", True),
    "output_audio_buffer.stopped": ("assistant_speaking", False),
    "output_audio_buffer.cleared": ("assistant_speaking", False),
}
_PIECE_CHARACTERS = 262_144
_NO_CALL: Mapping[str, object] = {"call_id": None, "user_speaking": False, "assistant_speaking": False}


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
        self._followed: str | None = None
        self._talking: str | None = None
        self._calls: list[tuple[int, str, bool]] = []
        self._resuming: set[str] = set()
        self._made: tuple[str, str | None] | None = None
        # When the first event of the call came, on the page's clock, and how far that was from the kernel's then: times
        # of one call must not jump when the estimate gets better.
        self._first_ms = 0.0
        self._offset_ms = 0.0
        self._began: dict[str, float] = {}
        self.events = EventLog()
        self.transcript = Transcript()
        self.failures = Failures()
        self.subscriptions = Subscriptions(self.failures)
        self.followers: list[Follower] = []

    def page_state(self, attempt: str | None, resumes: bool, state: PageState) -> None:
        """Take the page's picture of the call over into the traits."""
        values: dict[str, object] = asdict(state)
        self._attempt = attempt
        if attempt is not None and resumes:
            self._resuming.add(attempt)
        if attempt is not None and state.data_channel_state == "open":
            self._let_followers_begin(attempt)
        if state.status in ("idle", "error"):
            values |= _NO_CALL
            self._end_call()
        elif self._made is not None and self._made[0] == attempt:
            values["call_id"] = self._made[1]
        self._write(values)

    def page_events(self, attempt: str | None, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Log, fold and publish events, one after the other."""
        if attempt is not None and attempt != self._talking:
            resumes = attempt in self._resuming
            self._talking = attempt
            self._calls.append((self.events.dropped + len(self.events), attempt, resumes))
            self.transcript.begin_call(resumes=resumes)
            self._let_followers_begin(attempt)
            if not resumes:
                self._first_ms, self._offset_ms = events[0].time_ms, offset_ms
                self._began[attempt] = self._first_ms
        for wire in events:
            elapsed = (wire.time_ms - self._first_ms) / 1000
            time_ms = wire.time_ms + self._offset_ms
            event = Event.from_text(wire.text, direction=wire.direction, time_ms=time_ms, elapsed=elapsed)
            self.events.append(event)
            self._fold(event)
            self.subscriptions.publish(event)

    def _let_followers_begin(self, attempt: str) -> None:
        # Whichever is here first, the state or the first event: somebody may have sent something between the two.
        if attempt == self._followed:
            return
        self._followed = attempt
        for follower in self.followers:
            follower.begin_call(resumes=attempt in self._resuming)

    def began_ms(self, attempt: str) -> float | None:
        """Return when the call that began with this attempt had its first event, on the page's clock."""
        return self._began.get(attempt)

    def _fold(self, event: Event) -> None:
        for add in (self.transcript.add, *(follower.follow for follower in self.followers)):
            try:
                add(event)
            except (TypeError, ValueError, AttributeError, KeyError):
                # It is in the log as it came; the events behind it must not be lost for it.
                logger.exception("%r has an odd shape and was not understood", event)
        if event.direction == "received" and event.type in _SPEAKING:
            name, value = _SPEAKING[event.type]
            self._write({name: value})

    def call_made(self, attempt: str, call_id: str | None) -> None:
        """Remember what the server calls the call."""
        self._made = (attempt, call_id)
        if attempt == self._attempt:
            self._write({"call_id": call_id})

    def recall(self, first: int) -> Mapping[str, object]:
        """Return what a page needs to show the transcript so far: received events from number `first` on, by calls.

        Pieces of words are left out: the whole words come once more when they are complete.
        """
        calls: list[dict[str, object]] = []
        # Numbers count from the first event ever, also when the oldest are no longer kept.
        gone = self.events.dropped
        total = gone + len(self.events)
        first = max(first, gone)
        size, at = 0, first
        ends = [start for start, _, _ in self._calls[1:]] + [total]
        for (start, attempt, resumes), end in zip(self._calls, ends, strict=False):
            texts: list[str] = []
            for event in self.events[max(start, first) - gone : end - gone] if first < end else ():
                if size >= _PIECE_CHARACTERS:
                    break
                at += 1
                if event.direction == "received" and not event.type.endswith(".delta"):
                    texts.append(json.dumps(event.raw, ensure_ascii=False))
                    size += len(texts[-1])
            if texts:
                calls.append({"attempt": attempt, "resumes": resumes, "events": texts})
        return {"calls": calls, "next": at if at < total and self._calls else None}

    def page_lost(self) -> None:
        """Say that the call went down with its page."""
        error = PageNotFound("The page that held the call is gone.", hint="Connect again.")
        self._end_call()
        closed = {"connection_state": "closed", "ice_connection_state": "closed", "signaling_state": "closed"}
        self._write({"status": "error", "data_channel_state": "closed", "error": error.to_wire(), **closed, **_NO_CALL})

    def _end_call(self) -> None:
        self.transcript.end_call()
        for follower in self.followers:
            follower.end_call()
        self.subscriptions.end_streams()

    def fault(self, error: RtcWidgetError) -> None:
        """Show and log something that went wrong beside the call."""
        logger.error("%s", error)
        self._write({"error": error.to_wire()})
