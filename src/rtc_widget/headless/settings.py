"""The widget's settings as the page reads them; the twin of ``js/src/settings.ts``."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtc_widget.comm.settings import Reconnect


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of calls.

    Attributes
    ----------
    protocol : str
        The wire protocol of the data channel's events.
    microphone : bool
        Whether calls have a microphone.
    clip : str or None
        The id of the clip that replaces the microphone; without one the microphone is silent.
    direct_exchange : bool
        Whether the page sends the offer to the server itself.
    reconnect : Reconnect or None
        How a lost connection is restored; None leaves it lost.
    max_duration : float
        Seconds after which a call is ended.
    record : bool
        Whether the audio of both sides goes to the kernel.
    stats_interval : float or None
        Seconds between two samples of the statistics; None turns them off.
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
    """Return the settings of the widget's trait ``settings``."""
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
    """Return the seconds to wait: exponential back-off, up to half of it random."""
    whole = min(reconnect.backoff * 2.0 ** (attempt - 1), reconnect.max_backoff)
    return whole / 2 + random.random() * whole / 2  # noqa: S311 - spreads calls, hides nothing
