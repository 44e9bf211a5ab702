"""Pages in this process, which replace the notebook's page in the browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, Protocol, runtime_checkable

from rtc_widget.comm.protocol import Message

PAGE_VARIABLE = "RTC_WIDGET_PAGE"

PageName = Literal["browser", "headless"]


@runtime_checkable
class Page(Protocol):
    """A page in this process. It exchanges the messages of `rtc_widget.comm.protocol`.

    Attributes
    ----------
    name : str
        A short description.
    makes_calls : bool
        Whether it calls the widget's server, which is then prepared early.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def makes_calls(self) -> bool: ...  # noqa: D102

    def take_settings(self, settings: Mapping[str, Any]) -> None:
        """Use the widget's ``settings``; called before `open` and after each change."""

    def open(self, send: Callable[[Message], None]) -> None:
        """Say hello to the widget. `send` takes messages on any thread."""

    def hear(self, message: Message) -> None:
        """Receive a message of the widget; called on any thread, must return at once."""

    def close(self) -> None:
        """End the call, if there is one, and send nothing more."""


@runtime_checkable
class PlaysServer(Protocol):
    """A page that also plays the server, and so needs the session settings that a server would receive."""

    def take_session(self, session: Callable[[], Mapping[str, Any]]) -> None:
        """Use a function that returns the session's settings with its tools; called before `Page.open`."""


PageMaker = Callable[[], Page]


def chosen_page(page: object, makers: Mapping[str, Callable[[], Page | None]]) -> Page | None:
    """Return the page in this process that is meant; None means the browser's.

    Parameters
    ----------
    page : str, Page or None
        The parameter of the widget; None means the environment variable ``RTC_WIDGET_PAGE``, else the browser.
    makers : mapping
        Makes a page of each name.

    Raises
    ------
    ValueError, TypeError
        If neither the parameter nor the environment variable is the name of a page, or a page.
    """
    parameter = "page"
    if page is None:
        parameter, page = f"The environment variable {PAGE_VARIABLE}", os.environ.get(PAGE_VARIABLE, "").strip()
        page = page or "browser"
    if isinstance(page, str):
        if page not in makers:
            raise ValueError(f"{parameter} must be {' or '.join(map(repr, makers))}, got {page!r}.")
        return makers[page]()
    if isinstance(page, type):
        raise TypeError(f"page must be an instance, not a class; use {page.__name__}()")
    if not isinstance(page, Page):
        names = ", ".join(map(repr, makers))
        raise TypeError(f"page must be {names} or a page such as ScriptedPage(), got {page!r}.")
    return page


_instead: ContextVar[PageMaker | None] = ContextVar("rtc_widget_page", default=None)


@contextmanager
def instead_of_browser(make: PageMaker) -> Iterator[None]:
    """Give each widget that is created inside, without a page of its own, a page that `make` returns."""
    token = _instead.set(make)
    try:
        yield
    finally:
        _instead.reset(token)


def page_instead() -> Page | None:
    """Return a new page inside `instead_of_browser`, else None."""
    make = _instead.get()
    return None if make is None else make()
