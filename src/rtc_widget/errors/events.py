"""Errors of events that are sent or awaited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget.errors.base import RtcWidgetError


class NotConnected(RtcWidgetError):
    """The data channel is not open."""

    code = "not_connected"


class MessageTooLarge(RtcWidgetError):
    """The message is larger than the data channel allows."""

    code = "message_too_large"


class SendQueueFull(RtcWidgetError):
    """Too many events wait to be sent."""

    code = "send_queue_full"


class EventRefused(RtcWidgetError):
    """The server refused an event.

    Attributes
    ----------
    server_code : str
        The server's own code, such as ``"invalid_value"``; empty if the server gave none.
    """

    code = "event_refused"
    server_code = ""

    @classmethod
    def by(cls, event: Mapping[str, Any]) -> EventRefused:
        """Return the error of an ``error`` event."""
        error = event["error"]
        refusal = cls(str(error.get("message") or "The server refused the event without a message."))
        refusal.server_code = str(error.get("code") or "")
        return refusal


class ResponseFailed(RtcWidgetError):
    """The server could not complete a response."""

    code = "response_failed"


class TurnDetectionEnabled(RtcWidgetError):
    """Push-to-talk is not possible while the server detects turns."""

    code = "turn_detection_enabled"


class OperationUnsupported(RtcWidgetError):
    """The wire protocol of the call does not have the operation."""

    code = "operation_unsupported"


class InvalidImage(RtcWidgetError, ValueError):
    """An image cannot be sent."""

    code = "invalid_image"


class WaitTimeout(RtcWidgetError, TimeoutError):
    """The awaited event did not come in time."""

    code = "wait_timeout"
