"""The state of the responses of a call."""

from __future__ import annotations

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import ResponseEnded
from rtc_widget.conversation.json_object import fields_of

_MAX_DONE = 200
_AUDIO = {
    "output_audio_buffer.started": "speaking",
    "output_audio_buffer.stopped": "over",
    "output_audio_buffer.cleared": "over",
}


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

    def begin(self, response_id: str, *, is_out_of_band: bool) -> None:
        """Record the beginning of a response."""
        self._begun.add(response_id)
        if is_out_of_band:
            self._out_of_band.add(response_id)
        else:
            self.active = response_id

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
        if event.type in _AUDIO and isinstance(response_id, str):
            self._audio[response_id] = _AUDIO[event.type]

    def has_begun(self, response_id: str) -> bool:
        """Whether the response has begun in this call."""
        return response_id in self._begun

    def is_out_of_band(self, response_id: str) -> bool:
        """Whether the response is not part of the conversation."""
        return response_id in self._out_of_band

    def has_audio(self, response_id: str) -> bool:
        """Whether the audio of the response has started."""
        return response_id in self._audio

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
