"""Lets the calls under test take the time that a starved machine needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from rtc_widget import PeerConnection, VoiceChat
from tests.limits import HANGS


def wait_patiently() -> Callable[[], None]:
    """Raise the default of each `timeout` of the widgets' methods to `HANGS`; return what takes that back."""
    before: list[tuple[Any, Any, Any]] = []
    for method in [*vars(VoiceChat).values(), *vars(PeerConnection).values()]:
        function: Any = inspect.unwrap(method) if callable(method) else None
        if not inspect.isfunction(function):
            continue
        before.append((function, function.__defaults__, function.__kwdefaults__))
        positional = inspect.getfullargspec(function).args
        defaults = dict(zip(reversed(positional), reversed(function.__defaults__ or ()), strict=False))
        if "timeout" in defaults:
            function.__defaults__ = tuple(reversed((defaults | {"timeout": HANGS}).values()))
        if "timeout" in (function.__kwdefaults__ or {}):
            function.__kwdefaults__ = function.__kwdefaults__ | {"timeout": HANGS}

    def take_back() -> None:
        for function, defaults, keywords in before:
            function.__defaults__, function.__kwdefaults__ = defaults, keywords

    return take_back
