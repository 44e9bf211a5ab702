"""The pages that display one widget: which exist, which has the call, which gets requests."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from rtc_widget.comm.known_page import EventReceiver, PageClock


@dataclass(slots=True, eq=False)
class KnownPage:
    """One page: a browser tab, or the same tab after a reload."""

    name: str
    receiver: EventReceiver
    clock: PageClock = field(default_factory=PageClock)
    state: Any = None
    """The last state that it sent."""
    seq: int = 0
    """The number of that state."""
    held: bool = False
    """Whether it held something in that state."""
    gone: bool = False
    """Whether it has said goodbye, or does not respond any more."""
    heard_at: float = field(default_factory=time.monotonic)
    replied_at: float = float("-inf")
    """When its last reply came, on the monotonic clock."""
    pong_at: float = 0.0
    """When its last pong came; other messages may have been sent long before they arrive."""
    preparation: str = ""
    """The version of what it was told that an offer needs."""

    @property
    def holds(self) -> bool:
        """Whether it holds what only one page may have, such as a call that it is making or has."""
        return self.held and not self.gone


class PageRegistry:
    """All pages of a widget. At most one is active: it has the call, and the traits show its state.

    Another page that makes a call waits until the active page has released its own, so that the traits show no end
    between the two. Not thread-safe; the bridge has the lock.
    """

    def __init__(self) -> None:
        self._pages: dict[str, KnownPage] = {}
        self._active_page: KnownPage | None = None
        self._newest: KnownPage | None = None

    @property
    def active_page(self) -> KnownPage | None:
        """The page that holds something."""
        return self._active_page

    @property
    def current(self) -> KnownPage | None:
        """The page that gets requests: the active one, else the one that called or appeared last."""
        return self._active_page or next(iter(self.living), None)

    @property
    def living(self) -> list[KnownPage]:
        """The pages that have not left, in the order in which they get requests."""
        # A copy, made in one step: pages appear on any thread.
        pages = [page for page in reversed(list(self._pages.values())) if not page.gone]
        return sorted(pages, key=lambda page: page is not self._newest)

    @property
    def followers(self) -> list[KnownPage]:
        """The pages that are not active."""
        return [page for page in self.living if page is not self._active_page]

    def touch(self, name: str) -> KnownPage:
        """Return the page of that name and record that it has just sent a message."""
        page = self._pages.get(name) or self._pages.setdefault(name, KnownPage(name, EventReceiver(name)))
        page.heard_at = time.monotonic()
        return page

    def greet(self, page: KnownPage) -> None:
        """Record a page that says hello, for the first time or again."""
        page.gone = False
        self._newest = page

    def take_state(self, page: KnownPage, seq: int, state: Any, *, holds: bool) -> Any:
        """Record a state; return the state that the traits show now, if that has changed."""
        if seq <= page.seq:
            return None
        is_shown = page is self.current or self.current is None
        page.state, page.seq, page.held, page.gone = state, seq, holds, False
        if self._active_page is page:
            return state if page.holds else self._release() or state
        if self._active_page is not None:
            return None
        if page.holds:
            self._active_page = self._newest = page
            return state
        return state if is_shown else None

    def remove(self, page: KnownPage) -> Any:
        """Remove a page; return the state of the page that waits for the call, if there is one."""
        page.gone = True
        return self._release() if self._active_page is page else None

    def _release(self) -> Any:
        self._active_page = next((page for page in self.living if page.holds), None)
        if self._active_page is None:
            return None
        self._newest = self._active_page
        return self._active_page.state
