"""Closes widgets that a notebook has let go of: by ``del chat``, or by running the cell that makes ``chat`` again.

ipywidgets keeps every widget alive until it is closed, and IPython keeps what a cell has shown (``Out``, ``_``) and the
frames of the last error, so Python alone never finds out. After each cell it is therefore asked who still holds the
widget, and who holds those, back to a name of the notebook or of a module. What only the widget itself leads to, such
as an object whose method it calls back, holds nothing. A widget that never had a holder, such as ``VoiceChat()`` on a
line of its own, is held by its view alone and stays.
"""

from __future__ import annotations

import builtins
import gc
import re
import sys
import weakref
from collections.abc import Mapping
from types import FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from ipywidgets import Widget

if TYPE_CHECKING:
    from rtc_widget.voice_chat import VoiceChat

# The names under which IPython keeps what cells have shown.
_SHOWN = re.compile(r"_{1,3}|_i?\d+|_oh|Out")

# What holds every widget, or something of each cell, and is not meant to keep it.
_MACHINERY = frozenset({"IPython", "anywidget", "comm", "ipykernel", "ipywidgets", "rtc_widget", "traitlets"})

# Each step back looks at all objects there are. Who is held by so many, or from so far, is taken to be held.
_MOST_HOLDERS = 1_000
_MOST_STEPS = 25


def close_when_unreferenced(chat: VoiceChat) -> None:
    """Close `chat` after the cell that lets go of it; outside of IPython nothing is done."""
    shell = _shell()
    if shell is not None:
        shell.events.register("post_run_cell", _Watch(chat, shell))


class _Watch:
    def __init__(self, chat: VoiceChat, shell: Any) -> None:
        self._chat = weakref.ref(chat)
        self._shell = shell
        self._was_held = False

    def __call__(self, _result: object = None) -> None:
        chat = self._chat()
        if chat is None or chat.comm is None:
            self._shell.events.unregister("post_run_cell", self)
        elif self._is_held(chat):
            self._was_held = True
        elif self._was_held:
            chat.close()

    def _is_held(self, chat: VoiceChat) -> bool:
        # The usual cases, and cheap: it has a name, or is in something that has one. A loop, since a generator
        # expression would hold the widget in a cell of its own.
        for name, value in list(self._shell.user_ns.items()):
            if not _SHOWN.fullmatch(name) and (value is chat or _contains(value, chat)):
                return True
        value = None
        return self._leads_to_a_name(chat)

    def _leads_to_a_name(self, chat: VoiceChat) -> bool:
        space: dict[str, object] = self._shell.user_ns
        passing = {id(self._shell.user_ns_hidden), id(space.get("_oh")), id(self._shell.displayhook.__dict__)}
        passing.add(id(vars(builtins)))  # IPython keeps `_` there, too
        spaces: set[int] = set()
        for name, module in list(sys.modules.items()):
            (passing if _package(name) in _MACHINERY else spaces).add(id(getattr(module, "__dict__", None)))
        spaces -= passing
        seen: list[object] = [chat]  # kept, so that no other object gets the id of one that was seen
        known = {id(chat)}
        step = list(seen)
        for _ in range(_MOST_STEPS):
            ours = {id(seen), id(step)}
            before: list[object] = []
            for active_page in gc.get_referrers(*step):
                if active_page is space:
                    if _names(space, step):
                        return True
                    continue
                if id(active_page) in known or id(active_page) in passing or id(active_page) in ours:
                    continue
                if id(active_page) in spaces or _shows(active_page, chat):
                    return True
                if _is_passing(active_page):
                    continue
                known.add(id(active_page))
                before.append(active_page)
            active_page = None
            if not before:
                return False
            if len(known) > _MOST_HOLDERS:
                return True
            seen += before
            step = before
        return True


def _contains(value: object, chat: VoiceChat) -> bool:
    # By its type and without its own attribute access: what stands in a notebook may run anything there, or raise.
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
    if not isinstance(entries, list | tuple) or len(entries) > _MOST_HOLDERS:
        return False
    return any(entry is chat for entry in entries)


def _names(space: Mapping[str, object], held: list[object]) -> bool:
    """Whether one of these has a name that a person has given."""
    ids = set(map(id, held))
    return any(id(value) in ids and not _SHOWN.fullmatch(name) for name, value in list(space.items()))


def _shows(active_page: object, chat: VoiceChat) -> bool:
    """Whether this is another widget, such as a box, that is there until it is closed."""
    return (
        issubclass(type(active_page), Widget)
        and active_page is not chat
        and getattr(active_page, "comm", None) is not None
    )


def _is_passing(active_page: object) -> bool:
    """Whether this is a part of the machinery, or of a cell that has ended."""
    kind = type(active_page)  # not `isinstance`, which asks an object what it would like to be
    if issubclass(kind, FrameType | TracebackType | BaseException):
        return True
    if issubclass(kind, MethodType):
        function: Any = active_page.__func__  # type: ignore[attr-defined]
        package = _package(getattr(function, "__module__", None))
        # A person may have handed on `chat.mute`; the package itself hands on what begins with an underscore.
        is_public = package == "rtc_widget" and not function.__name__.startswith("_")
        return package in _MACHINERY and not is_public
    if issubclass(kind, FunctionType):
        return _package(active_page.__module__) in _MACHINERY
    return _package(kind.__module__) in _MACHINERY


def _package(module: str | None) -> str:
    return (module or "").partition(".")[0]


def _shell() -> Any:
    # Not imported: where there is no IPython, nothing is to be let go of.
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
