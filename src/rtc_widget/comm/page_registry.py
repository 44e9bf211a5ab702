"""The pages that show one widget: which there are, which has the call, which one is asked."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rtc_widget.comm.known_page import EventReceiver, PageClock
from rtc_widget.comm.messages import State

_CALLING = ("connecting", "connected", "reconnecting")


@dataclass(slots=True, eq=False)
class KnownPage:
    """One page: a browser tab, or the same tab after a reload."""

    name: str
    receiver: EventReceiver
    clock: PageClock = field(default_factory=PageClock)
    last_state: State | None = None
    """The last state it has told."""
    gone: bool = False
    """It has said goodbye, or does not answer any more."""
    heard_at: float = field(default_factory=time.monotonic)
    pong_at: float = 0.0
    """When it last said that it is there, as it was asked to; what else is heard may have been said long before."""

    @property
    def seq(self) -> int:
        """The number of the last state it has told."""
        return 0 if self.last_state is None else self.last_state.seq

    @property
    def is_calling(self) -> bool:
        """Whether it makes a call or has one."""
        return self.last_state is not None and not self.gone and self.last_state.state.status in _CALLING


class PageRegistry:
    """All pages of a widget. At most one holds the call; it is the one whose state counts.

    Another page that makes a call in the meantime waits: its state counts as soon as the holder has let go, so that
    nobody sees an end between the two. Not safe on several threads; the bridge has the lock.
    """

    def __init__(self) -> None:
        self._pages: dict[str, KnownPage] = {}
        self._active_page: KnownPage | None = None
        self._newest: KnownPage | None = None

    @property
    def active_page(self) -> KnownPage | None:
        """The page with the call."""
        return self._active_page

    @property
    def current(self) -> KnownPage | None:
        """The page that is asked to do something: the holder, else the one that called or came last."""
        return self._active_page or next(iter(self.living), None)

    @property
    def living(self) -> list[KnownPage]:
        """The pages that have not said goodbye, in the order in which they would be asked."""
        # Of a list of them, made in one step: pages come on any thread.
        pages = [page for page in reversed(list(self._pages.values())) if not page.gone]
        return sorted(pages, key=lambda page: page is not self._newest)

    @property
    def followers(self) -> list[KnownPage]:
        """The pages beside the holder."""
        return [page for page in self.living if page is not self._active_page]

    def touch(self, name: str) -> KnownPage:
        """Return the page of that name, which has just given a sign of life."""
        page = self._pages.get(name) or self._pages.setdefault(name, KnownPage(name, EventReceiver(name)))
        page.heard_at = time.monotonic()
        return page

    def greet(self, page: KnownPage) -> None:
        """Take in a page that says hello, for the first time or once more."""
        page.gone = False
        self._newest = page

    def take_state(self, page: KnownPage, state: State) -> State | None:
        """Take in a state; return the one that counts now, if that has changed."""
        if state.seq <= page.seq:
            return None
        counted = page is self.current or self.current is None
        page.last_state, page.gone = state, False
        if self._active_page is page:
            return state if page.is_calling else self._release() or state
        if self._active_page is not None:
            return None
        if page.is_calling:
            self._active_page = self._newest = page
            return state
        return state if counted else None

    def remove(self, page: KnownPage) -> State | None:
        """Take a page away; return the state that counts in its stead, if another one waits for the call."""
        page.gone = True
        return self._release() if self._active_page is page else None

    def _release(self) -> State | None:
        self._active_page = next((page for page in self.living if page.is_calling), None)
        if self._active_page is None:
            return None
        self._newest = self._active_page
        return self._active_page.last_state
