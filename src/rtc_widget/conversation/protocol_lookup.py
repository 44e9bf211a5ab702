"""Finds a wire protocol by its name, because this package must not import `rtc_widget.protocols`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any


@cache
def protocol_object(name: str) -> Any:
    """Return ``PROTOCOL`` of the module ``rtc_widget.protocols.<name>.protocol``.

    Raises
    ------
    ValueError
        If there is no such protocol.
    """
    package = f"rtc_widget.protocols.{name}"
    try:
        module = import_module(f"{package}.protocol")
    except ModuleNotFoundError as error:
        if error.name not in (package, f"{package}.protocol"):
            raise
        raise ValueError(f"protocol must be the name of a package in rtc_widget.protocols, got {name!r}.") from None
    return module.PROTOCOL
