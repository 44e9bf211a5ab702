"""The page's session on its own thread: handles requests of the widget, and reports what happens."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Literal

import numpy as np
from av import AudioFrame

from rtc_widget._aiortc.output_track import pcm_of
from rtc_widget._unicode import json_text
from rtc_widget.comm.messages import PageState
from rtc_widget.comm.protocol import Message
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import ServerNote
from rtc_widget.errors import CallTooLong, ClipInterrupted, DeviceNotFound, RtcWidgetError
from rtc_widget.errors.texts import text
from rtc_widget.headless.attempt import Attempt
from rtc_widget.headless.bridge import PageBridge
from rtc_widget.headless.call import Call
from rtc_widget.headless.call_sound import CallSound
from rtc_widget.headless.clip import fetch_clip
from rtc_widget.headless.diagnosis import diagnose
from rtc_widget.headless.errors import as_error, call_taken_over, input_audio_missing, not_connected, session_expired
from rtc_widget.headless.history import HistoryReader
from rtc_widget.headless.microphone import MicrophoneTrack, PlayedInterval
from rtc_widget.headless.outbox import MediaOutbox, Outbox
from rtc_widget.headless.push_to_talk import PushToTalk
from rtc_widget.headless.recorder import TrackRecorder
from rtc_widget.headless.resumption import Resumption
from rtc_widget.headless.session_expiry import SessionExpiry
from rtc_widget.headless.settings import read_settings
from rtc_widget.headless.sound_detector import SoundChange
from rtc_widget.headless.stats import stats_reports
from rtc_widget.protocols.base import SessionWatch, protocol_named
from rtc_widget.types import Direction

logger = logging.getLogger("rtc_widget")


class PageSession:
    """Composes the parts of one widget's page.

    Parameters
    ----------
    page : str
        The page's name in its messages.
    send : callable
        Sends a message to the widget.
    settings : mapping
        The widget's settings.
    approve : callable
        Decides whether a tool may run, by the ``approve`` request.
    """

    def __init__(
        self,
        page: str,
        send: Callable[[Message], None],
        settings: Mapping[str, Any],
        approve: Callable[[Message], bool] = lambda request: False,
    ) -> None:
        self._bridge = PageBridge(page, send)
        self._outbox = Outbox(self._post_events)
        self._media = MediaOutbox(self._bridge.send)
        self._call = Call(self._bridge, lambda: self._settings, self, self._run)
        self._approve = approve
        self._settings = read_settings(settings)
        # A widget has one protocol, from its signaling.
        self._protocol = protocol_named(self._settings.protocol)
        self._resumption = Resumption(self._protocol)
        self._history = HistoryReader(self._bridge, self._resumption, self._protocol.name, self._run)
        self._watch: SessionWatch | None = None
        self._sound = CallSound(self._protocol, self._sound_changed, self._consume_measured)
        self._push_to_talk = PushToTalk(self._protocol, lambda texts: self._call.send(texts))
        loop = asyncio.get_running_loop()
        self._expiry = SessionExpiry(self._session_expires, loop.call_later, time.time)
        self._ends_at = math.inf
        # When audio of the other side was received last.
        self._heard_at: float | None = None
        # The call that ended last, and until when its audio was heard, as the times of events.
        self._ended: tuple[str, float] | None = None
        self._seq = 0
        self._sends_first = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._duration_timer: asyncio.TimerHandle | None = None
        self._sampling: asyncio.Task[None] | None = None
        self._recorders: list[TrackRecorder] = []
        self._playing: dict[str, asyncio.Task[PlayedInterval]] = {}
        self._levels = {"user": 0.0, "assistant": 0.0}

    def take_settings(self, wire: Mapping[str, Any]) -> None:
        """Use the widget's settings; recording and statistics change in the current call."""
        self._settings = read_settings(wire)
        if self._call.attempt is not None and self._call.state.status == "connected":
            self._record_and_sample(self._call.attempt)

    async def close(self) -> None:
        """End the call, send nothing more, and return when all is closed."""
        self._call.leave()
        self._history.close()
        self._outbox.close()
        # An exchange in progress still reports its call's id, so that the kernel can hang up.
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._bridge.close()

    def receive(self, message: Message) -> None:
        """Receive a message of the widget."""
        match message["type"]:
            case "welcome":
                self._report_state()
            case "reply":
                self._bridge.receive_reply(message)
            case "ack":
                self._outbox.acknowledge(message["next"])
            case "resend":
                self._outbox.resend_from(message["first"])
            case "media_ack":
                self._media.acknowledge(message["next"], missing=message["missing"])
            case "log_grew":
                self._history.log_grew(message["next"])
            case "preparation" | "listening":
                pass  # an attempt asks for the one; events are not collected
            case "bundle":
                for one in message["messages"]:
                    self.receive(one)
            case "ping":
                self._bridge.send("pong", time_ms=time.time() * 1000)
            case _:
                self._run(self._bridge.reply_to(message, lambda: self._handle(message), lambda: self._seq))

    def _post_events(self, attempt: str, first: int, events: list[list[object]]) -> None:
        self._bridge.send("events", attempt=attempt, first=first, events=events)

    async def _handle(self, request: Message) -> Mapping[str, object]:
        match request["type"]:
            case "connect":
                return {"attempt": await self._call.connect(request["microphone"], resume=request["resume"])}
            case "disconnect":
                self._call.disconnect()
            case "release_call":
                self._call.finish(call_taken_over())
            case "send":
                await self._call.send_in_turn(request["events"])
            case "mute":
                self._call.mute(request["muted"])
            case "devices":
                return {"devices": []}
            case "use_device":
                if request["device"] is not None:
                    raise DeviceNotFound("A page without a browser has no microphones and no speakers.")
                return {"devices": []}
            case "diagnose":
                return diagnose(self._call.state, self._call.latest)
            case "approve":
                return {"approved": self._approve(request)}
            case "note":
                logger.warning("%s %s", request["message"], request["hint"])
            case "talk":
                if request["on"]:
                    self._push_to_talk.press()
                else:
                    self._push_to_talk.release()
            case "play_clip":
                return asdict(await self._play_clip(request["clip"]))
            case "cancel_clip":
                if request["clip"] in self._playing:
                    self._playing[request["clip"]].cancel()
            case "silence_output":
                self._sound.silence()
            case "flush_audio":
                for recorder in self._recorders:
                    recorder.flush()
            case kind:
                raise as_error(NotImplementedError(f"A headless page does not support the request {kind!r}"))
        return {}

    async def _play_clip(self, clip: str) -> PlayedInterval:
        attempt = self._call.attempt
        if attempt is None or attempt.track is None or attempt.peer is None or not attempt.peer.is_open:
            raise not_connected()
        playing: asyncio.Task[PlayedInterval] = self._run(self._fetch_and_play(attempt.track, clip))
        self._playing[clip] = playing
        try:
            return await playing
        except asyncio.CancelledError:
            raise ClipInterrupted(text("clip_cut_off")) from None
        finally:
            self._playing.pop(clip, None)

    async def _fetch_and_play(self, track: MicrophoneTrack, clip: str) -> PlayedInterval:
        return await track.play_clip(pcm_of(await fetch_clip(self._bridge, clip)))

    # Reports of the call

    def state_changed(self, after: PageState, before: PageState) -> None:
        """Report the state to the widget, after the last events of a call."""
        if after.status != before.status:
            self._outbox.flush()
        is_calling, was_calling = (state.status not in ("idle", "error") for state in (after, before))
        if is_calling != was_calling:
            self._limit_duration(is_calling)
        if after.status == "connected" and before.status == "reconnecting" and self._call.attempt is not None:
            # The settings may have changed during the reconnection.
            self._record_and_sample(self._call.attempt)
        self._report_state()

    def event_passed(self, attempt: str, direction: Direction, text: str) -> None:
        """Process an event, and send it to the widget."""
        # What was heard of an interrupted response follows from the times between events.
        now = time.monotonic()
        event = Event.from_text(text, direction=direction, time_ms=0.0, elapsed=now, protocol=self._protocol.name)
        # The kernel receives every event unchanged, even one with an unexpected shape.
        self._outbox.add(attempt, [direction, time.time() * 1000, text], len(text))
        resume = () if self._sends_first else (partial(self._resumption.consume, text=text),)
        for consume in (*resume, self._consume_facts):
            try:
                consume(event)
            except Exception:
                logger.exception("%r has an unexpected shape and was not understood", event)

    def _consume_facts(self, event: Event) -> None:
        facts = tuple(self._protocol.facts(event))
        if self._watch is not None:
            self._watch.consume(event)
        self._push_to_talk.consume(facts)
        if event.direction == "received":
            self._expiry.consume(facts)
            self._sound.consume(event, facts)
        for fact in facts:
            # A response without words is logged by the kernel half, in this same process.
            if isinstance(fact, ServerNote) and not fact.ends_response:
                logger.warning("The server reports an error (%s): %s", fact.code, fact.message)

    def _session_stands(self) -> None:
        error = input_audio_missing()
        logger.warning("%s", error)
        self._call.warn(error)

    def _sound_changed(self, change: SoundChange) -> None:
        if self._call.attempt is not None:
            # The widget must know the response first.
            self._outbox.flush()
            fields = {"speaker": "assistant", "is_audible": change.is_audible, "at_ms": change.at_ms}
            self._bridge.send("sound", attempt=self._call.attempt.id, **fields)

    def _consume_measured(self, event: Event) -> None:
        self._resumption.consume(event, "")
        facts = tuple(self._protocol.facts(event))
        self._push_to_talk.consume(facts)
        self._expiry.consume(facts)

    def session_end(self, text: str) -> RtcWidgetError | None:
        """Return the error of an event that announces the end of the call, or None."""
        message = self._protocol.session_end(text)
        return None if message is None else session_expired(message)

    def closing_events(self) -> list[str]:
        """Return the events that ask the server to close the session."""
        return [json_text(event) for event in self._protocol.close_session()]

    def session_closed(self, text: str) -> Literal["requested", "unrequested"] | None:
        """Return whether the last event of a session says that its end was requested; None for other events."""
        return self._protocol.session_closed(text)

    def late_event_passed(self, attempt: str, direction: Direction, text: str) -> None:
        """Send an event of a call that has ended to the widget."""
        self._outbox.add(attempt, [direction, time.time() * 1000, text], len(text))

    def call_opened(self, attempt: Attempt, resumes: bool) -> None:
        """Send the conversation to resume, if any, and start recording and statistics."""
        self._history.begin_own_call(attempt.id)
        groups = self._resumption.events() if resumes else []
        # Before the first events of the call: they are watched too.
        self._watch = self._protocol.session_watch(self._session_stands, asyncio.get_running_loop().call_later)
        self._send_first(attempt.first_messages)
        self._resumption.begin_call(resumes=resumes)
        self._heard_at = None
        self._sound.begin()
        sendable = [events for events in groups if all(map(self._call.can_send, events))]
        if len(sendable) < len(groups):
            count = len(groups) - len(sendable)
            logger.warning("%d parts of the conversation are too large to be repeated to the new call", count)
        if sendable:
            self._run(self._send_events([event for events in sendable for event in events]))
        self._recorders = []
        self._record_and_sample(attempt)

    def call_ended(self) -> None:
        """Record until when the call was heard, send the rest of the recording, and stop the statistics."""
        self._push_to_talk.end()
        self._expiry.end_call()
        self._sound.end()
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        now = time.monotonic()
        # A loss is noticed seconds after the last sound.
        heard_at = now if self._heard_at is None else self._heard_at
        self._resumption.end_call(heard_at)
        if self._call.latest is not None:
            self._ended = self._call.latest.id, 1000 * (time.time() - (now - heard_at))
        for recorder in self._recorders:
            recorder.flush()
        self._recorders = []
        if self._sampling is not None:
            self._sampling.cancel()
            self._sampling = None

    def audio_received(self, frame: AudioFrame) -> None:
        """Record audio of the other side."""
        self._levels["assistant"] = _level(frame)
        self._heard_at = time.monotonic()
        self._sound.take(frame)
        if self._recorders:
            self._recorders[1].take(frame)

    def audio_sent(self, frame: AudioFrame) -> None:
        """Record audio of this side."""
        self._levels["user"] = _level(frame)
        if self._recorders:
            self._recorders[0].take(frame)

    def is_held_back(self) -> bool:
        """Whether the microphone is silent because nobody holds a turn."""
        return self._push_to_talk.is_held_back

    def _send_first(self, texts: Sequence[str]) -> None:
        if not texts:
            return
        # Not kept as changes of the session: a call that resumes this one gets its own from the kernel.
        self._sends_first = True
        try:
            self._call.send(texts)
        finally:
            self._sends_first = False

    async def _send_events(self, events: list[str]) -> None:
        self._call.send(events)

    def _record_and_sample(self, attempt: Attempt) -> None:
        if self._settings.record and not self._recorders:

            def post(**fields: object) -> None:
                self._media.post("audio", attempt=attempt.id, **fields)

            self._recorders = [TrackRecorder("user", post), TrackRecorder("assistant", post)]
        elif not self._settings.record:
            for recorder in self._recorders:
                recorder.flush()
            self._recorders = []
        if self._sampling is not None:
            self._sampling.cancel()
        self._sampling = self._run(self._sample_stats(attempt)) if self._settings.stats_interval else None

    async def _sample_stats(self, attempt: Attempt) -> None:
        while attempt.peer is not None and self._settings.stats_interval is not None:
            levels = self._levels
            reports = await stats_reports(
                attempt.peer.connection, user_level=levels["user"], assistant_level=levels["assistant"]
            )
            self._media.post("stats", attempt=attempt.id, time_ms=time.time() * 1000, reports=reports)
            await asyncio.sleep(self._settings.stats_interval)

    def _limit_duration(self, is_calling: bool) -> None:
        if self._duration_timer is not None:
            self._duration_timer.cancel()
            self._duration_timer = None
        self._ends_at = math.inf
        if is_calling:
            limit = self._settings.max_duration
            self._ends_at = time.time() + limit
            self._duration_timer = asyncio.get_running_loop().call_later(limit, self._end_too_long, limit)

    def _session_expires(self, expires_at: float) -> None:
        # A call that may not last as long as its session needs no other session.
        if self._ends_at > expires_at:
            self._call.replace()

    def _end_too_long(self, seconds: float) -> None:
        length = f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
        self._call.finish(CallTooLong(text("call_too_long", length=length)))

    def _report_state(self) -> None:
        self._seq += 1
        attempt = self._call.latest.id if self._call.latest else None
        ended, heard_until_ms = self._ended or (None, None)
        self._bridge.send(
            "state",
            seq=self._seq,
            attempt=attempt,
            resumes=self._call.resumes,
            heard_until_ms=heard_until_ms if ended == attempt else None,
            state=asdict(self._call.state),
        )

    def _run(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (raised := task.exception()) is not None and not isinstance(raised, RtcWidgetError):
            as_error(raised)


def _level(frame: AudioFrame) -> float:
    """Return the peak level, 0 to 1."""
    return float(np.abs(frame.to_ndarray().astype(np.int32)).max(initial=0)) / 32768
