"""Chooses what makes a widget's calls: the page in the browser, or one in this process."""

from __future__ import annotations

from rtc_widget.comm.pages import Page, PageName, chosen_page, page_instead


def choose_page(page: PageName | Page | None) -> Page | None:
    """Return the page in this process that is meant; None means the browser's.

    Raises
    ------
    ValueError, TypeError
        If neither the argument nor the environment variable ``RTC_WIDGET_PAGE`` is the name of a page, or a page.
    """
    if page is None and (instead := page_instead()) is not None:
        return instead
    return chosen_page(page, {"browser": lambda: None, "headless": _headless})


def _headless() -> Page:
    from rtc_widget.headless import HeadlessPage

    return HeadlessPage()
