"""Old names that keep working for one release. Internal."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def warn_renamed(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Warn that `old` is now called `new`."""
    warnings.warn(f"{old} is deprecated; use {new}.", DeprecationWarning, stacklevel=stacklevel)


def renamed_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` that resolves old names (PEP 562).

    Parameters
    ----------
    module : str
        The module that has the new names.
    names : mapping
        Old name → new name.
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn_renamed(f"{module}.{name}", f"{module}.{names[name]}")
        return getattr(import_module(module), names[name])

    return get


def current_names(names: Any, renamed: Mapping[str, str]) -> Any:
    """Replace old names of traits, one or several, and warn of each in the caller's caller."""
    is_several = isinstance(names, (list, tuple))
    current = []
    for name in names if is_several else [names]:
        if name in renamed:
            warn_renamed(f"The trait {name!r}", repr(renamed[name]), stacklevel=4)
        current.append(renamed.get(name, name))
    return current if is_several else current[0]


def renamed_argument(old: str, old_value: Any, new: str, value: Any) -> Any:
    """Return the value of a renamed argument; an old one that is not None wins, with a warning."""
    if old_value is None:
        return value
    warn_renamed(f"The argument {old!r}", repr(new), stacklevel=4)
    return old_value


class RenamedAttribute:
    """The old name of an attribute: it reads and writes the new one, and warns."""

    def __init__(self, new: str) -> None:
        self._new = new

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            return self
        warn_renamed(f"{owner.__name__}.{self._name}", f"{owner.__name__}.{self._new}")
        return getattr(instance, self._new)

    def __set__(self, instance: object, value: Any) -> None:
        owner = type(instance).__name__
        # The caller is behind `VoiceChat.__setattr__`.
        warn_renamed(f"{owner}.{self._name}", f"{owner}.{self._new}", stacklevel=4)
        setattr(instance, self._new, value)
