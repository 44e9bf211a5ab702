"""What a session tells about itself as time passes: its usage, its idle pauses, and its end."""

from __future__ import annotations

from typing import Any, Literal

from rtc_widget.server.conversation import Conversation, MessageItem
from rtc_widget.server.protocols.live.clock import SessionClock
from rtc_widget.server.protocols.live.server_events import LiveEmitter
from rtc_widget.server.protocols.live.session_config import LiveConfig
from rtc_widget.server.tokens import text_tokens

USAGE_MS = 15_000
"""Milliseconds of the clock between two reports of usage."""

CONTEXT_TOKENS = 128_000
"""The size of the context, for the ratio that is reported."""

DEFAULT_THRESHOLD = 0.5

CloseReason = Literal["close_requested", "expired", "content", "remote_hangup", "connection_lost"]


class Activity:
    """The usage and the idle pauses of a session.

    Parameters
    ----------
    session : LiveConfig
        The settings of the session, with the idle timeout.
    emitter, clock, conversation
        The emitter for events, the clock, and the conversation whose size is reported.
    """

    def __init__(
        self, session: LiveConfig, emitter: LiveEmitter, clock: SessionClock, conversation: Conversation
    ) -> None:
        self._idle_ms = None if session.idle_timeout_s is None else session.idle_timeout_s * 1000
        self._wake_threshold = session.wake_policy.vad_threshold if session.wake_policy else DEFAULT_THRESHOLD
        self._emitter = emitter
        self._clock = clock
        self._conversation = conversation
        self._busy_ms = 0
        self._last_ms = 0
        self._paused_ms = 0
        self._is_paused = False
        self._reported_ms = 0

    @property
    def vad_threshold(self) -> float:
        """The probability above which a frame counts as speech; in a pause the one that wakes the session."""
        return self._wake_threshold if self._is_paused else DEFAULT_THRESHOLD

    def advance(self, *, is_busy: bool) -> None:
        """Take note of the clock, and whether anybody speaks or anything is in progress."""
        now = self._clock.ms
        if self._is_paused:
            self._paused_ms += now - self._last_ms
        self._last_ms = now
        if is_busy:
            self._busy_ms = now
        if self._is_paused and is_busy:
            self._is_paused = False
            self._emitter.emit("session.resumed")
        elif not self._is_paused and self._idle_ms is not None and now - self._busy_ms >= self._idle_ms:
            self._is_paused = True
            self._emitter.emit("session.paused")
        if now - self._reported_ms >= USAGE_MS:
            self._reported_ms += USAGE_MS
            self._emitter.emit("session.usage.updated", usage=self._usage(), context_window=self._context_window())

    def closed(self, reason: CloseReason, client_event_id: str | None, session: LiveConfig) -> None:
        """Send the last event of the session, with the final usage."""
        self._emitter.emit(
            "session.closed",
            client_event_id=client_event_id,
            reason=reason,
            session=session.to_wire(),
            usage=self._usage(),
        )

    def _usage(self) -> dict[str, int]:
        seconds, paused = self._clock.ms // 1000, self._paused_ms // 1000
        return {"seconds": seconds, "active_seconds": seconds - paused, "paused_seconds": paused}

    def _context_window(self) -> dict[str, Any]:
        items = self._conversation.items
        tokens = sum(text_tokens(item.text) for item in items if isinstance(item, MessageItem))
        return {"usage_ratio": min(1.0, round(tokens / CONTEXT_TOKENS, 6))}
