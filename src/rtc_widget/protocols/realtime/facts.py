"""The meaning of the events of the GA Realtime API and its beta."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rtc_widget._unicode import well_formed
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import (
    AudioCleared,
    AudioCommitted,
    ErrorReported,
    Fact,
    FunctionCall,
    FunctionCallFinished,
    FunctionCallStarted,
    FunctionOutputSent,
    PushToTalkStarted,
    ResponseEnded,
    ResponseRequested,
    ResponseStarted,
    ResponseText,
    ServerNote,
    SessionChanged,
    SpeechEnded,
    SpeechStarted,
    TokensUsed,
    TurnWritten,
)
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.errors.texts import NO_MESSAGE, SERVER_TEXTS
from rtc_widget.protocols.realtime.numbers import number_or
from rtc_widget.protocols.realtime.usage import response_tokens, transcription_tokens

Fields = Mapping[str, Any]

ALREADY_ACTIVE = "conversation_already_has_active_response"
"""The code of the error when a response is requested while another one is active."""
_NO_QUOTA = "insufficient_quota"
_NOT_ACTIVE = "response_cancel_not_active"
_MAX_QUOTE = 300
"""The maximum number of characters of a server's message that are shown."""


def facts(event: Event) -> Iterable[Fact]:
    """Return the meaning of an event; most events have none."""
    read = (_SENT if event.direction == "sent" else _RECEIVED).get(event.type)
    return () if read is None else read(fields_of(event))


def response_ended(event: Event) -> ResponseEnded:
    """Return the end of a response from its ``response.done`` event.

    Raises
    ------
    ValueError
        If the event has no response.
    """
    for fact in _response_ended(fields_of(event)):
        if isinstance(fact, ResponseEnded):
            return fact
    raise ValueError(f"{event!r} has no response")


def is_out_of_band(response: Fields) -> bool:
    """Whether a server reports that a response is not part of the conversation."""
    return "conversation_id" in response and response["conversation_id"] is None


def function_calls(items: object) -> tuple[FunctionCall, ...]:
    """Return the function calls among the output items of a response."""
    return tuple(
        FunctionCall(str(item.get("name")), str(item.get("arguments") or ""), str(item.get("call_id")))
        for item in _mappings(items)
        if item.get("type") == "function_call"
    )


def _item_created(raw: Fields) -> Iterable[Fact]:
    item = raw.get("item")
    if not isinstance(item, Mapping):
        return ()
    if item.get("type") == "function_call_output":
        return (FunctionOutputSent(str(item.get("call_id"))),)
    return (TurnWritten(),) if item.get("type") == "message" and item.get("role") == "user" else ()


def _response_requested(raw: Fields) -> Iterable[Fact]:
    response = raw.get("response")
    return (ResponseRequested(isinstance(response, Mapping) and response.get("conversation") == "none"),)


def _session(raw: Fields, *, is_new: bool) -> Iterable[Fact]:
    settings = raw.get("session")
    if not isinstance(settings, Mapping):
        return ()
    tools = frozenset(str(tool.get("name")) for tool in _mappings(settings.get("tools")))
    # Servers without a limit send 0 or nothing.
    expires_at = float(number_or(settings.get("expires_at"), 0.0))
    return (SessionChanged(settings, is_new, tools, _silence(settings), expires_at if expires_at > 0 else None),)


def _silence(settings: Fields) -> float | None:
    detection: Any = settings
    for name in ("audio", "input", "turn_detection"):
        detection = detection.get(name) if isinstance(detection, Mapping) else None
    milliseconds = detection.get("silence_duration_ms") if isinstance(detection, Mapping) else None
    seconds = number_or(milliseconds, -1.0) / 1000
    return seconds if seconds >= 0 else None


def _response_started(raw: Fields) -> Iterable[Fact]:
    response = raw.get("response")
    if not isinstance(response, Mapping) or not isinstance(response.get("id"), str):
        return ()
    return (ResponseStarted(response["id"], is_out_of_band(response)),)


def _response_ended(raw: Fields) -> Iterable[Fact]:
    response = raw.get("response")
    if not isinstance(response, Mapping):
        return ()
    source, output = str(response.get("id")), response.get("output")
    ended = ResponseEnded(
        source,
        str(response.get("status") or ""),
        function_calls(output),
        has_message=any(item.get("type") == "message" for item in _mappings(output)),
        has_audio=any(
            part.get("type") in ("output_audio", "audio")
            for item in _mappings(output)
            for part in _mappings(item.get("content"))
        ),
        reason=_reason(response),
    )
    facts: list[Fact] = [ended]
    usage, details = response.get("usage"), response.get("status_details")
    if isinstance(usage, Mapping):
        facts.append(TokensUsed(source, response_tokens(usage)))
    error = details.get("error") if isinstance(details, Mapping) else None
    if ended.status == "failed" and isinstance(error, Mapping):
        facts += _notes(error, ends_response=True)
    elif ended.status in ("failed", "incomplete") and not (ended.status == "incomplete" and _has_content(output)):
        facts.append(ServerNote(f"response_{ended.status}", _end_text(ended), ends_response=True))
    return facts


def _has_content(output: object) -> bool:
    """Whether the output of a response has words or function calls."""
    items = _mappings(output)
    parts = [part for item in items for part in _mappings(item.get("content"))]
    texts = [text for part in parts for text in (part.get("transcript"), part.get("text"))]
    return bool(function_calls(items)) or any(isinstance(text, str) and text.strip() for text in texts)


def _end_text(ended: ResponseEnded) -> str:
    """Return why a response has ended, for a server that reports no error."""
    if ended.status == "incomplete" and ended.reason in ("content_filter", "max_output_tokens"):
        return SERVER_TEXTS[ended.reason]
    if not ended.reason:
        return SERVER_TEXTS[ended.status]
    return SERVER_TEXTS[f"{ended.status}_because"].format(reason=_truncated(ended.reason))


def _reason(response: Fields) -> str:
    details = response.get("status_details")
    if not isinstance(details, Mapping):
        return ""
    error = details.get("error")
    if isinstance(error, Mapping) and isinstance(error.get("message"), str) and error["message"]:
        return str(error["message"])
    reason = details.get("reason")
    return reason if isinstance(reason, str) else ""


def _notes(error: Fields, *, ends_response: bool = False) -> Iterable[Fact]:
    """Return the note of an error, unless the user cannot do anything about it."""
    code, message = error.get("code"), error.get("message")
    # An interruption cancels the response and clears its audio; the response may have ended before.
    if code == _NOT_ACTIVE:
        return ()
    # The text box of the page requests without an event id; the kernel requests the response again.
    if code == ALREADY_ACTIVE and not isinstance(error.get("event_id"), str):
        return ()
    text = _truncated(message) if isinstance(message, str) else NO_MESSAGE
    # Without quota the server ends every response, whichever event says so.
    is_end = ends_response or code == _NO_QUOTA
    name = well_formed(code) if isinstance(code, str) else "server_error"
    return (ServerNote(name, text, ends_response=is_end),)


def _truncated(text: str) -> str:
    whole = well_formed(text)
    return whole if len(whole) <= _MAX_QUOTE else f"{whole[:_MAX_QUOTE]}…"


def _item_done(raw: Fields) -> Iterable[Fact]:
    return (FunctionCallFinished(str(raw.get("response_id")), call) for call in function_calls([raw.get("item")]))


def _transcribed(raw: Fields) -> Iterable[Fact]:
    usage = raw.get("usage")
    if not isinstance(usage, Mapping):
        return ()
    return (TokensUsed(str(raw.get("item_id")), transcription_tokens(usage)),)


def _error(raw: Fields) -> Iterable[Fact]:
    error = raw.get("error")
    if not isinstance(error, Mapping):
        return (ErrorReported("", ""),)
    return (ErrorReported(str(error.get("code") or ""), str(error.get("message") or "")), *_notes(error))


def _mappings(entries: object) -> Sequence[Fields]:
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, (list, tuple)) else []


def _item_of(raw: Fields) -> str:
    return str(raw.get("item_id"))


def _response_of(raw: Fields) -> str:
    return str(raw.get("response_id"))


_SENT: Mapping[str, Callable[[Fields], Iterable[Fact]]] = {
    "conversation.item.create": _item_created,
    # Only push-to-talk clears the user's audio before a turn.
    "input_audio_buffer.clear": lambda raw: (PushToTalkStarted(),),
    "response.create": _response_requested,
}
_RECEIVED: Mapping[str, Callable[[Fields], Iterable[Fact]]] = {
    "session.created": lambda raw: _session(raw, is_new=True),
    "session.updated": lambda raw: _session(raw, is_new=False),
    "input_audio_buffer.speech_started": lambda raw: (SpeechStarted("user", _item_of(raw)),),
    "input_audio_buffer.speech_stopped": lambda raw: (SpeechEnded("user", _item_of(raw)),),
    "input_audio_buffer.committed": lambda raw: (AudioCommitted(_item_of(raw)),),
    "input_audio_buffer.cleared": lambda raw: (AudioCleared(),),
    "output_audio_buffer.started": lambda raw: (
        SpeechStarted("assistant", _response_of(raw), is_measured=raw.get("measured") is True),
    ),
    "output_audio_buffer.stopped": lambda raw: (SpeechEnded("assistant", _response_of(raw)),),
    "output_audio_buffer.cleared": lambda raw: (SpeechEnded("assistant", _response_of(raw), "interrupted"),),
    "conversation.item.input_audio_transcription.completed": _transcribed,
    "response.created": _response_started,
    "response.done": _response_ended,
    "response.output_item.done": _item_done,
    "response.function_call_arguments.done": lambda raw: (
        FunctionCallStarted(str(raw.get("call_id")), str(raw.get("name") or "")),
    ),
    **{
        f"response.{kind}.delta": lambda raw: (ResponseText(_response_of(raw)),)
        for kind in ("output_audio_transcript", "output_text", "audio_transcript", "text")
    },
    "error": _error,
}
