"""Closes widgets that a notebook no longer references: after ``del chat``, or after a second run of ``chat = …``.

ipywidgets keeps every widget alive until it is closed. IPython keeps the results of cells (``Out``, ``_``) and the
frames of the last error. So Python alone never collects a widget. After each cell, references to the widget are
followed back to a name in the notebook or in a module. An object that only the widget refers to, such as one whose
method is a callback, does not count. A widget that never had a name, such as ``VoiceChat()`` on a line of its own,
stays open.
"""

from __future__ import annotations

import builtins
import gc
import re
import sys
import weakref
from collections.abc import Mapping
from types import FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any

from ipywidgets import Widget

# The names under which IPython keeps the results of cells.
_SHOWN = re.compile(r"_{1,3}|_i?\d+|_oh|Out")

# Packages whose objects refer to every widget, or to parts of each cell.
_MACHINERY = frozenset({"IPython", "anywidget", "comm", "ipykernel", "ipywidgets", "rtc_widget", "traitlets"})

# Each step visits every object of the process. Beyond these limits the widget counts as referenced.
_MAX_REFERRERS = 1_000
_MAX_STEPS = 25


def close_when_unreferenced(widget: Widget) -> None:
    """Close `widget` after the cell that drops its last reference; does nothing outside of IPython."""
    shell = _shell()
    if shell is not None:
        shell.events.register("post_run_cell", _ReferenceCheck(widget, shell))


class _ReferenceCheck:
    def __init__(self, widget: Widget, shell: Any) -> None:
        self._widget = weakref.ref(widget)
        self._shell = shell
        self._had_name = False

    def __call__(self, _result: object = None) -> None:
        widget = self._widget()
        if widget is None or widget.comm is None:
            self._shell.events.unregister("post_run_cell", self)
        elif self._has_name(widget):
            self._had_name = True
        # The walk takes 0.2 s, so it starts only after the name is gone.
        elif self._had_name and not self._leads_to_a_name(widget):
            widget.close()

    def _has_name(self, widget: Widget) -> bool:
        # A loop: a generator expression would refer to the widget from a closure of its own.
        for name, value in list(self._shell.user_ns.items()):
            if not _SHOWN.fullmatch(name) and (value is widget or _contains(value, widget)):
                return True
        return False

    def _leads_to_a_name(self, widget: Widget) -> bool:
        space: dict[str, object] = self._shell.user_ns
        passing = {id(self._shell.user_ns_hidden), id(space.get("_oh")), id(self._shell.displayhook.__dict__)}
        passing.add(id(vars(builtins)))  # IPython keeps `_` there as well
        spaces: set[int] = set()
        for name, module in list(sys.modules.items()):
            (passing if _package(name) in _MACHINERY else spaces).add(id(getattr(module, "__dict__", None)))
        spaces -= passing
        seen: list[object] = [widget]  # keeps the objects alive, so that their ids are not reused
        known = {id(widget)}
        step = list(seen)
        for _ in range(_MAX_STEPS):
            ours = {id(seen), id(step)}
            before: list[object] = []
            for referrer in gc.get_referrers(*step):
                if referrer is space:
                    if _names(space, step):
                        return True
                    continue
                if id(referrer) in known or id(referrer) in passing or id(referrer) in ours:
                    continue
                if id(referrer) in spaces or _shows(referrer, widget):
                    return True
                if _is_passing(referrer):
                    continue
                known.add(id(referrer))
                before.append(referrer)
            referrer = None
            if not before:
                return False
            if len(known) > _MAX_REFERRERS:
                return True
            seen += before
            step = before
        return True


def _contains(value: object, widget: Widget) -> bool:
    # By its type, without its own attribute access: an object of a notebook may run any code there, or raise.
    kind = type(value)
    if issubclass(kind, ModuleType):
        return False
    entries: object = value
    if not issubclass(kind, list | tuple):
        try:
            entries = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return False
    if type(entries) is dict:
        entries = list(entries.values())
    if not isinstance(entries, list | tuple) or len(entries) > _MAX_REFERRERS:
        return False
    return any(entry is widget for entry in entries)


def _names(space: Mapping[str, object], held: list[object]) -> bool:
    """Whether one of these objects has a name that a person chose."""
    ids = set(map(id, held))
    return any(id(value) in ids and not _SHOWN.fullmatch(name) for name, value in list(space.items()))


def _shows(referrer: object, widget: Widget) -> bool:
    """Whether this is another open widget, such as a box."""
    return issubclass(type(referrer), Widget) and referrer is not widget and getattr(referrer, "comm", None) is not None


def _is_passing(referrer: object) -> bool:
    """Whether this belongs to the machinery, or to a cell that has ended."""
    kind = type(referrer)  # not `isinstance`, which an object can answer itself
    if issubclass(kind, FrameType | TracebackType | BaseException):
        return True
    if issubclass(kind, MethodType):
        function: Any = referrer.__func__  # type: ignore[attr-defined]
        package = _package(getattr(function, "__module__", None))
        # A person may pass on `chat.mute`; the package itself passes on methods with an underscore.
        is_public = package == "rtc_widget" and not function.__name__.startswith("_")
        return package in _MACHINERY and not is_public
    if issubclass(kind, FunctionType):
        return _package(referrer.__module__) in _MACHINERY
    return _package(kind.__module__) in _MACHINERY


def _package(module: str | None) -> str:
    return (module or "").partition(".")[0]


def _shell() -> Any:
    # Not imported: without IPython there is nothing to do.
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
