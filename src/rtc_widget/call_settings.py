"""How a widget's calls are made and when they end: set in Python, obeyed by the page even while the kernel is busy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from rtc_widget.reconnect import Reconnect

Exchange = Literal["kernel", "browser"]


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What the page needs to know; see `VoiceChat` for what the entries mean."""

    microphone: bool | Literal["clips"] = True
    exchange: Exchange = "kernel"
    reconnect: Reconnect | None = field(default_factory=Reconnect)
    max_duration: float = 3600.0
    view_grace: float = 10.0
    record: bool = False
    stats_interval: float | None = 1.0
    microphone_clip: str | None = None
    can_call: bool = True

    def __post_init__(self) -> None:
        if self.exchange not in ("kernel", "browser"):
            raise ValueError(f"exchange={self.exchange!r}: it is 'kernel' or 'browser'.")
        if self.reconnect is not None and not isinstance(self.reconnect, Reconnect):
            raise TypeError(f"reconnect takes Reconnect(…) or None, not {self.reconnect!r}")
        # A timer of the browser holds 2³¹ - 1 milliseconds; beyond that it would fire at once.
        if not 0 < self.max_duration <= 2_000_000:
            raise ValueError(f"max_duration={self.max_duration} is no time in seconds between 0 and 2 000 000.")
        if not 0 <= self.view_grace <= 2_000_000:
            raise ValueError(f"view_grace={self.view_grace} is no time in seconds between 0 and 2 000 000.")

        # Chromium itself looks at its counters only so often.
        if self.stats_interval is not None and not 0.1 <= self.stats_interval <= 3600:
            raise ValueError(f"stats_interval={self.stats_interval} is neither 0.1 to 3600 seconds nor None for off.")

    def to_wire(self) -> dict[str, Any]:
        """Return the settings as the page reads them."""
        return {
            "microphone": self.microphone if self.microphone_clip is None else {"clip": self.microphone_clip},
            "exchange": self.exchange,
            "reconnect": self.reconnect and self.reconnect.to_wire(),
            "max_duration": float(self.max_duration),
            "view_grace": float(self.view_grace),
            "can_call": self.can_call,
            "record": self.record,
            "stats_interval": self.stats_interval and float(self.stats_interval),
        }
