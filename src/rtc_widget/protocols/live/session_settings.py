"""Session settings of GPT-Live. They are checked here, because the service refuses unknown keys."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from typing import Any

from rtc_widget.errors import InvalidSession
from rtc_widget.protocols.realtime.session_settings import SessionObject, merged, require_json

MAX_SESSION_BYTES = 200_000
"""The service sends the whole session in one message; a data channel of Chromium takes 262,144 bytes (RFC 8841)."""
MAX_INPUT_MESSAGES = 128
MAX_INPUT_TOKENS = 8_000
"""The service takes 8,192 tokens of history; tokens are estimated here."""

_RESPONSES: Mapping[str, Any] = {
    "model": None,
    "instructions": None,
    "tools": None,
    "tool_choice": None,
    "parallel_tool_calls": None,
    "reasoning": {"effort": None, "summary": None},
    "text": {"verbosity": None},
    "max_output_tokens": None,
    "service_tier": None,
}

KNOWN: Mapping[str, Any] = {
    "model": None,
    "instructions": None,
    "input": None,
    "audio": {"output": {"voice": None}},
    "delegation": {
        "type": None,
        "acknowledgement_delay_ms": None,
        "responses": _RESPONSES,
        "decisions": None,
    },
    "triggers": None,
    "client": {"data_channel": {"allowed_client_events": None, "allowed_server_events": None}},
    "store": None,
    "safety_identifier": None,
    "wake_policy": {"type": None, "vad_threshold": None},
    "idle_timeout_s": None,
}
"""Every key of the session of a WebRTC call (openai-python 3.57, ``LiveCreateParams``); None: any value."""

_WHOLE = (int, "a whole number that is not negative")
_TEXT = (str, "a string")
_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "model": _TEXT,
    "instructions": _TEXT,
    "safety_identifier": _TEXT,
    "input": ((list, tuple), "a list of messages"),
    "store": (bool, "True or False"),
    "idle_timeout_s": _WHOLE,
    "delegation.type": _TEXT,
    "delegation.acknowledgement_delay_ms": _WHOLE,
    "delegation.responses.model": _TEXT,
    "delegation.responses.instructions": _TEXT,
    "delegation.responses.tools": ((list, tuple), "a list"),
    "delegation.responses.parallel_tool_calls": (bool, "True or False"),
}
"""The types of some values, in words; None is taken everywhere."""

NEEDS_MODEL = 'Use OpenAILive(backend="gpt-6-luna"), or another model of the Responses API.'
"""What to do where something needs a backend that the service runs."""

SHORTHANDS: Mapping[str, tuple[str, ...]] = {
    "voice": ("audio", "output", "voice"),
    "idle_timeout": ("idle_timeout_s",),
    "backend_model": ("delegation", "responses", "model"),
    "backend_instructions": ("delegation", "responses", "instructions"),
    "tool_choice": ("delegation", "responses", "tool_choice"),
    "parallel_tool_calls": ("delegation", "responses", "parallel_tool_calls"),
    "reasoning": ("delegation", "responses", "reasoning"),
    "acknowledgement_delay_ms": ("delegation", "acknowledgement_delay_ms"),
}

UPDATABLE: Collection[str] = frozenset(
    {
        "delegation",
        "triggers",
        "backend_model",
        "backend_instructions",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "acknowledgement_delay_ms",
    }
)
"""The settings that can change during a session."""

_A_NEW_CALL = "Give it to VoiceChat(…) or OpenAILive(…), and make a new call."
FIXED: Mapping[str, str] = {
    "model": _A_NEW_CALL,
    "instructions": "Add to them with `await chat.instruct(…)`, or make a new call.",
    "input": "Add to what the model knows with `await chat.inform(…)`, or make a new call.",
    "audio": _A_NEW_CALL,
    "voice": _A_NEW_CALL,
    "client": _A_NEW_CALL,
    "store": _A_NEW_CALL,
    "safety_identifier": _A_NEW_CALL,
    "wake_policy": _A_NEW_CALL,
    "idle_timeout": _A_NEW_CALL,
    "idle_timeout_s": _A_NEW_CALL,
}
"""The settings that are fixed at the start of a session, and what to do instead."""

_BACKEND = "The backend has it: OpenAILive(backend=ResponsesBackend(…))."
NOT_IN_LIVE: Mapping[str, str] = {
    "turn_detection": "GPT-Live listens while it speaks, and decides by itself when to speak.",
    "transcription": "Both sides are always transcribed.",
    "noise_reduction": "The browser reduces noise.",
    "speed": "Ask for it in the instructions.",
    "temperature": "GPT-Live does not have this setting.",
    "output_modalities": "GPT-Live always speaks.",
    "max_output_tokens": _BACKEND,
    "tools": _BACKEND,
    "tracing": "GPT-Live does not have this setting.",
    "truncation": "The service manages the context.",
    "include": "GPT-Live does not have this setting.",
    "prompt": "Write it into the instructions.",
    "type": "Sessions of GPT-Live have no type.",
}
"""Settings of the Realtime API that GPT-Live does not have, and why or what to do instead."""


def session_settings(settings: Mapping[str, Any]) -> SessionObject:
    """Return a session object of GPT-Live from settings, checked.

    Parameters
    ----------
    settings : mapping
        Keys of the session object, or a shorthand of `SHORTHANDS` such as ``voice`` or ``backend_instructions``. The
        value None is kept.

    Raises
    ------
    InvalidSession
        If a key is unknown; the message has its path. If a value cannot be written as JSON, or all are too large.

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
    check_session(session)
    return session


def check_session(session: Mapping[str, Any]) -> None:
    """Require that a session object has only known keys, and can be sent.

    Raises
    ------
    InvalidSession
        As `session_settings`.
    """
    _check(session, KNOWN, ())
    delegation = session.get("delegation")
    if isinstance(delegation, Mapping) and delegation.get("type") == "client" and "responses" in delegation:
        raise no_model()
    require_json(session)
    size = len(json.dumps(session).encode())
    if size > MAX_SESSION_BYTES:
        raise InvalidSession(
            f"The session settings must be at most {MAX_SESSION_BYTES:,} bytes as JSON, got {size:,}.",
            hint="The service confirms them in one message of the data channel. Shorten the instructions.",
        )
    messages = session.get("input")
    if isinstance(messages, list) and len(messages) > MAX_INPUT_MESSAGES:
        raise InvalidSession(f"input must have at most {MAX_INPUT_MESSAGES} messages, got {len(messages)}.")


def no_model() -> InvalidSession:
    """Return the error of settings for a backend that the service runs, where it runs none."""
    return InvalidSession(
        "The session setting 'delegation.responses' needs a model that the service runs.", hint=NEEDS_MODEL
    )


def changed_settings(settings: Mapping[str, Any]) -> SessionObject:
    """Return the session object of a change during a session, checked.

    Raises
    ------
    InvalidSession
        If a setting is fixed at the start of a session; the hint says what to do instead. Else as `session_settings`.
    """
    for name in settings:
        if name in FIXED:
            raise InvalidSession(
                f"The session setting {name!r} is fixed at the start of a GPT-Live session.", hint=FIXED[name]
            )
    session = session_settings(settings)
    if "delegation" in session and not isinstance(session["delegation"], Mapping):
        raise InvalidSession(f"delegation must be a mapping, got {session['delegation']!r}.")
    if "responses" in session.get("delegation", {}):
        session["delegation"] = {"type": "responses", **session["delegation"]}
    return session


def _check(settings: Mapping[str, Any], known: Mapping[str, Any], path: tuple[str, ...]) -> None:
    for key, value in settings.items():
        if key not in known:
            name = ".".join((*path, key))
            if not path and key in NOT_IN_LIVE:
                raise InvalidSession(f"GPT-Live has no session setting {name!r}.", hint=NOT_IN_LIVE[key])
            if name == "audio.format":
                raise InvalidSession(
                    "GPT-Live has no session setting 'audio.format' for calls over WebRTC.",
                    hint="SDP chooses the codec.",
                )
            raise InvalidSession(f"Unknown session setting {name!r}.", hint=_suggestion(key, known, at_top=not path))
        below = known[key]
        _check_type(value, ".".join((*path, key)), is_object=isinstance(below, Mapping))
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            _check(value, below, (*path, key))


def _check_type(value: object, name: str, *, is_object: bool) -> None:
    if value is None:
        return
    kind, words = (Mapping, "a mapping") if is_object else _TYPES.get(name, (object, ""))
    is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not isinstance(value, kind) or (kind is int and not is_whole):
        raise InvalidSession(f"The session setting {name!r} must be {words}, got {value!r:.100}.")


def _suggestion(key: str, known: Mapping[str, Any], *, at_top: bool) -> str:
    choices = [*known, *SHORTHANDS] if at_top else list(known)
    near = difflib.get_close_matches(key, choices, n=1)
    guess = f"Did you mean {near[0]!r}? " if near else f"Known here: {', '.join(sorted(choices))}. "
    return guess + "Pass settings that this version does not know in extra_session={…}."
