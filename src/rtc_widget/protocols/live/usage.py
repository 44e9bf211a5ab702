"""Reads what a session has used: its seconds, and the tokens of the backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget.conversation.facts import SecondsUsed
from rtc_widget.protocols.realtime.numbers import number_or


def seconds_used(usage: Mapping[str, Any]) -> SecondsUsed:
    """Return the seconds of a session so far; a server without pauses reports only one number."""
    standby = number_or(usage.get("paused_seconds"), 0.0)
    whole = number_or(usage.get("seconds"), 0.0)
    return SecondsUsed(number_or(usage.get("active_seconds"), max(whole - standby, 0.0)), standby)


def backend_tokens(usage: Mapping[str, Any]) -> dict[str, float]:
    """Return the tokens of a response of the Responses API by kind, without zeros; all of them count as text."""
    details = usage.get("input_tokens_details")
    cached = number_or(details.get("cached_tokens"), 0.0) if isinstance(details, Mapping) else 0.0
    amounts = {
        "text_input": number_or(usage.get("input_tokens"), 0.0) - cached,
        "cached_text_input": cached,
        "text_output": number_or(usage.get("output_tokens"), 0.0),
    }
    return {kind: amount for kind, amount in amounts.items() if amount > 0}
