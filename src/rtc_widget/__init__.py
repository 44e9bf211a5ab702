"""Talk to a realtime voice model in a notebook: WebRTC in the page, every event a Python object.

>>> import rtc_widget
>>> chat = rtc_widget.VoiceChat()  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rtc_widget._version import __version__

if TYPE_CHECKING:
    from rtc_widget.audio import AudioClip
    from rtc_widget.conversation import Transcript
    from rtc_widget.devices import Device
    from rtc_widget.errors import RtcWidgetError
    from rtc_widget.event_log import EventLog
    from rtc_widget.events import Event
    from rtc_widget.reconnect import Reconnect
    from rtc_widget.recording import Recording
    from rtc_widget.saved_session import SavedSession
    from rtc_widget.signaling.base import Answer, Signaling
    from rtc_widget.signaling.chat_completions import ChatCompletions
    from rtc_widget.signaling.local import Local
    from rtc_widget.signaling.openai import OpenAI
    from rtc_widget.stats import StatsLog
    from rtc_widget.tools import Tool
    from rtc_widget.turn import Turn
    from rtc_widget.voice_chat import VoiceChat

__all__ = [
    "Answer",
    "AudioClip",
    "ChatCompletions",
    "Device",
    "Event",
    "EventLog",
    "Local",
    "OpenAI",
    "Reconnect",
    "Recording",
    "RtcWidgetError",
    "SavedSession",
    "Signaling",
    "StatsLog",
    "Tool",
    "Transcript",
    "Turn",
    "VoiceChat",
    "__version__",
]

# Each name is loaded when it is first used, so that `import rtc_widget` costs next to nothing.
_ROOMS = {
    "Answer": "signaling.base",
    "AudioClip": "audio",
    "ChatCompletions": "signaling.chat_completions",
    "Device": "devices",
    "Event": "events",
    "EventLog": "event_log",
    "Local": "signaling.local",
    "OpenAI": "signaling.openai",
    "Reconnect": "reconnect",
    "Recording": "recording",
    "RtcWidgetError": "errors",
    "SavedSession": "saved_session",
    "Signaling": "signaling.base",
    "StatsLog": "stats",
    "Tool": "tools",
    "Transcript": "conversation",
    "Turn": "turn",
    "VoiceChat": "voice_chat",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
