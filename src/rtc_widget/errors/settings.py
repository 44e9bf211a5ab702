"""Errors of the settings of a widget."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class InvalidSetting(RtcWidgetError, ValueError):
    """A parameter of a widget has a wrong value."""

    code = "invalid_setting"
