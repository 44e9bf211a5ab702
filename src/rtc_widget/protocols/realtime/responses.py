"""Which responses of a call have begun, are done and can be heard."""

from __future__ import annotations

from collections.abc import Mapping

from rtc_widget.conversation.events import Event, fields_of

_MOST_DONE = 200
_VOICE = {
    "output_audio_buffer.started": "speaking",
    "output_audio_buffer.stopped": "over",
    "output_audio_buffer.cleared": "over",
}


class Responses:
    """The responses of one call, folded from its events.

    Attributes
    ----------
    active : str or None
        The response of the conversation that is under way; a server makes one at a time.
    done : mapping
        The last ``response.done`` events, by response.
    """

    def __init__(self) -> None:
        self.active: str | None = None
        self.done: dict[str, Event] = {}
        self._begun: set[str] = set()
        self._beside: set[str] = set()
        self._voices: dict[str, str] = {}

    def begin(self, response_id: str, *, is_beside: bool) -> None:
        """The server has begun a response."""
        self._begun.add(response_id)
        if is_beside:
            self._beside.add(response_id)
        else:
            self.active = response_id

    def finish(self, response_id: str, event: Event) -> None:
        """The server has made a response, or given it up."""
        self.done[response_id] = event
        while len(self.done) > _MOST_DONE:
            del self.done[next(iter(self.done))]
        if response_id == self.active:
            self.active = None

    def follow_voice(self, event: Event) -> None:
        """Take in an event that may say that a response can be heard, or no more."""
        response_id = fields_of(event).get("response_id")
        if event.type in _VOICE and isinstance(response_id, str):
            self._voices[response_id] = _VOICE[event.type]

    def has_begun(self, response_id: str) -> bool:
        """Whether it belongs to this call."""
        return response_id in self._begun

    def is_beside(self, response_id: str) -> bool:
        """Whether it is no part of the conversation."""
        return response_id in self._beside

    def has_voice(self, response_id: str) -> bool:
        """Whether it has begun to be spoken."""
        return response_id in self._voices

    def has_been_spoken(self, response_id: str) -> bool:
        """Whether it has been spoken to its end."""
        return self._voices.get(response_id) == "over"

    @property
    def tells_of_voices(self) -> bool:
        """Whether the server has said of any response that it can be heard."""
        return bool(self._voices)

    @property
    def is_speaking(self) -> bool:
        """Whether any can be heard."""
        return "speaking" in self._voices.values()


def says_beside(response: Mapping[str, object]) -> bool:
    """Whether a server calls this response no part of the conversation."""
    return "conversation_id" in response and response["conversation_id"] is None
