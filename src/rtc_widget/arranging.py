"""How calls are made and when they end, as attributes of the widget."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rtc_widget.call_settings import CallSettings, Exchange
from rtc_widget.call_widget import CallWidget
from rtc_widget.reconnect import Reconnect


class Arranging(CallWidget):
    """The part of `VoiceChat` with its calls' settings; each can be changed at any time and holds from then on."""

    _call_settings: CallSettings

    @property
    def reconnect(self) -> Reconnect | None:
        """How a lost connection is made anew; None leaves it lost."""
        return self._call_settings.reconnect

    @reconnect.setter
    def reconnect(self, value: Reconnect | None) -> None:
        self._change_settings(reconnect=value)

    @property
    def max_duration(self) -> float:
        """Seconds after which a call is ended; holds for the next call."""
        return self._call_settings.max_duration

    @max_duration.setter
    def max_duration(self, value: float) -> None:
        self._change_settings(max_duration=value)

    @property
    def view_grace(self) -> float:
        """Seconds that a call may go on when no view of it is left on the page."""
        return self._call_settings.view_grace

    @view_grace.setter
    def view_grace(self, value: float) -> None:
        self._change_settings(view_grace=value)

    @property
    def exchange(self) -> Exchange:
        """Who sends the offer to the server: the kernel with its key, or the page with a short-lived secret."""
        return self._call_settings.exchange

    @property
    def stats_interval(self) -> float | None:
        """Seconds between two samples of `stats`; None for none. Holds at once."""
        return self._call_settings.stats_interval

    @stats_interval.setter
    def stats_interval(self, value: float | None) -> None:
        self._change_settings(stats_interval=value or None)

    def _change_settings(self, **changes: Any) -> None:
        self._call_settings = replace(self._call_settings, **changes)
        self._write({"settings": self._call_settings.to_wire()})
