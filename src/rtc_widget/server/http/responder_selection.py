"""Selects the responder of a call by the headers of its request: a Python function, a chat model, or the tutor."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rtc_widget.server.errors import ApiError
from rtc_widget.server.responders.chat_completions import ChatResponder, ChatServer
from rtc_widget.server.responders.parent_pipe import ParentPipe
from rtc_widget.server.responders.remote_replies import RemoteReplies
from rtc_widget.server.responders.reply_requests import FunctionResponder
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.tutor.tutor import Tutor

REPLY_HEADER = "rtc-widget-reply"
"""The header with the id of the reply function in the parent process, or in the kernel that opened the stream."""

STREAM_HEADER = "rtc-widget-reply-stream"
"""The header with the secret name of a reply stream (`rtc_widget.server.responders.remote_replies`)."""

CHAT_HEADER = "rtc-widget-chat"
"""The header with a `ChatServer` as JSON. It holds the API key, so only a loopback connection may carry it."""


class HeaderResponders:
    """Selects responders for a server that a kernel started."""

    def __init__(self, parent: ParentPipe) -> None:
        self._parent = parent
        self._tutor = Tutor()

    def __call__(self, headers: Mapping[str, str]) -> Responder:
        """Return the responder for the headers of a request."""
        reply, chat = headers.get(REPLY_HEADER), headers.get(CHAT_HEADER)
        if reply:
            return FunctionResponder(self._parent, reply)
        if chat:
            try:
                return ChatResponder(ChatServer(**json.loads(chat)))
            except (ValueError, TypeError):
                raise ApiError(
                    f"Invalid header {CHAT_HEADER}: expected a chat server as JSON.", "invalid_value", param=CHAT_HEADER
                ) from None
        return self._tutor


class FixedResponder:
    """Returns the same responder for every call, for a server that was started by hand.

    With `replies`, a call may have its reply function in the kernel that makes it.
    """

    def __init__(self, responder: Responder, replies: RemoteReplies | None = None) -> None:
        self._responder = responder
        self._replies = replies

    def __call__(self, headers: Mapping[str, str]) -> Responder:
        """Return the responder; raises `ApiError` if a header asks for another one."""
        if self._replies is not None and REPLY_HEADER in headers and STREAM_HEADER in headers:
            return self._replies.responder(headers[STREAM_HEADER], headers[REPLY_HEADER])
        for header in (REPLY_HEADER, CHAT_HEADER):
            if header in headers:
                message = "The responder of this server was chosen when it was started; requests cannot change it."
                raise ApiError(message, "invalid_value", param=header)
        return self._responder
