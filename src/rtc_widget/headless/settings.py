"""How calls are made and when they end, as Python has set it; the twin of ``js/src/settings.ts``."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtc_widget.comm.settings import Reconnect


@dataclass(frozen=True, slots=True)
class Settings:
    """What the page needs of the widget's settings.

    Attributes
    ----------
    protocol : str
        The wire protocol of the data channel's events.
    microphone : bool
        Whether calls have a microphone.
    clip : str or None
        The id of the clip that speaks in its place; without one the microphone is silence.
    direct_exchange : bool
        Whether the page sends the offer itself.
    reconnect : Reconnect or None
        How a lost connection is made anew.
    max_duration : float
        Seconds after which a call is ended.
    record : bool
        Whether what is heard goes to the kernel.
    stats_interval : float or None
        Seconds between two looks at the statistics; None for never.
    """

    protocol: str
    microphone: bool
    clip: str | None
    direct_exchange: bool
    reconnect: Reconnect | None
    max_duration: float
    record: bool
    stats_interval: float | None


def read_settings(wire: Mapping[str, Any]) -> Settings:
    """Return the settings that the widget's trait holds."""
    microphone, reconnect = wire["microphone"], wire["reconnect"]
    clip = microphone["clip"] if isinstance(microphone, Mapping) else None
    return Settings(
        protocol=wire["protocol"],
        microphone=clip is not None or microphone is True,
        clip=clip,
        direct_exchange=wire["exchange"] == "browser",
        reconnect=None if reconnect is None else Reconnect(**reconnect),
        max_duration=wire["max_duration"],
        record=bool(wire["record"]),
        stats_interval=wire["stats_interval"],
    )


def pause_before(attempt: int, reconnect: Reconnect) -> float:
    """Return the seconds to wait: exponential, with up to half of it left to chance."""
    whole = min(reconnect.backoff * 2.0 ** (attempt - 1), reconnect.max_backoff)
    return whole / 2 + random.random() * whole / 2  # noqa: S311 - spreads calls, hides nothing
