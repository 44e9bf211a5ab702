"""Servers to call, and the exchange of offer and answer with them. Usable in a script without a widget."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtc_widget.signaling.base import Answer, Signaling
    from rtc_widget.signaling.local import ChatCompletions, Local
    from rtc_widget.signaling.openai import OpenAI
    from rtc_widget.signaling.openai_live import OpenAILive, ResponsesBackend

__all__ = ["Answer", "ChatCompletions", "Local", "OpenAI", "OpenAILive", "ResponsesBackend", "Signaling"]

_MODULES = {
    "Answer": "base",
    "ChatCompletions": "local",
    "Signaling": "base",
    "Local": "local",
    "OpenAI": "openai",
    "OpenAILive": "openai_live",
    "ResponsesBackend": "openai_live",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
