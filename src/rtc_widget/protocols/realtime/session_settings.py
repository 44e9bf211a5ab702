"""Session settings of the GA Realtime API. They are checked here, because servers refuse unknown keys."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from rtc_widget.errors import InvalidSession

SessionObject = dict[str, Any]

MAX_SESSION_BYTES = 200_000
"""The server sends the whole session in one message; a data channel of Chromium takes 262,144 bytes (RFC 8841)."""

_FORMAT: Mapping[str, Any] = {"type": None, "rate": None}

KNOWN: Mapping[str, Any] = {
    "type": None,
    "model": None,
    "instructions": None,
    "output_modalities": None,
    "audio": {
        "input": {
            "format": _FORMAT,
            "transcription": {
                "model": None,
                "language": None,
                "languages": None,
                "prompt": None,
                "keywords": None,
                "delay": None,
            },
            "noise_reduction": {"type": None, "strength": None},
            "turn_detection": {
                "type": None,
                "threshold": None,
                "prefix_padding_ms": None,
                "silence_duration_ms": None,
                "idle_timeout_ms": None,
                "create_response": None,
                "interrupt_response": None,
                "eagerness": None,
            },
        },
        "output": {"format": _FORMAT, "voice": None, "speed": None},
    },
    "tools": None,
    "tool_choice": None,
    "parallel_tool_calls": None,
    "reasoning": {"effort": None},
    "max_output_tokens": None,
    "truncation": None,
    "tracing": None,
    "include": None,
    "prompt": None,
}
"""Every key of the GA session object (openai-python 3.54, `RealtimeSessionCreateRequest`); None: any value."""

SHORTHANDS: Mapping[str, tuple[str, ...]] = {
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "transcription": ("audio", "input", "transcription"),
    "noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
}


def session_settings(settings: Mapping[str, Any]) -> SessionObject:
    """Return a session object from settings, checked.

    Parameters
    ----------
    settings : mapping
        Keys of the GA session object, or a shorthand: ``voice``, ``speed``, ``transcription``, ``noise_reduction``,
        ``turn_detection``. The value None means *off* and is kept.

    Raises
    ------
    InvalidSession
        If a key is unknown; the hint has the most similar one. If a value cannot be written as JSON. If the settings
        are larger than the server could confirm, `MAX_SESSION_BYTES`.

    Examples
    --------
    >>> session_settings({"voice": "marin", "instructions": "Be brief."})
    {'audio': {'output': {'voice': 'marin'}}, 'instructions': 'Be brief.'}
    """
    session: SessionObject = {}
    for key, value in settings.items():
        path = SHORTHANDS.get(key, (key,))
        for step in reversed(path):
            value = {step: value}
        session = merged(session, value)
    _check(session, KNOWN, ())
    require_json(session)
    size = len(json.dumps(session).encode())
    if size > MAX_SESSION_BYTES:
        raise InvalidSession(
            f"The session settings must be at most {MAX_SESSION_BYTES:,} bytes as JSON, got {size:,}.",
            hint="The server confirms them in one message of the data channel. Shorten the instructions, or send long "
            "texts as messages of the conversation.",
        )
    return session


def require_json(settings: Mapping[str, Any]) -> None:
    """Require that settings can be written as JSON, which has no infinity and no sets.

    Raises
    ------
    InvalidSession
        If one cannot; the message names it.
    """
    for key, value in settings.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidSession(
                f"The session setting {key!r} cannot be written as JSON: {error}.",
                hint="Use dicts with string keys, lists, strings, finite numbers, booleans and None.",
            ) from None


def merged(first: Mapping[str, Any], *others: Mapping[str, Any]) -> SessionObject:
    """Return a session object in which later settings replace earlier ones; objects are merged."""
    result: SessionObject = {
        key: merged(value) if isinstance(value, Mapping) else value for key, value in first.items()
    }
    for other in others:
        for key, value in other.items():
            if isinstance(value, Mapping):
                before = result.get(key)
                result[key] = merged(before if isinstance(before, Mapping) else {}, value)
            else:
                result[key] = value
    return result


def _check(settings: Mapping[str, Any], known: Mapping[str, Any], path: tuple[str, ...]) -> None:
    for key, value in settings.items():
        if key not in known:
            raise InvalidSession(
                f"Unknown session setting {'.'.join((*path, key))!r}.", hint=_suggestion(key, known, at_top=not path)
            )
        below = known[key]
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            _check(value, below, (*path, key))


def _suggestion(key: str, known: Iterable[str], *, at_top: bool) -> str:
    choices = [*known, *SHORTHANDS] if at_top else list(known)
    near = difflib.get_close_matches(key, choices, n=1)
    guess = f"Did you mean {near[0]!r}? " if near else f"Known here: {', '.join(sorted(choices))}. "
    return guess + "Pass settings that this version does not know in extra_session={…}."
