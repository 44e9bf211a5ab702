"""The errors of a headless page, with the codes and texts of the browser's page."""

from __future__ import annotations

import logging
from typing import TypeVar

from rtc_widget.errors import (
    CallTakenOver,
    Cancelled,
    ChannelTimeout,
    ConnectionFailed,
    InputAudioMissing,
    NotConnected,
    RtcWidgetError,
    ServerHungUp,
    SessionExpired,
    UnexpectedError,
)
from rtc_widget.errors.texts import PAGE_HINTS, PAGE_MESSAGES, TRANSIENT, text

logger = logging.getLogger("rtc_widget")

_Error = TypeVar("_Error", bound=RtcWidgetError)


def _page_error(kind: type[_Error], message: str | None = None) -> _Error:
    """Return the page's error of that class; `message` replaces the text of the data file."""
    return kind(message or PAGE_MESSAGES[kind.code], hint=PAGE_HINTS[kind.code])


def is_transient(error: RtcWidgetError) -> bool:
    """Whether retrying may succeed."""
    return error.code in TRANSIENT


def as_error(raised: BaseException) -> RtcWidgetError:
    """Convert any exception to an error of this package."""
    if isinstance(raised, RtcWidgetError):
        return raised
    logger.error("The headless page failed", exc_info=raised)
    return UnexpectedError(text("unexpected", error=f"{type(raised).__name__}: {raised}"))


def cancelled() -> RtcWidgetError:
    """The call was ended before it was connected."""
    return _page_error(Cancelled)


def connection_failed() -> RtcWidgetError:
    """ICE or DTLS failed."""
    return _page_error(ConnectionFailed)


def channel_timeout(seconds: float) -> RtcWidgetError:
    """The data channel did not open in time."""
    return _page_error(ChannelTimeout, text("channel_not_open_in_time", seconds=f"{seconds:g}"))


def not_connected() -> RtcWidgetError:
    """Nothing can be sent."""
    return _page_error(NotConnected)


def call_taken_over() -> RtcWidgetError:
    """Another page makes the call."""
    return _page_error(CallTakenOver)


def server_hung_up() -> RtcWidgetError:
    """The server closed the call."""
    return _page_error(ServerHungUp)


def input_audio_missing() -> RtcWidgetError:
    """The session stands still without input audio."""
    return _page_error(InputAudioMissing)


def session_expired(message: str) -> RtcWidgetError:
    """The server ends the session; `message` is its own text, or empty."""
    return _page_error(SessionExpired, message or None)
