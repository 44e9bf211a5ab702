"""Deprecated: `rtc_widget.testing.scripted_server` has these names now."""

from __future__ import annotations

from typing import Any

from rtc_widget._deprecated import warn_renamed
from rtc_widget.testing import scripted_server

_RENAMED = {"ScriptedAnswer": "ScriptedResponse", "ScriptedSound": "ScriptedAudio"}


def __getattr__(name: str) -> Any:
    new = _RENAMED.get(name, name)
    if name.startswith("__") or new not in vars(scripted_server):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn_renamed(f"{__name__}.{name}", f"{scripted_server.__name__}.{new}")
    return getattr(scripted_server, new)
