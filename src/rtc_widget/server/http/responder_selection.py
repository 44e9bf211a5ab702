"""Selects the responder of a call: a function of the kernel, a chat model, or the tutor."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rtc_widget.server.errors import ApiError
from rtc_widget.server.responders.chat_completions import ChatResponder, ChatServer
from rtc_widget.server.responders.parent_pipe import ParentPipe, PipeResponder
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.tutor.tutor import Tutor

REPLY_HEADER = "rtc-widget-reply"
"""Names the function of the parent process that answers a call."""

CHAT_HEADER = "rtc-widget-chat"
"""Says, as JSON, which chat model answers a call. It holds the key, so it goes over the loopback address only."""


class HeaderResponders:
    """The responders of the server that a kernel started."""

    def __init__(self, parent: ParentPipe) -> None:
        self._parent = parent
        self._tutor = Tutor()

    def __call__(self, headers: Mapping[str, str]) -> Responder:
        """Return the responder that a request asks for."""
        reply, chat = headers.get(REPLY_HEADER), headers.get(CHAT_HEADER)
        if reply:
            return PipeResponder(self._parent, reply)
        if chat:
            try:
                return ChatResponder(ChatServer(**json.loads(chat)))
            except (ValueError, TypeError):
                raise ApiError(f"{CHAT_HEADER} cannot be read.", "invalid_value", param=CHAT_HEADER) from None
        return self._tutor


class FixedResponder:
    """The responder of a server that was started by hand: the same for every call."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder

    def __call__(self, headers: Mapping[str, str]) -> Responder:
        """Return the responder; refuse to be given another by whoever calls."""
        for header in (REPLY_HEADER, CHAT_HEADER):
            if header in headers:
                message = "This server was started by hand; what answers was chosen then."
                raise ApiError(message, "invalid_value", param=header)
        return self._responder
