"""The runs of events that every flow is made of."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.server.stage import Stage

Begin = Callable[..., Stage]
"""The fixture `begin`: begins a session, whose settings are its arguments."""

BEGIN = ["session.created", "conversation.created"]
ITEM = ["conversation.item.added", "conversation.item.done"]
TRANSCRIPTION = [f"conversation.item.input_audio_transcription.{step}" for step in ("delta", "completed")]
TURN = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed", *ITEM]
RESPONSE = ["response.created", "rate_limits.updated"]
MESSAGE_ADDED = ["response.output_item.added", "conversation.item.added", "response.content_part.added"]
MESSAGE_DONE = ["response.content_part.done", "response.output_item.done", "conversation.item.done"]
SPOKEN = [
    *MESSAGE_ADDED,
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    *MESSAGE_DONE,
]
WRITTEN = [
    *MESSAGE_ADDED,
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    *MESSAGE_DONE,
]
CALLED = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "conversation.item.done",
]

PUSH_TO_TALK = {"audio": {"input": {"turn_detection": None}}}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
