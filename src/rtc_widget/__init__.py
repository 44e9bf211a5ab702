"""Talk to a realtime voice model in a notebook: WebRTC in the page, every event a Python object.

>>> import rtc_widget
>>> chat = rtc_widget.VoiceChat()  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rtc_widget._version import __version__

if TYPE_CHECKING:
    from rtc_widget._glossary.terms import glossary
    from rtc_widget.audio.clip import AudioClip
    from rtc_widget.audio.recording import Recording
    from rtc_widget.comm.settings import Reconnect
    from rtc_widget.conversation.event_log import EventLog
    from rtc_widget.conversation.events import Event
    from rtc_widget.conversation.transcript import Transcript
    from rtc_widget.conversation.turn import Turn
    from rtc_widget.errors import RtcWidgetError
    from rtc_widget.peer_connection import PeerConnection
    from rtc_widget.peers.timeline import Timeline
    from rtc_widget.saved.saved_session import SavedSession
    from rtc_widget.sdp.description import SessionDescription
    from rtc_widget.signaling.base import Answer, Signaling
    from rtc_widget.signaling.local import ChatCompletions, Local
    from rtc_widget.signaling.openai import OpenAI
    from rtc_widget.signaling.openai_live import OpenAILive, ResponsesBackend
    from rtc_widget.tools.tool import Tool
    from rtc_widget.voice_chat import VoiceChat
    from rtc_widget.webrtc.devices import Device
    from rtc_widget.webrtc.stats import StatsLog

__all__ = [
    "Answer",
    "AudioClip",
    "ChatCompletions",
    "Device",
    "Event",
    "EventLog",
    "Local",
    "OpenAI",
    "OpenAILive",
    "PeerConnection",
    "Reconnect",
    "Recording",
    "ResponsesBackend",
    "RtcWidgetError",
    "SavedSession",
    "SessionDescription",
    "Signaling",
    "StatsLog",
    "Timeline",
    "Tool",
    "Transcript",
    "Turn",
    "VoiceChat",
    "__version__",
    "glossary",
]

# Each name is loaded when it is first used, so that `import rtc_widget` costs next to nothing.
_MODULES = {
    "Answer": "signaling.base",
    "AudioClip": "audio.clip",
    "ChatCompletions": "signaling.local",
    "Device": "webrtc.devices",
    "Event": "conversation.events",
    "EventLog": "conversation.event_log",
    "Local": "signaling.local",
    "OpenAI": "signaling.openai",
    "OpenAILive": "signaling.openai_live",
    "PeerConnection": "peer_connection",
    "Reconnect": "comm.settings",
    "Recording": "audio.recording",
    "ResponsesBackend": "signaling.openai_live",
    "RtcWidgetError": "errors",
    "SavedSession": "saved.saved_session",
    "SessionDescription": "sdp.description",
    "Signaling": "signaling.base",
    "StatsLog": "webrtc.stats",
    "Timeline": "peers.timeline",
    "Tool": "tools.tool",
    "Transcript": "conversation.transcript",
    "Turn": "conversation.turn",
    "VoiceChat": "voice_chat",
    "glossary": "_glossary.terms",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
