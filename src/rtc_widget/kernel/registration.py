"""Functions that a cell registers: a second run of the cell replaces them."""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

_LAMBDA = "<lambda>"


def is_newer_version(new: Callable[..., Any], old: Callable[..., Any]) -> bool:
    """Whether `new` is `old` as a second run of its cell has defined it: a function of the same module and name.

    Lambdas have no name. Closures that one function has returned for different values are different functions.
    """
    if new is old or type(new) is not FunctionType or type(old) is not FunctionType:
        return False
    if new.__name__ == _LAMBDA or (new.__module__, new.__qualname__) != (old.__module__, old.__qualname__):
        return False
    # A second run compiles the cell again, so that the code is another object.
    return new.__code__ is not old.__code__ or _all_same(_captured(new), _captured(old))


def _captured(function: FunctionType) -> list[object]:
    """Return the values that a function has taken from where it was defined."""
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return [*map(_content, function.__closure__ or ()), *defaults]


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _all_same(some: list[object], others: list[object]) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))
