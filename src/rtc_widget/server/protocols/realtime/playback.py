"""The responses whose audio is not over. Several may wait, since a response is created faster than it is played."""

from __future__ import annotations

from rtc_widget.server.conversation import Conversation
from rtc_widget.server.protocols.realtime.response import Response
from rtc_widget.server.protocols.realtime.server_events import Emitter
from rtc_widget.server.tasks import Tasks


class PlaybackQueue:
    """The responses whose audio is not over, oldest first, including those out of band.

    Parameters
    ----------
    conversation, emitter
        The conversation to truncate, and the emitter for events.
    tasks : Tasks
        The tasks of the session.
    """

    def __init__(self, conversation: Conversation, emitter: Emitter, tasks: Tasks) -> None:
        self._conversation = conversation
        self._emit = emitter.emit
        self._tasks = tasks
        self._responses: list[Response] = []
        self._has_begun = False

    @property
    def has_begun(self) -> bool:
        """Whether any response has had audio."""
        self._has_begun = self._has_begun or any(response.has_audio for response in self._responses)
        return self._has_begun

    @property
    def is_over(self) -> bool:
        """Whether the playback of all responses has ended."""
        return all(response.output_audio.is_over for response in self._responses)

    def add(self, response: Response) -> None:
        """Add a response that is about to start."""
        self._drop_finished()
        self._responses.append(response)

    def stop(self) -> None:
        """Stop playback, also of waiting responses, and truncate their items to what was played."""
        self._drop_finished()
        for response in self._responses:
            response.output_audio.clear()
        cleared = [response for response in self._responses if response.output_audio.is_followed]
        if cleared:
            self._tasks.run(self._report_cleared(cleared))

    def truncate(self, item_id: str, content_index: int, end_ms: int) -> None:
        """Cut a spoken item at `end_ms` and send the event."""
        self._conversation.truncate(item_id, content_index, end_ms)
        self._emit("conversation.item.truncated", item_id=item_id, content_index=content_index, audio_end_ms=end_ms)

    async def _report_cleared(self, cleared: list[Response]) -> None:
        # In the order of the protocol: first `response.done`, then the events about the audio.
        for response in cleared:
            if response.is_cancelled:
                await response.done.wait()
        for response in cleared:
            if response.output_audio.has_started:
                self._emit("output_audio_buffer.cleared", response_id=response.id)
        for response in cleared:
            await response.done.wait()
            for item_id, played_ms in response.interrupted_messages():
                if self._conversation.find(item_id):
                    self.truncate(item_id, 0, played_ms)

    def _drop_finished(self) -> None:
        self._has_begun = self.has_begun
        self._responses = [response for response in self._responses if not response.output_audio.is_over]
