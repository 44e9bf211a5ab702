"""What is being spoken or waits for it: answers are made faster than they are spoken, so there may be several."""

from __future__ import annotations

from rtc_widget.server.conversation import Conversation
from rtc_widget.server.protocols.realtime.response import Response
from rtc_widget.server.protocols.realtime.server_events import Emitter
from rtc_widget.server.tasks import Tasks


class PlaybackQueue:
    """The responses of a dialogue whose sound is not over, oldest first; also those that are out of band.

    Parameters
    ----------
    conversation, emitter
        Where it is noted what was heard, and who is told.
    tasks : Tasks
        The dialogue's.
    """

    def __init__(self, conversation: Conversation, emitter: Emitter, tasks: Tasks) -> None:
        self._conversation = conversation
        self._emit = emitter.emit
        self._tasks = tasks
        self._responses: list[Response] = []
        self._has_begun = False

    @property
    def has_begun(self) -> bool:
        """Whether there has been any sound yet."""
        self._has_begun = self._has_begun or any(response.has_audio for response in self._responses)
        return self._has_begun

    @property
    def is_over(self) -> bool:
        """Whether nothing of any response will be heard any more."""
        return all(response.output_audio.is_over for response in self._responses)

    def add(self, response: Response) -> None:
        """Follow a response that is about to begin."""
        self._drop_finished()
        self._responses.append(response)

    def silence(self) -> None:
        """Stop all sound at once, also what waits to be heard, and tell how much of it was."""
        self._drop_finished()
        for response in self._responses:
            response.output_audio.clear()
        cleared = [response for response in self._responses if response.output_audio.is_followed]
        if cleared:
            self._tasks.run(self._report_cleared(cleared))

    def truncate(self, item_id: str, content_index: int, end_ms: int) -> None:
        """Cut a spoken item to what was heard of it, and tell so."""
        self._conversation.truncate(item_id, content_index, end_ms)
        self._emit("conversation.item.truncated", item_id=item_id, content_index=content_index, audio_end_ms=end_ms)

    async def _report_cleared(self, cleared: list[Response]) -> None:
        # In the protocol's order: first `response.done`, then the news of the sound.
        for response in cleared:
            if response.is_cancelled:
                await response.done.wait()
        for response in cleared:
            if response.output_audio.has_started:
                self._emit("output_audio_buffer.cleared", response_id=response.id)
        for response in cleared:
            await response.done.wait()
            for item_id, heard_ms in response.interrupted_messages():
                if self._conversation.find(item_id):
                    self.truncate(item_id, 0, heard_ms)

    def _drop_finished(self) -> None:
        self._has_begun = self.has_begun
        self._responses = [response for response in self._responses if not response.output_audio.is_over]
