"""Chooses what has a peer connection: the page in the browser, or one in this process."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, cast

from rtc_widget.comm.pages import Page, chosen_page

PeerPageName = Literal["browser", "headless", "aiortc"]


def choose_peer_page(page: PeerPageName | Page | None) -> Page | None:
    """Return the page in this process that is meant; None means the browser's.

    Raises
    ------
    ValueError, TypeError
        If neither the argument nor the environment variable ``RTC_WIDGET_PAGE`` is the name of a page, or a page.
    HeadlessNotInstalled
        If an extra is missing.
    """
    return chosen_page(
        page, {"browser": lambda: None, "headless": lambda: _headless("auto"), "aiortc": lambda: _headless("aiortc")}
    )


def _headless(engine: str) -> Page:
    # By name, when it is used: it loads no WebRTC before.
    return cast("Page", import_module("rtc_widget.headless.peer_page").HeadlessPeerPage(engine=engine))
