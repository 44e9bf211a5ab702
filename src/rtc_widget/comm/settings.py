"""The settings of a widget's calls: set in Python, applied by the page even while the kernel is busy."""

from __future__ import annotations

import difflib
import re
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal, NoReturn

from rtc_widget.errors import InvalidSetting
from rtc_widget.types import DEFAULT_PROTOCOL

Exchange = Literal["kernel", "browser"]
Layout = Literal["full", "compact"]


@dataclass(frozen=True, slots=True)
class Reconnect:
    """What the page does when a call loses the connection to the server. All times in seconds.

    WebRTC may restore a disconnected connection by itself. After `grace` the page makes a new call, with the session
    settings and the conversation so far. If the server can renegotiate (`rtc_widget.signaling.base.Renegotiates`), a
    browser first tries an ICE restart of the same call. The attempts are counted until the connection has been healthy
    for ten seconds.

    A session that expires (after 60 minutes with OpenAI) is replaced in the same way: shortly before its end if the
    server has announced it, else when the server ends it.

    Attributes
    ----------
    max_attempts : int
        ICE restarts and new calls in a row before giving up.
    grace : float
        How long WebRTC may try to restore the connection by itself.
    backoff, max_backoff : float
        The pause before the first attempt, doubled for each further one, and its limit. Up to half of it is random, so
        that many notebooks that lost one server do not reconnect at the same moment.
    attempt_timeout : float
        The time limit of one attempt.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> Reconnect(max_attempts=5).to_wire()["max_attempts"]
    5
    """

    max_attempts: int = 3
    grace: float = 5.0
    backoff: float = 0.5
    max_backoff: float = 8.0
    attempt_timeout: float = 15.0

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, got {self.max_attempts}. reconnect=None disables it.")
        for name in ("grace", "backoff", "max_backoff"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be a finite number of seconds, at least 0, got {getattr(self, name)}.")
        if not 0 < self.attempt_timeout < float("inf"):
            raise ValueError(f"attempt_timeout must be a finite number of seconds above 0, got {self.attempt_timeout}.")

    def to_wire(self) -> dict[str, float]:
        """Return the numbers as the page reads them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CallSettings:
    """The settings that the page reads; `VoiceChat` describes them."""

    protocol: str = DEFAULT_PROTOCOL
    """The wire protocol of the data channel's events."""
    microphone: bool | Literal["clips"] = True
    exchange: Exchange = "kernel"
    reconnect: Reconnect | None = field(default_factory=Reconnect)
    max_duration: float = 3600.0
    view_timeout: float = 10.0
    record: bool = False
    stats_interval: float | None = 1.0
    microphone_clip: str | None = None
    can_call: bool = True
    text_interrupts: bool = True
    layout: Layout = "full"

    def __post_init__(self) -> None:
        if self.exchange not in ("kernel", "browser"):
            near = difflib.get_close_matches(str(self.exchange), ("kernel", "browser"), n=1)
            _refuse("exchange", "'kernel' or 'browser'", self.exchange, near[0] if near else None)
        if self.reconnect is not None and not isinstance(self.reconnect, Reconnect):
            raise TypeError(f"reconnect must be Reconnect(…) or None, got {self.reconnect!r}.")
        # A timer of the browser holds 2³¹ - 1 milliseconds; beyond that it would fire at once.
        if not _is_number(self.max_duration) or not 0 < self.max_duration <= 2_000_000:
            _refuse_seconds("max_duration", "between 0 and 2,000,000 seconds", self.max_duration)
        if not _is_number(self.view_timeout) or not 0 <= self.view_timeout <= 2_000_000:
            _refuse_seconds("view_timeout", "between 0 and 2,000,000 seconds", self.view_timeout)
        object.__setattr__(self, "stats_interval", self.stats_interval or None)
        # Chromium updates its counters no more often than this.
        interval = self.stats_interval
        if interval is not None and not (_is_number(interval) and 0.1 <= interval <= 3600):
            _refuse_seconds("stats_interval", "0.1 to 3600 seconds, or None for off", interval)

        if not isinstance(self.text_interrupts, bool):
            raise TypeError(f"text_interrupts must be True or False, got {self.text_interrupts!r}.")
        if self.layout not in ("full", "compact"):
            raise ValueError(f"layout must be 'full' or 'compact', got {self.layout!r}.")

    def to_wire(self) -> dict[str, Any]:
        """Return the settings as the page reads them."""
        return {
            "protocol": self.protocol,
            "microphone": self.microphone if self.microphone_clip is None else {"clip": self.microphone_clip},
            "exchange": self.exchange,
            "reconnect": self.reconnect and self.reconnect.to_wire(),
            "max_duration": float(self.max_duration),
            "view_timeout": float(self.view_timeout),
            "can_call": self.can_call,
            "text_interrupts": self.text_interrupts,
            "layout": self.layout,
            "record": self.record,
            "stats_interval": self.stats_interval and float(self.stats_interval),
        }


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhd]?)[a-z]*\.?", re.IGNORECASE)


def _seconds_in(value: object) -> float | None:
    """Return the seconds that were probably meant: by a timedelta, or by a text such as ``"1h"`` or ``"90 min"``."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return None if found is None else float(found[1]) * _UNITS[found[2].lower() or "s"]


def _refuse_seconds(name: str, must: str, value: object) -> NoReturn:
    seconds = _seconds_in(value)
    _refuse(name, must, value, int(seconds) if seconds is not None and seconds.is_integer() else seconds)


def _refuse(name: str, must: str, value: object, meant: object) -> NoReturn:
    hint = None if meant is None else f"Did you mean {name}={meant!r}?"
    raise InvalidSetting(f"{name} must be {must}, got {value!r}.", hint=hint)
