"""The notebook page did not do its part."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class PageError(RtcWidgetError):
    """The notebook page did not do its part."""

    code = "page"


class PageNotFound(PageError):
    """No page has answered."""

    code = "page_not_found"
    default_hint = "Open the notebook in JupyterLab (or another host of Jupyter widgets) and display the widget."


class AwaitUnsupported(PageError):
    """The kernel cannot hear the page while a cell runs."""

    code = "await_unsupported"
    default_hint = (
        "Split the cell in two: click Connect (or schedule the call with asyncio.ensure_future) in one cell and use "
        "the result in the next. With ipykernel 7.4 or newer it works in one cell."
    )


class WidgetClosed(PageNotFound):
    """The widget was closed, and its call with it."""

    code = "widget_closed"
    default_hint = "Make a new `VoiceChat()`."


class PageTimeout(PageError):
    """The page did not answer in time."""

    code = "page_timeout"
    default_hint = "Look at the widget: it may be waiting for your permission to use the microphone."


class ProtocolMismatch(PageError):
    """The page and the kernel run different versions of rtc_widget."""

    code = "protocol_mismatch"
    default_hint = "Reload the page and restart the kernel."


class HeadlessNotInstalled(PageError):
    """A page without a browser needs the extra ``local``."""

    code = "headless_not_installed"
    default_hint = "Run: pip install 'rtc-widget[local]', or leave the page to the browser."
