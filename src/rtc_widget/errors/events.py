"""Errors about events that are sent or awaited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget.errors.base import RtcWidgetError


class NotConnected(RtcWidgetError):
    """There is no open data channel to send on."""

    code = "not_connected"


class MessageTooLarge(RtcWidgetError):
    """The message is larger than the data channel carries."""

    code = "message_too_large"


class EventRefused(RtcWidgetError):
    """The server refused an event that was sent to it.

    Attributes
    ----------
    server_code : str
        The server's own code, such as ``"invalid_value"``; empty where it gave none.
    """

    code = "event_refused"
    server_code = ""

    @classmethod
    def by(cls, event: Mapping[str, Any]) -> EventRefused:
        """Return what an ``error`` event of the server says."""
        error = event["error"]
        refusal = cls(str(error.get("message") or "The server refused the event without saying why."))
        refusal.server_code = str(error.get("code") or "")
        return refusal


class ResponseFailed(RtcWidgetError):
    """The server could not answer."""

    code = "response_failed"


class TurnDetectionEnabled(RtcWidgetError):
    """The server says when a person's turn ends, so nobody else can."""

    code = "turn_detection_enabled"


class InvalidImage(RtcWidgetError, ValueError):
    """A picture that cannot be sent."""

    code = "invalid_image"


class WaitTimeout(RtcWidgetError, TimeoutError):
    """The awaited event did not come in time."""

    code = "wait_timeout"
