"""Deprecated: `rtc_widget.testing.scripted_server` has these names now."""

from __future__ import annotations

from typing import Any

from rtc_widget._deprecated import warn_renamed
from rtc_widget.testing import scripted_server


def __getattr__(name: str) -> Any:
    if name.startswith("__") or not hasattr(scripted_server, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn_renamed(f"{__name__}.{name}", f"{scripted_server.__name__}.{name}")
    return getattr(scripted_server, name)
