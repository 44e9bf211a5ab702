"""Errors of Python functions as tools."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class InvalidTool(RtcWidgetError, TypeError):
    """A function cannot be a tool."""

    code = "invalid_tool"
