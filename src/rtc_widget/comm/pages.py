"""What shows a widget and makes its calls: the notebook's page in the browser, or a page in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, Protocol, runtime_checkable

from rtc_widget.comm.protocol import Message

PAGE_VARIABLE = "RTC_WIDGET_PAGE"

PageName = Literal["browser", "headless"]


@runtime_checkable
class Page(Protocol):
    """A page in this process, in the browser's stead. It speaks the messages of `rtc_widget.comm.protocol`.

    Attributes
    ----------
    name : str
        What it is, in a word or two.
    makes_calls : bool
        Whether it calls the widget's server, which is then made ready early.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def makes_calls(self) -> bool: ...  # noqa: D102

    def take_settings(self, settings: Mapping[str, Any]) -> None:
        """Take in the widget's ``settings``; before `open`, and whenever they have changed."""

    def open(self, send: Callable[[Message], None]) -> None:
        """Begin: say hello to the widget. `say` takes messages on any thread."""

    def hear(self, message: Message) -> None:
        """Take in a message of the widget; may be called on any thread and must return at once."""

    def close(self) -> None:
        """End the call, if there is one, and say nothing more."""


@runtime_checkable
class PlaysServer(Protocol):
    """A page that plays the server, too, and therefore needs what the app tells a server about the session."""

    def take_session(self, session: Callable[[], Mapping[str, Any]]) -> None:
        """Take the way to the session's settings, with its tools; before `Page.open`."""


PageMaker = Callable[[], Page]

_instead: ContextVar[PageMaker | None] = ContextVar("rtc_widget_page", default=None)


@contextmanager
def instead_of_browser(make: PageMaker) -> Iterator[None]:
    """Give every widget that is made inside, and names no page of its own, one that `make` returns."""
    token = _instead.set(make)
    try:
        yield
    finally:
        _instead.reset(token)


def page_instead() -> Page | None:
    """Return a new page of `instead_of_browser`, inside of one."""
    make = _instead.get()
    return None if make is None else make()
