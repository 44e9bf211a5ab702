"""What a connection needs of the protocol of its session, whichever that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from rtc_widget._aiortc.audio import Samples
from rtc_widget._aiortc.stats import CallStatistics
from rtc_widget.server.audio_outputs import Player
from rtc_widget.server.messages import SendMessage
from rtc_widget.server.speech import VoiceDetector

EndReason = Literal["close_requested", "remote_hangup", "connection_lost"]
"""Why a connection ends, with the names of the Live API."""


class SessionEngine(Protocol):
    """A session, independent of its connection."""

    def begin(self) -> None:
        """Send the first events."""

    async def end(self) -> None:
        """Stop all tasks."""

    def close(self, reason: EndReason) -> bool:
        """Send the last event, if the protocol has one; return whether one was sent."""
        ...

    def expire(self) -> None:
        """Send that the time of the session is over."""

    def fail(self, message: str, code: str) -> None:
        """Send an error of the server."""

    def require_room_for_client(self) -> None:
        """Raise `ApiError` if the session has as many connections as it may have."""

    def join(self, send: SendMessage) -> None:
        """Send all events also to a second connection."""

    def leave(self, send: SendMessage) -> None:
        """Stop sending events to a second connection."""

    def receive(self, message: str | bytes, reply_to: SendMessage | None = None) -> None:
        """Process one message of a client."""

    async def take(self, message: str | bytes, reply_to: SendMessage | None = None) -> None:
        """Process one message of a client, and let other tasks run meanwhile."""

    def listen(self, detector: VoiceDetector) -> None:
        """Start to detect speech."""

    def receive_audio(self, samples: Samples) -> None:
        """Process the next samples (16 kHz) of the user."""

    def audio_is_late(self, seconds: float) -> None:
        """Take note that no audio has arrived for so long."""


@dataclass(frozen=True, slots=True)
class CallParts:
    """What a call gives to the engine of its session.

    Attributes
    ----------
    send : callable
        Sends one message to the client.
    player : Player
        Plays on the track of the call.
    statistics : callable
        Returns the statistics of the connection.
    end : callable
        Ends the call, after the events that have been sent had time to arrive.
    """

    send: SendMessage
    player: Player
    statistics: Callable[[], Awaitable[CallStatistics]]
    end: Callable[[], None]


MakeEngine = Callable[[CallParts], SessionEngine]
