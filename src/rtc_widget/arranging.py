"""How calls are made and when they end, as attributes of the widget."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

from rtc_widget._deprecated import RenamedAttribute
from rtc_widget.call_widget import CallWidget
from rtc_widget.calls.settings import CallSettings, Exchange, Reconnect
from rtc_widget.protocols.realtime.session_settings import KNOWN, SHORTHANDS

_CAN_BE_SET = ("microphone", "exchange", "reconnect", "max_duration", "view_timeout", "stats_interval")


class Arranging(CallWidget):
    """The part of `VoiceChat` with its calls' settings; each can be changed at any time."""

    _call_settings: CallSettings
    view_grace = RenamedAttribute("view_timeout")

    def __setattr__(self, name: str, value: Any) -> None:
        # Python would keep a setting that nobody reads, and say nothing.
        if not name.startswith("_") and not hasattr(type(self), name):
            if name in KNOWN or name in SHORTHANDS:
                raise AttributeError(f"{name!r} is a setting of the session: await chat.update_session({name}=…)")
            if near := difflib.get_close_matches(name, _CAN_BE_SET, n=1, cutoff=0.8):
                raise AttributeError(f"A VoiceChat has no {name!r}. Did you mean {near[0]!r}?")
        super().__setattr__(name, value)

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
    def view_timeout(self) -> float:
        """Seconds that a call may go on when no view of it is left on the page."""
        return self._call_settings.view_timeout

    @view_timeout.setter
    def view_timeout(self, value: float) -> None:
        self._change_settings(view_timeout=value)

    @property
    def exchange(self) -> Exchange:
        """Who sends the offer to the server: the kernel with its key, or the page with a short-lived secret.

        Holds for the next call.
        """
        return self._call_settings.exchange

    @exchange.setter
    def exchange(self, value: Exchange) -> None:
        self._change_settings(exchange=value)

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
