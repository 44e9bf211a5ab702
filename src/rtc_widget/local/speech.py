"""The old name of `rtc_widget.server.speech`, for one release."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rtc_widget._deprecated import warn_renamed

warn_renamed("rtc_widget.local.speech", "rtc_widget.server.speech")


def __getattr__(name: str) -> Any:
    return getattr(import_module("rtc_widget.server.speech"), name)
