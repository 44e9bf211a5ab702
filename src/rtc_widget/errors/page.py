"""Errors of the notebook page."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class PageError(RtcWidgetError):
    """The notebook page could not do what the kernel asked."""

    code = "page"


class PageNotFound(PageError):
    """No page answered."""

    code = "page_not_found"


class AwaitUnsupported(PageError):
    """The kernel receives no messages of the page while a cell runs."""

    code = "await_unsupported"


class WidgetClosed(PageNotFound):
    """The widget was closed, which also ended its call."""

    code = "widget_closed"


class PageTimeout(PageError):
    """The page did not reply in time."""

    code = "page_timeout"


class ProtocolMismatch(PageError):
    """The page and the kernel run different versions of rtc_widget."""

    code = "protocol_mismatch"


class HeadlessNotInstalled(PageError):
    """The headless page needs the extra ``local``."""

    code = "headless_not_installed"
