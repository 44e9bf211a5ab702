"""The functions that observe a widget's traits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, ClassVar

from rtc_widget.conversation.subscriptions import Failure
from rtc_widget.kernel.registration import is_newer_version

Handler = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ObserverFailure:
    """An exception that an observer of a trait raised.

    Attributes
    ----------
    observer : callable
        The function that was passed to `VoiceChat.observe`.
    change : mapping
        The change that it was called with.
    error : BaseException
        The exception, with its traceback.
    """

    code: ClassVar[str] = "observer_failed"

    observer: Handler
    change: Any
    error: BaseException

    def __str__(self) -> str:
        name = getattr(self.observer, "__name__", repr(self.observer))
        return f"{name} failed on {self.change['name']}: {type(self.error).__name__}: {self.error}"


class Observer:
    """A function that observes traits; its exceptions are reported and stop nothing else.

    Two of them are equal if they call the same function, so that traitlets finds the one to remove.

    Parameters
    ----------
    handler : callable
        The function of one change.
    report : callable
        Takes the exceptions.
    """

    def __init__(self, handler: Handler, report: Callable[[Failure], None]) -> None:
        self.handler = handler
        # Of the cell that registers the function: its output appears there.
        self._context = copy_context()
        self._report = report

    def __call__(self, change: Any) -> None:
        """Call the function."""
        try:
            # A copy: a context cannot be entered again while a function runs in it.
            self._context.copy().run(self.handler, change)
        except Exception as error:  # noqa: BLE001 - user code may raise anything; reported
            self._report(ObserverFailure(self.handler, change, error))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Observer) and self.handler == other.handler

    def __hash__(self) -> int:
        return hash(self.handler)


class Observers:
    """The observers of one widget.

    Parameters
    ----------
    report : callable
        Takes the exceptions of observers.
    """

    def __init__(self, report: Callable[[Failure], None]) -> None:
        self._report = report
        self._observers: list[tuple[object, object, Observer]] = []
        self._changed: Callable[[], None] = lambda: None

    @property
    def exist(self) -> bool:
        """Whether any trait is observed."""
        return bool(self._observers)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever there may be a first observer, or none any more."""
        self._changed = changed

    def add(self, handler: Handler, names: Iterable[object], type: object) -> Observer:
        """Return the observer that calls `handler` when traits of these names change."""
        observer = Observer(handler, self._report)
        self._observers += [(name, type, observer) for name in names]
        self._changed()
        return observer

    def remove(self, handler: Handler, names: Iterable[object], type: object) -> Observer:
        """Return the observer to remove."""
        observer = Observer(handler, self._report)
        gone = [(name, type, observer) for name in names]
        self._observers = [one for one in self._observers if one not in gone]
        self._changed()
        return observer

    def outdated(self, handler: Handler, names: Iterable[object], type: object) -> list[tuple[object, Handler]]:
        """Return by name the functions that `handler` replaces, because their cell was run again."""
        return [
            (name, one.handler)
            for name in names
            for known, kind, one in self._observers
            if (known, kind) == (name, type) and is_newer_version(handler, one.handler)
        ]
