"""Reads tokens by kind from a ``usage`` object of the Realtime API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget.conversation.usage import SECONDS
from rtc_widget.protocols.realtime.numbers import number_or

_KINDS = ("text", "audio", "image")


def response_tokens(usage: Mapping[str, Any]) -> dict[str, float]:
    """Return the tokens of a response by the kinds in `rtc_widget.conversation.usage.TOKENS`, without zeros."""
    given, made = _inside(usage, "input_token_details"), _inside(usage, "output_token_details")
    cached = _inside(given, "cached_tokens_details")
    amounts: dict[str, float] = {}
    for kind in _KINDS:
        amounts[f"cached_{kind}_input"] = _number(cached, f"{kind}_tokens")
        amounts[f"{kind}_input"] = _number(given, f"{kind}_tokens") - amounts[f"cached_{kind}_input"]
    for kind in ("text", "audio"):
        amounts[f"{kind}_output"] = _number(made, f"{kind}_tokens")
    # If a server gives no details, its tokens count as text.
    amounts["text_input"] += _number(usage, "input_tokens") - sum(_number(given, f"{k}_tokens") for k in _KINDS)
    amounts["text_output"] += _number(usage, "output_tokens") - sum(_number(made, f"{k}_tokens") for k in _KINDS)
    return {kind: amount for kind, amount in amounts.items() if amount > 0}


def transcription_tokens(usage: Mapping[str, Any]) -> dict[str, float]:
    """Return the tokens or seconds of the transcription of a user's turn, without zeros."""
    if usage.get("type") == "duration":
        amounts = {SECONDS: _number(usage, "seconds")}
    else:
        amounts = {
            "transcription_input": _number(usage, "input_tokens"),
            "transcription_output": _number(usage, "output_tokens"),
        }
    return {kind: amount for kind, amount in amounts.items() if amount}


def _inside(usage: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = usage.get(name)
    return value if isinstance(value, Mapping) else {}


def _number(usage: Mapping[str, Any], name: str) -> float:
    return number_or(usage.get(name), 0)
