"""Closes widgets that a notebook no longer references: after ``del chat``, or after a second run of ``chat = …``.

ipywidgets keeps every widget alive until it is closed. IPython keeps the results of cells (``Out``, ``_``) and the
frames of the last error. So Python alone never collects a widget. After each cell, references to the widget are
followed back to a name in the notebook or in a module. An object that only the widget refers to, such as one whose
method is a callback, does not count. A widget that never had a name, such as ``VoiceChat()`` on a line of its own,
stays open. So does a widget with references that cannot be followed, such as those of an object array, a DataFrame or
the frame of a running thread.
"""

from __future__ import annotations

import builtins
import gc
import re
import sys
import weakref
from collections import deque
from collections.abc import Mapping
from types import FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any

from ipywidgets import Widget

# The names under which IPython keeps the results of cells.
_SHOWN = re.compile(r"_{1,3}|_i?\d+|_oh|Out")

# Packages whose objects refer to every widget, or to parts of each cell.
_MACHINERY = frozenset({"IPython", "anywidget", "comm", "ipykernel", "ipywidgets", "rtc_widget", "traitlets"})

_NO_HOLDERS = frozenset({int, float, str, bytes, bool, type(None), ModuleType})
_SIZED = frozenset({list, tuple, dict, set, frozenset, deque})

# Each step visits every object of the process. Beyond these limits the widget counts as referenced.
_MAX_REFERRERS = 1_000
_MAX_STEPS = 25


def close_when_unreferenced(widget: Widget, method: str = "close") -> None:
    """Close `widget` by a method after the cell that drops its last reference; does nothing outside of IPython."""
    shell = _shell()
    if shell is not None:
        shell.events.register("post_run_cell", _ReferenceCheck(widget, shell, method))


class _ReferenceCheck:
    def __init__(self, widget: Widget, shell: Any, method: str) -> None:
        self._method = method
        self._widget = weakref.ref(widget)
        self._shell = shell
        self._name: str | None = None
        # What each name was bound to after the last cell: its id, and how much it holds.
        self._bound: dict[str, tuple[int, int]] = {}

    def __call__(self, _result: object = None) -> None:
        widget = self._widget()
        if widget is None or widget.comm is None:
            self._shell.events.unregister("post_run_cell", self)
            return
        before, self._bound = self._bound, _bindings(self._shell.user_ns)
        had_name = self._name is not None
        if had_name and self._is_name(self._name, widget, deep=True):
            return
        is_lost = any(_is_less(self._bound.get(name), bound) for name, bound in before.items())
        if had_name and not is_lost:
            return  # what held the widget before holds it still
        names = [name for name, bound in self._bound.items() if is_lost or before.get(name) != bound]
        # A loop: a generator expression would refer to the widget from a closure of its own.
        for name in names:
            if self._is_name(name, widget):
                self._name = name
                return
        # The walk visits every object of the process, so it starts only when a name was lost.
        if not had_name:
            return
        if not self._leads_to_a_name(widget):
            getattr(widget, self._method)()
            return
        # A name that leads to the widget, such as that of a DataFrame, saves the next walk.
        for name in self._bound:
            if self._is_name(name, widget, deep=True):
                self._name = name
                return

    def _is_name(self, name: str | None, widget: Widget, *, deep: bool = False) -> bool:
        """Whether a name that a person chose refers to the widget, to an object that contains it, or leads to it."""
        if name is None or _SHOWN.fullmatch(name) or name not in self._shell.user_ns:
            return False
        value = self._shell.user_ns[name]
        return value is widget or _contains(value, widget) or (deep and _leads_to(value, widget))

    def _leads_to_a_name(self, widget: Widget) -> bool:
        space: dict[str, object] = self._shell.user_ns
        passing = {id(self._shell.user_ns_hidden), id(space.get("_oh")), id(self._shell.displayhook.__dict__)}
        passing.add(id(vars(builtins)))  # IPython keeps `_` there as well
        spaces: set[int] = set()
        for name, module in list(sys.modules.items()):
            (passing if _package(name) in _MACHINERY else spaces).add(id(getattr(module, "__dict__", None)))
        spaces -= passing
        unheld = _Unheld()
        seen: list[object] = [widget, unheld]  # keeps the objects alive, so that their ids are not reused
        known = {id(widget), id(unheld)}
        step = list(seen)
        for _ in range(_MAX_STEPS):
            ours = {id(seen), id(step)}
            before: list[object] = []
            referrers = gc.get_referrers(*step)
            hidden = _hidden_references(step, referrers)
            # What this method itself adds is measured: it has one variable for `unheld` and, with its caller, two for
            # the widget. A frame that runs and an object array hold objects without being known to `gc`.
            own = hidden.pop(id(unheld)) - 1
            hidden[id(widget)] = hidden.get(id(widget), 2) - 2
            if max(hidden.values()) > own:
                return True
            for referrer in referrers:
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
            del referrers
            if not before:
                return False
            if len(known) > _MAX_REFERRERS:
                return True
            seen += before
            step = [*before, unheld]
        return True


class _Unheld:
    """An object without references but those of the walk."""


def _hidden_references(objects: list[object], referrers: list[object]) -> dict[int, int]:
    """Return by id how many references to each object come from none of `referrers`."""
    visible = dict.fromkeys(map(id, objects), 0)
    for referrer in referrers:
        if id(referrer) in visible:
            visible[id(referrer)] += 1  # the reference of the list itself
        for one in gc.get_referents(referrer):
            if id(one) in visible:
                visible[id(one)] += 1
    one = referrer = None  # the variables of the loops would count as well
    return {id(one): sys.getrefcount(one) - visible[id(one)] for one in objects}


def _is_less(now: tuple[int, int] | None, before: tuple[int, int]) -> bool:
    """Whether a name is gone, is bound to another object, or to fewer objects. Lists of inputs grow with each cell."""
    return now is None or now[0] != before[0] or now[1] < before[1]


def _bindings(space: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    """Return what each name is bound to, as an id and a size; constants and modules are left out."""
    bound: dict[str, tuple[int, int]] = {}
    for name, value in list(space.items()):
        kind = type(value)
        if kind not in _NO_HOLDERS and not _SHOWN.fullmatch(name):
            bound[name] = (id(value), len(value) if kind in _SIZED else 0)  # type: ignore[arg-type]
    return bound


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


def _leads_to(value: object, widget: Widget) -> bool:
    """Whether references lead from an object of the notebook to the widget, as far as a few of them tell."""
    waiting = deque([value])
    known = {id(value)}
    while waiting and len(known) <= _MAX_REFERRERS:
        for held in _entries(waiting.popleft()):
            if held is widget:
                return True
            if id(held) not in known and not _is_dead_end(held):
                known.add(id(held))
                waiting.append(held)
    return False


def _entries(value: object) -> list[object]:
    """Return what an object refers to; nothing if that is a lot."""
    kind = type(value)
    if kind in _SIZED and len(value) > _MAX_REFERRERS:  # type: ignore[arg-type]
        return []
    numpy = sys.modules.get("numpy")
    if numpy is None or kind is not numpy.ndarray:
        return gc.get_referents(value)
    # `gc` knows nothing of what an array holds.
    array: Any = value
    return list(array.flat) if array.dtype == object and array.size <= _MAX_REFERRERS else [array.base]


def _is_dead_end(value: object) -> bool:
    """Whether the way from an object leads to constants alone, to a whole module, or to the machinery."""
    kind = type(value)
    if kind in _NO_HOLDERS or issubclass(kind, type | FunctionType):
        return True
    return _is_passing(value) or (kind is dict and "__builtins__" in value)  # type: ignore[operator]


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
