"""The record of a widget's calls: reduces the page's messages to log, transcript and traits."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from heapq import merge
from typing import cast

from rtc_widget._unicode import json_text, well_formed
from rtc_widget.comm.messages import History, Sound, State, WireEvent
from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import (
    AudioCleared,
    AudioCommitted,
    Fact,
    ServerNote,
    SpeechEnded,
    SpeechStarted,
    WordsSpoken,
)
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.conversation.log_segments import CallStart, LogSegments
from rtc_widget.conversation.sound import MeasuredSound
from rtc_widget.conversation.subscriptions import Failures, Subscriptions
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.usage import Usage
from rtc_widget.errors import PageNotFound, RtcWidgetError
from rtc_widget.errors.texts import SERVER_TEXTS, text
from rtc_widget.protocols.base import EventConsumer, Later, VoiceProtocol
from rtc_widget.types import Status

logger = logging.getLogger("rtc_widget")

_HISTORY_CHARACTERS = 262_144
_MAX_MEASURED = 10_000
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


class CallRecord:
    """The `CallMessageListener`; used on the kernel's main loop.

    Parameters
    ----------
    write : callable
        Assigns the widget's traits, several at once.
    protocol : VoiceProtocol
        The wire protocol of the events.
    later : callable
        Calls a function on the main loop after a time.

    Attributes
    ----------
    consumers : list of EventConsumer
        Take in every event after the log and before callbacks.
    on_usage : callable
        Called when an event has reported usage.
    """

    def __init__(
        self,
        write: Callable[[Mapping[str, object]], None],
        protocol: VoiceProtocol,
        later: Later = lambda seconds, function: None,
    ) -> None:
        self._write_traits = write
        self._protocol = protocol
        self._later = later
        self._values: dict[str, object] = {"status": "idle", "data_channel_state": "closed", "max_message_size": None}
        self._attempt: str | None = None
        self._page_error: Mapping[str, str] | None = None
        self.is_receive_only = False
        self._consumed: str | None = None
        self._consumed_ever: set[str] = set()
        self._event_attempt: str | None = None
        self._segments = LogSegments()
        self._numbers: dict[str, int] = {}
        self._resuming: set[str] = set()
        self._shows_resumption = False
        self._made: tuple[str, str | None] | None = None
        self._is_closed = False
        # By attempt: the time of the first event of its call on the page's clock, and the offset to the kernel's clock.
        # The offset is kept: the times of one call must not jump when the estimate improves.
        self._clocks: dict[str | None, tuple[float, float]] = {}
        # Until when the audio of calls that have ended was heard, by attempt, on the page's clock.
        self._heard_until_ms: dict[str, float] = {}
        self._sounds = protocol.sound_reader()
        # The events that the measured audio means, for `latency`; the log has only what the server has sent.
        self._measured: deque[Event] = deque(maxlen=_MAX_MEASURED)
        self.events = EventLog()
        self.transcript = Transcript(protocol=protocol.name)
        # For all calls: the log drops its oldest events.
        self.usage = Usage()
        self.failures = Failures()
        self.subscriptions: Subscriptions[Event] = Subscriptions(self.failures)
        self.consumers: list[EventConsumer] = []
        self.on_usage: Callable[[], None] = lambda: None

    @property
    def status(self) -> Status:
        """The state of the call."""
        return cast("Status", self._values["status"])

    @property
    def has_call(self) -> bool:
        """Whether a call exists or is being made."""
        return self.status not in ("idle", "error")

    @property
    def has_had_call(self) -> bool:
        """Whether a call was established, now or before."""
        return bool(self._consumed_ever)

    @property
    def data_channel_state(self) -> str:
        """The state of the data channel (W3C)."""
        return str(self._values["data_channel_state"])

    @property
    def is_open(self) -> bool:
        """Whether a call stands: its data channel is open, or it is connected without one."""
        return self.data_channel_state == "open" or self.status == "connected"

    @property
    def call_id(self) -> str | None:
        """The server's id of the call; None without a call."""
        return cast("str | None", self._values.get("call_id"))

    @property
    def max_message_size(self) -> int | None:
        """The maximum size of an event in bytes; None without a call."""
        return cast("int | None", self._values["max_message_size"])

    def _write(self, values: Mapping[str, object]) -> None:
        self._values |= values
        self._write_traits(values)

    def page_state(self, message: State) -> None:
        """Write the page's state of the call to the traits."""
        if self._is_closed:
            return  # the page sent it before it knew that the widget is closed
        values: dict[str, object] = asdict(message.state)
        if (message.attempt, message.state.error) == (self._attempt, self._page_error):
            del values["error"]  # what the server or Python has reported since stays
        self._page_error = message.state.error
        is_another = message.attempt not in (self._attempt, self._event_attempt)
        if is_another or message.state.data_channel_state == "closed":
            values |= {"user_speaking": False, "assistant_speaking": False}
        if message.attempt != self._attempt:
            # Only the first state of a call counts: after a microphone is lost, clips can still be played.
            self.is_receive_only = message.state.receive_only
        self._attempt = message.attempt
        if message.attempt is not None and message.resumes:
            self._resuming.add(message.attempt)
        resumes_now = message.resumes and message.state.status in ("connecting", "reconnecting")
        if resumes_now is not self._shows_resumption:
            self._shows_resumption = resumes_now
            values["progress"] = text("resuming") if resumes_now else ""
        # A call without a data channel is connected without an open one.
        is_open = message.state.data_channel_state == "open" or message.state.status == "connected"
        if message.attempt is not None and is_open:
            self._begin_consumers(message.attempt)
        if message.state.status in ("idle", "error"):
            values |= _NO_CALL
            self._end_call()
        else:
            is_made = self._made is not None and self._made[0] == message.attempt
            values |= {"active_page": message.page, "call_id": self._made[1] if self._made and is_made else None}
        self._write(values)

    def page_events(self, attempt: str | None, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Log, reduce and publish events, one after the other."""
        if attempt is not None and attempt in self._consumed_ever and attempt != self._consumed:
            self._log_late(attempt, events, offset_ms)
            return
        if attempt is not None and attempt != self._event_attempt:
            resumes = attempt in self._resuming
            before = self._clocks.get(self._event_attempt) if resumes else None
            self._clocks[attempt] = before or (events[0].time_ms, offset_ms)
            self._event_attempt = attempt
            self._numbers[attempt] = self.transcript.begin_call(resumes=resumes)
            self._begin_consumers(attempt)
            self._sounds = self._protocol.sound_reader()
        if attempt is not None:
            self._begin_segment(attempt)
        for wire in events:
            event, facts = self._log(wire, attempt or self._event_attempt)
            self._reduce(event, facts)
            self._end_turns_later(event, facts)
            try:
                self.subscriptions.publish(event)
            except Exception:
                logger.exception("%r could not be delivered to every subscriber", event)
            self._reduce_measured(self._sounds.consume(event, facts))
        if attempt is not None:
            self._end_turns(attempt)

    def page_sound(self, sound: Sound, offset_ms: float) -> None:
        """Reduce what the page has measured of the current call; it is not logged."""
        clock = self._clocks.get(sound.attempt)
        if clock is None or sound.attempt != self._event_attempt:
            return
        time = datetime.fromtimestamp((sound.at_ms + clock[1]) / 1000, UTC)
        elapsed = (sound.at_ms - clock[0]) / 1000
        self._reduce_measured(self._sounds.take(MeasuredSound(sound.speaker, sound.is_audible, elapsed, time)))

    def _reduce_measured(self, events: Iterable[Event]) -> None:
        for event in events:
            self._measured.append(event)
            self._reduce(event, _facts_or_none(event))

    def timed_events(self) -> Iterable[Event]:
        """Return the events of the log and those that the measured audio means, in the order of their times."""
        return merge(self.events, self._measured, key=lambda event: event.time)

    def _log(self, wire: WireEvent, attempt: str | None) -> tuple[Event, Sequence[Fact]]:
        """Log an event and its usage; return it and its facts, which are read once for all that follow them."""
        first_ms, offset_ms = self._clocks.get(attempt, (0.0, 0.0))
        elapsed = (wire.time_ms - first_ms) / 1000
        time_ms = wire.time_ms + offset_ms
        event = Event.from_text(
            wire.text, direction=wire.direction, time_ms=time_ms, elapsed=elapsed, protocol=self._protocol.name
        )
        self.events.append(event)
        facts = _facts_or_none(event)
        if facts:
            self._guarded(partial(self._add_usage, facts, attempt or ""), event)
        return event, facts

    def _add_usage(self, facts: Sequence[Fact], call: str, event: Event) -> None:
        if self.usage.add_facts(facts, event.elapsed, call=call):
            self.on_usage()

    def _log_late(self, attempt: str, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Log events of a call that arrive after another call has begun."""
        self._clocks.setdefault(attempt, (events[0].time_ms, offset_ms))
        self._begin_segment(attempt)
        number = self._numbers.get(attempt)
        for wire in events:
            event, _ = self._log(wire, attempt)
            if number is not None:
                self._guarded(partial(self.transcript.add, call=number), event)
        if number is not None:
            self.transcript.end_call(number)
        self._end_turns(attempt)

    def call_ended(self, attempt: str, heard_until_ms: float) -> None:
        """Record until when the audio of a call was heard, on the page's clock; harmless to repeat."""
        self._heard_until_ms[attempt] = heard_until_ms
        self._end_turns(attempt)

    def _end_turns(self, attempt: str) -> None:
        """End the call in the transcript, if its end is known; its events may come later."""
        if attempt in self._numbers and attempt in self._heard_until_ms:
            self.transcript.end_call(self._numbers[attempt], at=self._heard_until(attempt))

    def _end_turns_later(self, event: Event, facts: Sequence[Fact]) -> None:
        """End a turn that is over because time has passed since its last words."""
        seconds, attempt = self._protocol.turn_end_seconds, self._event_attempt
        if seconds is None or attempt is None or not any(isinstance(fact, WordsSpoken) for fact in facts):
            return
        # A millisecond more: the times are rounded.
        passed = Event({"type": "rtc_widget.time"}, elapsed=event.elapsed + seconds + 0.001, protocol=event.protocol)

        def end_turn() -> None:
            # The turns that the end of a call has cut are not in progress any more.
            is_open = any(turn.status == "in_progress" for turn in self.transcript.of_last_call())
            if attempt == self._event_attempt and is_open:
                self.transcript.add(passed)

        self._later(seconds, end_turn)

    def _heard_until(self, attempt: str) -> float:
        """Return until when the audio of a call was heard, in seconds as `Event.elapsed`."""
        return (self._heard_until_ms[attempt] - self._clocks[attempt][0]) / 1000

    def _begin_segment(self, attempt: str) -> None:
        self._segments.begin(self.event_count(), attempt, resumes=attempt in self._resuming)

    def history(self) -> tuple[EventLog, list[CallStart]]:
        """Return the kept events, and where each call starts in them."""
        heard_until = {
            attempt: self._heard_until(attempt) for attempt in self._heard_until_ms if attempt in self._clocks
        }
        return self.events[:], self._segments.calls(self.events.dropped, heard_until)

    def _begin_consumers(self, attempt: str) -> None:
        # The state or the first event, whichever arrives first.
        if attempt in self._consumed_ever:
            return
        self._consumed_ever.add(attempt)
        self._consumed = attempt
        for consumer in self.consumers:
            consumer.begin_call(resumes=attempt in self._resuming)

    def began_ms(self, attempt: str) -> float | None:
        """Return the time of the first event of this attempt's call, in milliseconds on the page's clock."""
        return self._clocks[attempt][0] if attempt in self._clocks else None

    def _reduce(self, event: Event, facts: Sequence[Fact]) -> None:
        self.transcript.add(event)
        for consumer in self.consumers:
            try:
                consumer.consume(event, facts)
            except Exception:  # noqa: BLE001 - reported
                _report_odd(event)
        if facts:
            self._guarded(partial(self._write_speaking, facts), event)
            self._guarded(partial(self._report_failed_response, facts), event)

    def _write_speaking(self, facts: Sequence[Fact], event: Event) -> None:
        if changes := _speaking(facts):
            self._write(changes)

    def _report_failed_response(self, facts: Sequence[Fact], event: Event) -> None:
        for fact in facts:
            if isinstance(fact, ServerNote) and fact.ends_response:
                logger.error("No response (%s): %s", well_formed(fact.code), well_formed(fact.message))
                hint = SERVER_TEXTS["hint"]
                self._write({"error": {"code": fact.code, "message": fact.message, "hint": hint}})

    def _guarded(self, add: Callable[[Event], None], event: Event) -> None:
        try:
            add(event)
        except Exception:  # noqa: BLE001 - reported
            _report_odd(event)

    def call_made(self, attempt: str, call_id: str | None) -> None:
        """Record the server's id of the call."""
        self._made = (attempt, call_id)
        if attempt == self._attempt:
            self._write({"call_id": call_id})

    def event_count(self) -> int:
        """Return the number of all events; dropped events count as well."""
        return self.events.dropped + len(self.events)

    def history_page(self, request: History) -> Mapping[str, object]:
        """Return the next part of the history that a page requests, by calls, and where the part after it starts."""
        gone, total = self.events.dropped, self.event_count()
        end = total if request.before is None else min(request.before, total)
        first = at = min(max(request.first, gone), end)
        size = 0
        calls: list[dict[str, object]] = []
        last_parts = {segment.attempt: segment for segment, _ in self._segments.with_ends(total)}
        for segment, last in self._segments.with_ends(total):
            is_before = last < at
            wire: list[tuple[str, float, str]] = []
            events = self.events[max(segment.start, at) - gone : min(last, end) - gone] if at < min(last, end) else ()
            if segment.attempt in request.without:
                at = max(at, min(last, end))
                continue
            for event in events:
                if size >= _HISTORY_CHARACTERS:
                    break
                at += 1
                if not request.brief or self._is_needed_later(event, segment.attempt):
                    fields = json_text(fields_of(event), overflow=True)
                    wire.append((event.direction, event.time.timestamp() * 1000, fields))
                    size += len(fields)
            # With the last of its events, even if they were requested before the call ended.
            is_complete = at == last and not is_before and segment is last_parts[segment.attempt]
            heard_until_ms = self._heard_until_kernel_ms(segment.attempt) if is_complete else None
            if wire or heard_until_ms is not None:
                call = {"attempt": segment.attempt, "resumes": segment.resumes, "heard_until_ms": heard_until_ms}
                calls.append({**call, "events": wire})
            if size >= _HISTORY_CHARACTERS:
                break
        if not self._segments:
            at = end
        return {"calls": calls, "first": first, "next": at, "more": at < end}

    def _is_needed_later(self, event: Event, attempt: str) -> bool:
        if self._protocol.is_needed_later(event):
            return True
        # Of a response that is made just now, or was cut, there are only pieces.
        number = self._numbers.get(attempt)
        return number is not None and self.transcript.is_piece(event, call=number)

    def _heard_until_kernel_ms(self, attempt: str) -> float | None:
        """Return until when the audio of a call was heard, on the kernel's clock; None if that is unknown."""
        if attempt not in self._heard_until_ms or attempt not in self._clocks:
            return None
        return self._heard_until_ms[attempt] + self._clocks[attempt][1]

    def page_lost(self) -> None:
        """End the call because its page has gone."""
        if self._is_closed:
            return
        error = PageNotFound("The page that had the call is gone.", hint="Connect again.")
        self._end_unreported_call()
        self._end_call()
        self._write({"status": "error", "error": error.to_wire(), **_CLOSED, **_NO_CALL})

    def close(self) -> None:
        """End the call with the widget; later messages of its page are ignored. Harmless to repeat."""
        if self._is_closed:
            return
        self._is_closed = True
        had_call = self._attempt is not None
        self._end_unreported_call()
        self._end_call()
        self._write({"status": "idle", "data_channel_state": "closed", **(_CLOSED if had_call else {}), **_NO_CALL})

    def _end_unreported_call(self) -> None:
        """Record that a call was heard until now; a report of its page may replace that."""
        attempt = self._event_attempt
        if attempt is not None and self.has_call and attempt in self._clocks and attempt not in self._heard_until_ms:
            self.call_ended(attempt, time.time() * 1000 - self._clocks[attempt][1])

    def _end_call(self) -> None:
        if self._numbers:  # the first state of a page is that of no call, and must not end the first one in advance
            self.transcript.end_call()
        for consumer in self.consumers:
            consumer.end_call()
        self.subscriptions.end_call()

    def fault(self, error: RtcWidgetError) -> None:
        """Show and log an error that does not end the call."""
        logger.error("%s", well_formed(str(error)))
        self._write({"error": error.to_wire()})


def _facts_or_none(event: Event) -> Sequence[Fact]:
    try:
        return tuple(facts_of(event))
    except Exception:  # noqa: BLE001 - reported
        _report_odd(event)
        return ()


def _report_odd(event: Event) -> None:
    """Report an event that could not be processed, in the handler of the exception.

    The log has the event; later events must still be processed.
    """
    logger.exception("%r has an unexpected form and was ignored", event)


def _speaking(facts: Iterable[Fact]) -> dict[str, object]:
    """Return the speaking states that an event's facts change."""
    changes: dict[str, object] = {}
    for fact in facts:
        match fact:
            case SpeechStarted():
                changes[f"{fact.speaker}_speaking"] = True
            case SpeechEnded():
                changes[f"{fact.speaker}_speaking"] = False
            # With push-to-talk the server does not report the end of speech.
            case AudioCommitted() | AudioCleared():
                changes["user_speaking"] = False
    return changes
