"""Functions whose module was reloaded (IPython's ``%autoreload``)."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

Version = tuple[object, ...]


def reloaded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as its module defines it now.

    ``%autoreload`` gives the code of the new function to the old one. Before IPython 9 it does not give it the new type
    hints and the defaults of keyword-only parameters; only the new function has them.
    """
    if isinstance(function, MethodType):
        new = reloaded(function.__func__)
        return function if new is function.__func__ else MethodType(new, function.__self__)
    if not isinstance(function, FunctionType):
        return function
    found: object = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, FunctionType) and found.__code__ is function.__code__ else function


def version(function: Callable[..., Any]) -> Version:
    """Return what defines the signature of a function; each part is replaced when the module is reloaded."""
    inner: Any = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    inner = inspect.unwrap(inner)
    if isinstance(inner, MethodType):
        inner = inner.__func__
    elif not isinstance(inner, FunctionType) and not inspect.isclass(inner):
        inner = type(inner).__call__
    names = ("__code__", "__defaults__", "__kwdefaults__", "__annotations__", "__doc__")
    return (inner, *(getattr(inner, name, None) for name in names))


def is_same(one: Version, other: Version) -> bool:
    """Return whether two versions are of the same definition; parts are compared by identity, which is quick."""
    return all(first is second for first, second in zip(one, other, strict=True))
