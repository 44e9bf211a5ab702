"""`check`: exercises that say what is still missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from rtc_widget._unicode import well_formed

_MARKS = {True: "Right", False: "Not yet"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What `check` says about a solution.

    Attributes
    ----------
    is_right : bool
        Whether the exercise is solved.
    text : str
        What is missing, or what the solution shows; one plain sentence.
    """

    is_right: bool
    text: str

    def __bool__(self) -> bool:
        return self.is_right

    def __repr__(self) -> str:
        return well_formed(f"{_MARKS[self.is_right]}: {self.text}")

    def _repr_html_(self) -> str:
        color = "46,139,87" if self.is_right else "208,128,0"
        style = f"border-left:3px solid rgb({color});padding:.2em .6em"
        words = f"<b>{_MARKS[self.is_right]}:</b> {escape(self.text)}"
        return well_formed(f'<div role="status" style="{style}">{words}</div>')


def right(text: str) -> CheckResult:
    """Return the result of a solved exercise, with what it shows."""
    return CheckResult(True, text)


def missing(text: str) -> CheckResult:
    """Return the result of an exercise that is not solved yet, with what is missing."""
    return CheckResult(False, text)


Judge = Callable[..., CheckResult]
"""Takes the values of a student and says whether they solve an exercise."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise of a lesson.

    Attributes
    ----------
    name : str
        The name that `check` takes.
    expects : str
        The values that it takes, in words.
    judge : callable
        Says whether the values solve it. Values of another kind than expected may raise any exception in it.
    """

    name: str
    expects: str
    judge: Judge

    def check(self, *values: object) -> CheckResult:
        """Return whether the values solve the exercise; never raises an exception of a wrong value."""
        if not values or any(_has_dots(value) for value in values):
            return missing(f"replace the three dots; this exercise takes {self.expects}.")
        try:
            return self.judge(*values)
        except Exception as error:  # noqa: BLE001 - whatever the student's values, or functions, do
            given = ", ".join(type(value).__name__ for value in values)
            return missing(f"this exercise takes {self.expects}, got {given} ({type(error).__name__}: {error}).")


def _has_dots(value: object) -> bool:
    inside = value.values() if type(value) is dict else value if type(value) in (list, tuple, set) else ()
    return value is ... or any(one is ... for one in inside)  # type: ignore[attr-defined]


def exercise(name: str, *, expects: str) -> Callable[[Judge], Exercise]:
    """Make a function an `Exercise`.

    Parameters
    ----------
    name : str
        The name that `check` takes; no two lessons have the same.
    expects : str
        The values that it takes, in words.

    Examples
    --------
    >>> @exercise("the ports", expects="the port of HTTPS")
    ... def https_port(port):
    ...     return right("and RFC 9110 says so.") if port == 443 else missing("it is the one that browsers use.")
    >>> https_port.check(443)
    Right: and RFC 9110 says so.
    """
    return lambda judge: Exercise(name, expects, judge)


def exercises() -> dict[str, Exercise]:
    """Return the exercises of all lessons, by their names."""
    return {found.name: found for module in lesson_modules() for found in exercises_of(module)}


def exercises_of(module: ModuleType) -> list[Exercise]:
    """Return the exercises of a lesson, in its order."""
    return [value for value in vars(module).values() if isinstance(value, Exercise)]


def lesson_modules() -> Iterator[ModuleType]:
    """Yield the modules ``lesson_…`` of this package, in the order of the lessons."""
    package = import_module("rtc_widget.lessons")
    for info in iter_modules(package.__path__):
        if info.name.startswith("lesson_"):
            yield import_module(f"{package.__name__}.{info.name}")


def check(name: str | Exercise, *values: Any) -> CheckResult:
    """Say what an exercise still misses, or that it is right.

    Parameters
    ----------
    name : str or Exercise
        The exercise, as its lesson calls it.
    *values
        The solution. Three dots mean that it is not written yet.

    Returns
    -------
    CheckResult
        True if the exercise is solved; it shows one sentence.

    Examples
    --------
    >>> check("who starts DTLS", "both")
    Not yet: one side starts DTLS; look for the a=setup line of the answer.
    >>> check("who starts DTLS", "answerer")
    Right: the answer says a=setup:active, so the one who answers sends the first DTLS packet.
    """
    if isinstance(name, Exercise):
        return name.check(*values)
    known = exercises()
    if name not in known:
        near = get_close_matches(str(name), known, n=3, cutoff=0.3) or sorted(known)
        return missing(f"no exercise is named {name!r}; did you mean {' or '.join(map(repr, near))}?")
    return known[name].check(*values)
