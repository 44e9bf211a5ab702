"""Errors about Python functions as tools."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class InvalidTool(RtcWidgetError, TypeError):
    """A function that cannot be given to the model as a tool."""

    code = "invalid_tool"
