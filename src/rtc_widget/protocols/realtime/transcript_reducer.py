"""The turns of one call, reduced from the events of the Realtime API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rtc_widget.conversation.turn import FunctionResult, Turn, TurnStatus, with_text
from rtc_widget.protocols.realtime.client_events import CARRIED
from rtc_widget.protocols.realtime.content_parts import ContentParts, part_index, part_texts
from rtc_widget.protocols.realtime.function_items import FunctionItems
from rtc_widget.protocols.realtime.numbers import number_or
from rtc_widget.types import Role

_CHARACTERS_PER_SECOND = 15
"""The rate of calm speech, for servers that do not report audio tokens."""
_SECONDS_PER_TOKEN = 0.05

_ITEM_CREATED = ("conversation.item.added", "conversation.item.created")
_TRANSCRIPTION = "conversation.item.input_audio_transcription."
_RESPONSE_STATUS: Mapping[str, TurnStatus] = {
    "completed": "completed",
    "cancelled": "cancelled",
    "incomplete": "incomplete",
    "failed": "failed",
}


class RealtimeTurns:
    """The turns of one call; see `rtc_widget.conversation.facts.CallTurns`."""

    def __init__(self, number: int, *, resumes: bool) -> None:
        self.resumes = resumes
        self._number = number
        self._order: list[str] = []
        # The same items: in a long conversation the list takes long to search.
        self._placed: set[str] = set()
        self._turns: dict[str, Turn] = {}
        self._parts = ContentParts()
        # Items of which no event has had the whole text yet.
        self._in_pieces: set[str] = set()
        # Items at the end because their place is unknown; a later `previous_item_id` may move them.
        self._guessed: set[str] = set()
        self._deleted_items: set[str] = set()
        self._responses: dict[str, str] = {}
        self._now: float | None = None
        # When the user's speech began and ended, by item; it is reported before the turn exists.
        self._speech: dict[str, tuple[float | None, float | None]] = {}
        self._pressed: float | None = None
        # When the audio of a response started, and its duration, by response.
        self._audio_starts: dict[str, float | None] = {}
        self._audio_seconds: dict[str, float] = {}
        # The response that is being played.
        self._playing: str | None = None
        self._functions = FunctionItems()
        # Items with audio that the server has not begun to play; a late start may come.
        self._unplayed: set[str] = set()
        self._is_ended = False
        self._end_time: float | None = None
        # The turns and the response that was being played, from before the end was applied; None if it is not applied.
        self._before_end: tuple[dict[str, Turn], str | None] | None = None

    @property
    def turns(self) -> list[Turn]:
        """The turns, in the order of the conversation."""
        self._apply_end()
        return [self._turns[item_id] for item_id in self._order if item_id in self._turns]

    @property
    def items(self) -> list[Turn | FunctionResult]:
        """The turns and the function calls that have an output, in the order of the conversation."""
        self._apply_end()
        found = (self._turns.get(item_id) or self._functions.result(item_id) for item_id in self._order)
        return [item for item in found if item is not None]

    def add(self, event: Mapping[str, Any], now: float | None) -> None:
        """Process one event that arrived `now` seconds after the call began; None if the time is unknown."""
        # An event that arrives after the end of its call belongs before it.
        self._undo_end()
        self._now = now if now is not None else self._now
        kind = event.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if kind in _ITEM_CREATED and isinstance(item := event.get("item"), Mapping):
            self._deleted_items.discard(str(item.get("id")))  # created again
        # A transcription may end after its item was deleted.
        if handler is not None and not self._is_deleted(event.get("item_id")):
            handler(self, event)

    def is_piece(self, event: Mapping[str, Any]) -> bool:
        """Whether an event has a piece of a text that no event has as a whole."""
        item_id = event.get("item_id")
        return isinstance(event.get("delta"), str) and isinstance(item_id, str) and item_id in self._in_pieces

    def _is_deleted(self, item_id: object) -> bool:
        return isinstance(item_id, str) and item_id in self._deleted_items

    def end(self, now: float | None = None) -> None:
        """Process the end of the call. Harmless to repeat; the last known time counts."""
        self._undo_end()
        self._is_ended = True
        self._end_time = self._end_time if now is None else now
        self._apply_end()

    def _apply_end(self) -> None:
        if not self._is_ended or self._before_end is not None:
            return
        self._before_end = dict(self._turns), self._playing
        if self._end_time is not None:
            self._cut_audio(self._end_time)
        self._playing = None
        for item_id, turn in list(self._turns.items()):
            status: TurnStatus = "interrupted" if turn.status == "in_progress" else turn.status
            end = self._now if turn.end is None else turn.end
            self._turns[item_id] = replace(turn, status=status, end=end)

    def _undo_end(self) -> None:
        if self._before_end is not None:
            self._turns, self._playing = self._before_end
            self._before_end = None

    def _cut_audio(self, now: float) -> None:
        """Record what was played of each response when the call ended."""
        cut = self._play_until(self._playing, now) if self._playing is not None else []
        if self._audio_starts:
            # Responses wait behind the one that is played. Without any start, the server does not report it.
            waiting = [turn for item_id, turn in self._turns.items() if item_id in self._unplayed]
            cut += [replace(turn, played=0.0) for turn in waiting if turn.played == 1]
        for turn in cut:
            self._turns[turn.item_id] = turn
            if turn.played < 1:
                self._set_status(turn.item_id, "interrupted")

    def _input_cleared(self, event: Mapping[str, Any]) -> None:
        self._pressed = self._now

    def _speech_started(self, event: Mapping[str, Any]) -> None:
        if isinstance(item_id := event.get("item_id"), str):
            self._speech[item_id] = (self._now, None)

    def _speech_stopped(self, event: Mapping[str, Any]) -> None:
        item_id = event.get("item_id")
        if not isinstance(item_id, str):
            return
        start, end = self._speech.get(item_id, (None, None))
        self._speech[item_id] = (start, end if end is not None else self._now)
        if item_id in self._turns:
            self._turns[item_id] = replace(self._turns[item_id], end=self._speech[item_id][1])

    def _committed(self, event: Mapping[str, Any]) -> None:
        item_id = event.get("item_id")
        if not isinstance(item_id, str):
            return
        # With push-to-talk no speech is detected; the turn starts when the button is pressed.
        start, end = self._speech.get(item_id, (self._pressed, None))
        self._speech[item_id] = (start, self._now if end is None else end)
        self._pressed = None
        # Some servers send neither an item nor a transcription.
        self._place(item_id, after=event.get("previous_item_id"))
        if item_id not in self._turns:
            self._turns[item_id] = self._turn("user", item_id)

    def _audio_started(self, event: Mapping[str, Any]) -> None:
        response_id = event.get("response_id")
        if isinstance(response_id, str):
            self._audio_starts[response_id] = self._now
            self._playing = response_id
            for turn in self._of_response(response_id):
                self._unplayed.discard(turn.item_id)
                played = 1.0 if turn.unspoken else turn.played
                self._turns[turn.item_id] = replace(turn, start=self._now, end=None, played=played, unspoken=False)
            # Audio is played in the order of the responses.
            self._skip_audio([self._turns[item_id] for item_id in self._unplayed if item_id in self._turns])

    def _audio_stopped(self, event: Mapping[str, Any]) -> None:
        if event.get("response_id") == self._playing:
            self._playing = None
        for turn in self._of_response(event.get("response_id")):
            self._turns[turn.item_id] = replace(turn, end=self._now)
        self._skip_audio(self._of_response(event.get("response_id")))

    def _skip_audio(self, turns: Iterable[Turn]) -> None:
        """Record of completed turns that the server does not play their audio."""
        for turn in turns:
            if turn.item_id in self._unplayed and turn.status == "completed":
                self._turns[turn.item_id] = replace(turn, played=0.0, unspoken=True)

    def _record_audio(self, item_id: str) -> None:
        if self._responses.get(item_id) not in self._audio_starts:
            self._unplayed.add(item_id)

    def _of_response(self, response_id: object) -> list[Turn]:
        return [turn for turn in self._turns.values() if turn.response_id == response_id is not None]

    def _item(self, event: Mapping[str, Any]) -> None:
        item = event.get("item")
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            return
        item_id = item["id"]
        if item_id in self._deleted_items:
            return
        self._record_response(item_id, event.get("response_id"))
        self._place(item_id, after=event.get("previous_item_id"))
        self._functions.add(item_id, item)
        role = item.get("role")
        if item_id.startswith(CARRIED) or item.get("type") != "message" or role not in ("user", "assistant"):
            if isinstance(item.get("type"), str):
                self._turns.pop(item_id, None)  # a function call, or a message of an earlier call
            return
        turn = self._turn(role, item_id)
        if role == "assistant" and _has_audio(item.get("content")):
            self._record_audio(item_id)
        texts = part_texts(item.get("content"))
        if any(texts):
            self._in_pieces.discard(item_id)
        text = self._parts.fill(item_id, texts)
        status = turn.status
        # A spoken item is complete before its text is known; a written item has its text.
        if status == "in_progress" and role == "user" and any(texts):
            status = "completed"
        elif status == "in_progress" and role == "assistant" and text:
            status = _RESPONSE_STATUS.get(str(item.get("status")), status)
        self._turns[item_id] = replace(turn, role=role, text=text, status=status)
        is_written = role == "user" and item_id not in self._speech
        if is_written and turn.end is None:
            self._turns[item_id] = replace(self._turns[item_id], start=turn.start, end=turn.start)

    def _item_sent(self, event: Mapping[str, Any]) -> None:
        self._functions.add_sent(event.get("item"))

    def _deleted(self, event: Mapping[str, Any]) -> None:
        item_id = event.get("item_id")
        if isinstance(item_id, str):
            self._deleted_items.add(item_id)
            self._in_pieces.discard(item_id)
            self._functions.delete(item_id)
        if isinstance(item_id, str) and item_id in self._placed:
            self._order.remove(item_id)
            self._placed.discard(item_id)
            self._turns.pop(item_id, None)
            self._parts.delete(item_id)
            self._guessed.discard(item_id)

    def _transcript_delta(self, event: Mapping[str, Any]) -> None:
        self._append("user", event)

    def _transcript_done(self, event: Mapping[str, Any]) -> None:
        self._finish("user", event, "transcript", status="completed")

    def _transcript_failed(self, event: Mapping[str, Any]) -> None:
        self._finish("user", event, "", status="failed")

    def _text_delta(self, event: Mapping[str, Any]) -> None:
        self._append("assistant", event)

    def _audio_text_delta(self, event: Mapping[str, Any]) -> None:
        self._append("assistant", event)
        self._record_audio(str(event.get("item_id")))

    def _audio_text_done(self, event: Mapping[str, Any]) -> None:
        self._finish("assistant", event, "transcript")
        self._record_audio(str(event.get("item_id")))

    def _text_done(self, event: Mapping[str, Any]) -> None:
        self._finish("assistant", event, "text")

    def _truncated(self, event: Mapping[str, Any]) -> None:
        turn, end_ms = self._turns.get(str(event.get("item_id"))), event.get("audio_end_ms")
        if turn is None:
            return
        turn = self._turns[turn.item_id] = replace(turn, status="interrupted")
        if (end_ms := number_or(end_ms, -1.0)) >= 0:
            self._turns[turn.item_id] = replace(turn, played=self._share(turn, end_ms / 1000))

    def _audio_cleared(self, event: Mapping[str, Any]) -> None:
        response_id = event.get("response_id")
        if response_id == self._playing:
            self._playing = None
        turns = self._play_until(response_id, self._now)
        for turn in turns:
            # Of several messages the first may have been played completely.
            if turn.played < 1 or turn is turns[-1]:
                self._set_status(turn.item_id, "interrupted")

    def _play_until(self, response_id: object, now: float | None) -> list[Turn]:
        """Set the played share of the turns of a response whose audio has ended early, and return the turns."""
        began = self._audio_starts.get(str(response_id))
        seconds = now - began if now is not None and began is not None else 0.0
        turns: list[Turn] = []
        for turn in self._of_response(response_id):
            turns.append(replace(turn, end=now, played=self._share(turn, seconds)))
            seconds -= self._seconds(turn)
        self._turns |= {turn.item_id: turn for turn in turns}
        return turns

    def _share(self, turn: Turn, seconds: float) -> float:
        """Return the share of a turn that was played in a number of seconds."""
        whole = self._seconds(turn)
        return min(1.0, max(0.0, seconds / whole)) if whole > 0 else 0.0

    def _seconds(self, turn: Turn) -> float:
        """Return the duration of a turn's audio: its share, by text, of its response's audio."""
        whole = self._audio_seconds.get(str(turn.response_id))
        if not whole:
            return len(turn.text) / _CHARACTERS_PER_SECOND
        letters = sum(len(other.text) for other in self._of_response(turn.response_id))
        return whole * len(turn.text) / letters if letters else whole

    def _response_done(self, event: Mapping[str, Any]) -> None:
        response = event.get("response")
        if not isinstance(response, Mapping):
            return
        status = _response_status(response)
        response_id = str(response.get("id"))
        if seconds := _audio_seconds_of(response):
            self._audio_seconds[response_id] = seconds
        output = response.get("output")
        for item in output if isinstance(output, (list, tuple)) else ():
            if isinstance(item, Mapping) and status is not None:
                # Some servers report an item only here.
                self._item({"item": item, "response_id": response_id})
                self._set_status(item.get("id"), status)
        for turn in self._of_response(response_id):
            if status is not None:
                self._set_status(turn.item_id, status)
        if status in ("failed", "incomplete") and not self._has_items(response):
            # A turn without words shows the status.
            self._responses[response_id] = response_id
            self._place(response_id)
            self._turns[response_id] = replace(self._turn("assistant", response_id), status=status)
        for turn in self._of_response(response_id):
            # A spoken turn ends with its audio.
            if response_id not in self._audio_starts and turn.end is None:
                self._turns[turn.item_id] = replace(turn, end=self._now)

    def _has_items(self, response: Mapping[str, Any]) -> bool:
        """Whether a response has items, such as function calls; True if it is not part of the conversation."""
        response_id, output = response.get("id"), response.get("output")
        is_outside = "conversation_id" in response and response["conversation_id"] is None
        is_known = not isinstance(response_id, str) or response_id in self._responses.values()
        return is_outside or is_known or (isinstance(output, (list, tuple)) and any(map(_is_call, output)))

    def _record_response(self, item_id: object, response_id: object) -> None:
        if not isinstance(item_id, str) or not isinstance(response_id, str):
            return
        self._responses[item_id] = response_id
        turn = self._turns.get(item_id)
        if turn is not None and turn.response_id is None:
            start = self._audio_starts.get(response_id) or turn.start
            self._turns[item_id] = replace(turn, response_id=response_id, start=start)

    def _set_status(self, item_id: object, status: TurnStatus) -> None:
        turn = self._turns.get(item_id) if isinstance(item_id, str) else None
        # A response may be complete long before its audio ends. The status of an interrupted turn is final.
        if turn is not None and turn.status in ("in_progress", "completed"):
            self._turns[turn.item_id] = replace(turn, status=status)

    def _append(self, role: Role, event: Mapping[str, Any]) -> None:
        item_id, piece = event.get("item_id"), event.get("delta")
        if isinstance(item_id, str) and isinstance(piece, str):
            self._record_response(item_id, event.get("response_id"))
            self._place(item_id)
            turn = self._turn(role, item_id)
            self._turns[item_id] = with_text(turn, self._parts.append(item_id, part_index(event), piece))
            self._in_pieces.add(item_id)

    def _finish(self, role: Role, event: Mapping[str, Any], field: str, *, status: TurnStatus | None = None) -> None:
        item_id, text = event.get("item_id"), event.get(field)
        if isinstance(item_id, str):
            self._record_response(item_id, event.get("response_id"))
            self._place(item_id)
            if isinstance(text, str):
                self._in_pieces.discard(item_id)
            turn = self._turn(role, item_id)
            whole = (
                self._parts.replace(item_id, part_index(event), text.strip()) if isinstance(text, str) else turn.text
            )
            self._turns[item_id] = replace(turn, text=whole, status=status or turn.status)

    def _turn(self, role: Role, item_id: str) -> Turn:
        known = self._turns.get(item_id)
        if known is not None:
            return known
        response_id = self._responses.get(item_id)
        start, end = self._speech.get(item_id, (self._audio_starts.get(response_id or "", self._now), None))
        return Turn(role, "", item_id, call=self._number, start=start, end=end, response_id=response_id)

    def _place(self, item_id: str, after: object = None) -> None:
        is_known = item_id in self._placed
        if is_known and (after is None or item_id not in self._guessed):
            return
        self._placed.add(item_id)
        if isinstance(after, str) and after in self._placed and after != item_id:
            if is_known:
                self._order.remove(item_id)
            self._order.insert(self._order.index(after) + 1, item_id)
            self._guessed.discard(item_id)
        elif not is_known:
            self._order.append(item_id)
            self._guessed.add(item_id)


def _audio_seconds_of(response: Mapping[str, Any]) -> float:
    """Return the duration of a response's audio by its tokens; 0 if it is unknown."""
    usage = response.get("usage")
    details = usage.get("output_token_details") if isinstance(usage, Mapping) else None
    tokens = details.get("audio_tokens") if isinstance(details, Mapping) else None
    return number_or(tokens, 0.0) * _SECONDS_PER_TOKEN


def _response_status(response: Mapping[str, Any]) -> TurnStatus | None:
    """Return the status of a response; a cancellation by turn detection is an interruption."""
    status = _RESPONSE_STATUS.get(str(response.get("status")))
    details = response.get("status_details")
    is_interrupted = isinstance(details, Mapping) and details.get("reason") == "turn_detected"
    return "interrupted" if status == "cancelled" and is_interrupted else status


def _is_call(item: object) -> bool:
    return isinstance(item, Mapping) and item.get("type") == "function_call"


def _has_audio(content: object) -> bool:
    parts = content if isinstance(content, (list, tuple)) else ()
    return any(isinstance(part, Mapping) and part.get("type") in ("output_audio", "audio") for part in parts)


_HANDLERS: Mapping[str, Callable[[RealtimeTurns, Mapping[str, Any]], None]] = {
    "conversation.item.added": RealtimeTurns._item,
    "conversation.item.created": RealtimeTurns._item,
    "conversation.item.done": RealtimeTurns._item,
    "conversation.item.deleted": RealtimeTurns._deleted,
    "conversation.item.truncated": RealtimeTurns._truncated,
    f"{_TRANSCRIPTION}delta": RealtimeTurns._transcript_delta,
    f"{_TRANSCRIPTION}completed": RealtimeTurns._transcript_done,
    f"{_TRANSCRIPTION}failed": RealtimeTurns._transcript_failed,
    # Sent:
    "conversation.item.create": RealtimeTurns._item_sent,
    "input_audio_buffer.clear": RealtimeTurns._input_cleared,
    "input_audio_buffer.speech_started": RealtimeTurns._speech_started,
    "input_audio_buffer.speech_stopped": RealtimeTurns._speech_stopped,
    "input_audio_buffer.committed": RealtimeTurns._committed,
    "output_audio_buffer.started": RealtimeTurns._audio_started,
    "output_audio_buffer.stopped": RealtimeTurns._audio_stopped,
    "output_audio_buffer.cleared": RealtimeTurns._audio_cleared,
    "response.output_item.added": RealtimeTurns._item,
    "response.output_item.done": RealtimeTurns._item,
    "response.output_audio_transcript.delta": RealtimeTurns._audio_text_delta,
    "response.output_audio_transcript.done": RealtimeTurns._audio_text_done,
    "response.output_text.delta": RealtimeTurns._text_delta,
    "response.output_text.done": RealtimeTurns._text_done,
    "response.done": RealtimeTurns._response_done,
    # The beta's names, which other servers still use.
    "response.audio_transcript.delta": RealtimeTurns._audio_text_delta,
    "response.audio_transcript.done": RealtimeTurns._audio_text_done,
    "response.text.delta": RealtimeTurns._text_delta,
    "response.text.done": RealtimeTurns._text_done,
}
