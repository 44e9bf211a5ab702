"""The notebook page did not do its part."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class PageError(RtcWidgetError):
    """The notebook page did not do its part."""

    code = "page"


class PageNotFound(PageError):
    """No page has answered."""

    code = "page_not_found"


class AwaitUnsupported(PageError):
    """The kernel cannot hear the page while a cell runs."""

    code = "await_unsupported"


class WidgetClosed(PageNotFound):
    """The widget was closed, and its call with it."""

    code = "widget_closed"


class PageTimeout(PageError):
    """The page did not answer in time."""

    code = "page_timeout"


class ProtocolMismatch(PageError):
    """The page and the kernel run different versions of rtc_widget."""

    code = "protocol_mismatch"


class HeadlessNotInstalled(PageError):
    """A page without a browser needs the extra ``local``."""

    code = "headless_not_installed"
