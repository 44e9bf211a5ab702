"""Chooses what makes a widget's calls: the page in the browser, or one in this process."""

from __future__ import annotations

import os

from rtc_widget.comm.pages import PAGE_VARIABLE, Page, PageName, page_instead


def choose_page(page: PageName | Page | None) -> Page | None:
    """Return the page in this process that is meant; None means the browser's.

    Raises
    ------
    ValueError, TypeError
        If neither the argument nor the environment variable ``RTC_WIDGET_PAGE`` is the name of a page, or a page.
    """
    if page is None and (instead := page_instead()) is not None:
        return instead
    if page is None:
        name = os.environ.get(PAGE_VARIABLE, "").strip() or "browser"
        return _named(name, f"The environment variable {PAGE_VARIABLE}")
    if isinstance(page, str):
        return _named(page, "page")
    if isinstance(page, type):
        raise TypeError(f"page must be an instance, not a class; use {page.__name__}()")
    if not isinstance(page, Page):
        raise TypeError(f"page must be 'browser', 'headless' or a page such as ScriptedPage(), got {page!r}.")
    return page


def _named(name: str, parameter: str) -> Page | None:
    match name:
        case "browser":
            return None
        case "headless":
            from rtc_widget.headless import HeadlessPage

            return HeadlessPage()
        case _:
            raise ValueError(f"{parameter} must be 'browser' or 'headless', got {name!r}.")
