"""The meaning of the events of GPT-Live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from rtc_widget._unicode import well_formed
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import (
    ErrorReported,
    Fact,
    FunctionCall,
    FunctionCallFinished,
    FunctionCallStarted,
    FunctionOutputSent,
    ResponseEnded,
    SecondsUsed,
    ServerNote,
    SessionChanged,
    SpeechEnded,
    SpeechStarted,
    TokensUsed,
    TurnWritten,
    WordsSpoken,
)
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.errors.texts import NO_MESSAGE, SERVER_TEXTS
from rtc_widget.protocols.live.client_events import TYPED
from rtc_widget.protocols.live.numbers import milliseconds
from rtc_widget.protocols.live.usage import backend_tokens, seconds_used
from rtc_widget.protocols.realtime.numbers import number_or
from rtc_widget.types import Role

Fields = Mapping[str, Any]

SOUND = "rtc_widget.sound"
"""The type of an event that has no counterpart in the protocol: the page has heard one side begin or end."""

HARMLESS = frozenset({"context_injection_incomplete"})
"""Codes of errors that nobody can do anything about: an append was pending when the session was closed."""
_NO_CREDIT = frozenset({"insufficient_quota", "credit_balance_exhausted"})
_MAX_QUOTE = 300
"""The maximum number of characters of a server's message that are shown."""
ENDS: Mapping[str, Literal["completed", "incomplete", "failed"]] = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
"""The events that end a response of the backend, and its status."""


def facts(event: Event) -> Iterable[Fact]:
    """Return the meaning of an event; most events have none."""
    read = (_SENT if event.direction == "sent" else _RECEIVED).get(event.type)
    return () if read is None else read(fields_of(event))


def _session(raw: Fields, *, is_new: bool) -> Iterable[Fact]:
    settings = raw.get("session")
    if not isinstance(settings, Mapping):
        return ()
    expires_at = float(number_or(settings.get("expires_at"), 0.0))
    tools = frozenset(str(tool.get("name")) for tool in tools_in(settings))
    return (SessionChanged(settings, is_new, tools, None, expires_at if expires_at > 0 else None),)


def tools_in(settings: Fields) -> Sequence[Fields]:
    """Return the tools of the backend in the settings of a session."""
    found: Any = settings
    for name in ("delegation", "responses", "tools"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return [tool for tool in found if isinstance(tool, Mapping)] if isinstance(found, (list, tuple)) else []


def _words(raw: Fields, speaker: Role) -> Iterable[Fact]:
    if not isinstance(raw.get("delta"), str) or not any(map(str.isalnum, raw["delta"])):
        return ()
    start, end = (milliseconds(raw.get(name)) for name in ("start_ms", "end_ms"))
    if start is not None and start == end:
        return ()  # they are text only
    return (WordsSpoken(speaker, None if start is None else start / 1000, None if end is None else end / 1000),)


def _closed(raw: Fields) -> Iterable[Fact]:
    yield from _usage(raw)
    if raw.get("reason") == "content":
        yield ServerNote("content", SERVER_TEXTS["content_filter"], ends_response=True)


def _usage(raw: Fields) -> Iterable[SecondsUsed]:
    usage = raw.get("usage")
    return (seconds_used(usage),) if isinstance(usage, Mapping) else ()


def _nested(raw: Fields) -> Iterable[Fact]:
    nested = raw.get("event")
    if not isinstance(nested, Mapping):
        return
    # The events of one response do not all have its id; those of a delegation, of which one response runs, have this.
    key = delegation_key(raw)
    item, response = nested.get("item"), nested.get("response")
    if nested.get("type") == "response.output_item.done" and isinstance(item, Mapping):
        # The only event with the name, the id, the arguments and the status of a call.
        if item.get("type") == "function_call":
            call = FunctionCall(str(item.get("name")), str(item.get("arguments") or ""), str(item.get("call_id")))
            yield FunctionCallStarted(call.call_id, call.name)
            yield FunctionCallFinished(key, call)
    elif nested.get("type") in ENDS and isinstance(response, Mapping):
        status = ENDS[str(nested["type"])]
        reason = end_reason(response)
        yield ResponseEnded(key, status, reason=reason)
        if isinstance(usage := response.get("usage"), Mapping):
            yield TokensUsed(str(response.get("id")), backend_tokens(usage), str(response.get("model") or "backend"))
        if status != "completed":
            words = (
                SERVER_TEXTS[f"{status}_because"].format(reason=_truncated(reason)) if reason else SERVER_TEXTS[status]
            )
            yield ServerNote(f"response_{status}", words, ends_response=True)


def delegation_key(raw: Fields) -> str:
    """Return the delegation that a backend's event belongs to; empty if the server does not say."""
    key = raw.get("delegation_id")
    return key if isinstance(key, str) else ""


def end_reason(response: Fields) -> str:
    """Return why a response of the backend has ended early; empty if the server does not say."""
    error, details = response.get("error"), response.get("incomplete_details")
    if isinstance(error, Mapping) and isinstance(error.get("message"), str):
        return str(error["message"])
    reason = details.get("reason") if isinstance(details, Mapping) else None
    return reason if isinstance(reason, str) else ""


def _error(raw: Fields) -> Iterable[Fact]:
    error = raw.get("error")
    if not isinstance(error, Mapping):
        return (ErrorReported("", ""),)
    code, message = error.get("code"), error.get("message")
    reported = ErrorReported(str(code or ""), str(message or ""))
    if code in HARMLESS:
        return (reported,)
    name = well_formed(code) if isinstance(code, str) else "server_error"
    words = _truncated(message) if isinstance(message, str) else NO_MESSAGE
    return (reported, ServerNote(name, words, ends_response=code in _NO_CREDIT))


def _truncated(text: str) -> str:
    whole = well_formed(text)
    return whole if len(whole) <= _MAX_QUOTE else f"{whole[:_MAX_QUOTE]}…"


def _sound(raw: Fields) -> Iterable[Fact]:
    speaker: Role = "user" if raw.get("speaker") == "user" else "assistant"
    return (SpeechStarted(speaker, SOUND) if raw.get("is_audible") else SpeechEnded(speaker, SOUND),)


def _note_sent(raw: Fields) -> Iterable[Fact]:
    content = raw.get("content")
    return (TurnWritten(),) if isinstance(content, str) and content.startswith(TYPED) else ()


def _item_sent(raw: Fields) -> Iterable[Fact]:
    item = raw.get("item")
    if not isinstance(item, Mapping):
        return ()
    if item.get("type") == "function_call_output":
        return (FunctionOutputSent(str(item.get("call_id"))),)
    return (TurnWritten(),) if item.get("role") == "user" else ()


_SENT: Mapping[str, Callable[[Fields], Iterable[Fact]]] = {
    "session.thinking.append": _note_sent,
    "response.item.create": _item_sent,
}
_RECEIVED: Mapping[str, Callable[[Fields], Iterable[Fact]]] = {
    "session.started": lambda raw: _session(raw, is_new=True),
    "session.updated": lambda raw: _session(raw, is_new=False),
    "session.input_transcript.delta": lambda raw: _words(raw, "user"),
    "session.output_transcript.delta": lambda raw: _words(raw, "assistant"),
    "session.usage.updated": _usage,
    "session.closed": _closed,
    "response.event": _nested,
    "error": _error,
    SOUND: _sound,
}
