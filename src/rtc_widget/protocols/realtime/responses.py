"""The state of the responses of a call."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import ResponseEnded
from rtc_widget.conversation.json_object import fields_of

_MAX_DONE = 200
_SILENT_SECONDS = 5.0
"""A response without audio and without news for this time may have ended unreported."""
_SPEAKING_SECONDS = 60.0
"""The same for a response whose audio is played: the server sends nothing while it plays what it has generated."""
_MAX_PATIENCE = 16
AUDIO_EVENTS: Mapping[str, str] = {
    "output_audio_buffer.started": "speaking",
    "output_audio_buffer.stopped": "over",
    "output_audio_buffer.cleared": "over",
}
"""The events that report the audio of a response, and what becomes of it."""


class Responses:
    """The responses of one call.

    Attributes
    ----------
    active : str or None
        The id of the response that is being generated; a server generates one of a conversation at a time.
    done : mapping
        The ends of the last responses, by id.
    """

    def __init__(self) -> None:
        self.active: str | None = None
        self.done: dict[str, ResponseEnded] = {}
        self._begun: set[str] = set()
        self._out_of_band: set[str] = set()
        self._audio: dict[str, str] = {}
        self._audible: set[str] = set()
        self._began: dict[str, float] = {}
        self._last_news = 0.0
        self._patience = 1

    def begin(self, response_id: str, *, is_out_of_band: bool) -> None:
        """Record the beginning of a response."""
        self._begun.add(response_id)
        if is_out_of_band:
            self._out_of_band.add(response_id)
        else:
            self.active = response_id
            self._last_news, self._patience = time.monotonic(), 1
        self._began[response_id] = time.monotonic()
        while len(self._began) > _MAX_DONE:
            del self._began[next(iter(self._began))]

    def record_news(self, event: Event) -> None:
        """Record that the server has sent something of the active response."""
        if self.active is None:
            return
        raw = fields_of(event)
        response = raw.get("response")
        named = raw.get("response_id") or (response.get("id") if isinstance(response, Mapping) else None)
        if named == self.active:
            self._last_news, self._patience = time.monotonic(), 1

    def confirm_active(self) -> None:
        """Record that the server says that a response is active: wait twice as long for its next news."""
        self._last_news = time.monotonic()
        self._patience = min(2 * self._patience, _MAX_PATIENCE)

    @property
    def blocked_until(self) -> float:
        """When the active response counts as ended without a report, on the monotonic clock; 0 if none is active."""
        if self.active is None:
            return 0.0
        silence = _SPEAKING_SECONDS if self.is_speaking else _SILENT_SECONDS
        return self._last_news + silence * self._patience

    def progress_of(self, response_id: str) -> str:
        """Return a clause on what a response waits for and since when."""
        began = self._began.get(response_id)
        since = "" if began is None else f" began {time.monotonic() - began:.1f} s ago and"
        if response_id in self.done:
            return f"response {response_id}{since} has ended, but its audio has not"
        news = ""
        if response_id == self.active:
            news = f"; its last event came {time.monotonic() - self._last_news:.1f} s ago"
        return f"response {response_id}{since} has not ended{news}"

    def finish(self, ended: ResponseEnded) -> None:
        """Record the end of a response."""
        self.done[ended.response_id] = ended
        while len(self.done) > _MAX_DONE:
            del self.done[next(iter(self.done))]
        if ended.response_id == self.active:
            self.active = None

    def record_audio(self, event: Event) -> None:
        """Record the start or the end of a response's audio, if the event reports it."""
        response_id = fields_of(event).get("response_id")
        if event.type in AUDIO_EVENTS and isinstance(response_id, str):
            self._audio[response_id] = AUDIO_EVENTS[event.type]
            if self._audio[response_id] == "speaking":
                self._audible.add(response_id)
            if self._audio[response_id] == "over":
                self._last_news = time.monotonic()  # from now on silence counts

    def has_begun(self, response_id: str) -> bool:
        """Whether the response has begun in this call."""
        return response_id in self._begun

    def is_out_of_band(self, response_id: str) -> bool:
        """Whether the response is not part of the conversation."""
        return response_id in self._out_of_band

    def has_audio(self, response_id: str) -> bool:
        """Whether the audio of the response has started, or ended without a start: text that the voice cannot speak."""
        return response_id in self._audio

    def was_audible(self, response_id: str) -> bool:
        """Whether audio of the response was played."""
        return response_id in self._audible

    def has_been_spoken(self, response_id: str) -> bool:
        """Whether the audio of the response has ended."""
        return self._audio.get(response_id) == "over"

    @property
    def reports_audio(self) -> bool:
        """Whether the server has reported the audio of any response."""
        return bool(self._audio)

    @property
    def is_speaking(self) -> bool:
        """Whether the audio of any response is being played."""
        return "speaking" in self._audio.values()
