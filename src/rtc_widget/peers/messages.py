"""The messages about a peer connection: passes what its page reports to the record."""

from __future__ import annotations

from dataclasses import dataclass

from rtc_widget.comm import messages
from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.media import ClipOffers
from rtc_widget.comm.messages import FromPage, PeerEvents
from rtc_widget.comm.page_registry import KnownPage
from rtc_widget.kernel.main_loop import MainLoop
from rtc_widget.peers.record import ConnectionRecord


@dataclass(frozen=True, slots=True)
class PeerHolder:
    """Which page has the connection; None once it is closed."""

    page: str | None


class PeerMessages:
    """Processes the messages about one peer connection.

    Parameters
    ----------
    bridge : Bridge
        The way to the pages.
    clips : ClipOffers
        The clips that the page may fetch.
    record : ConnectionRecord
        Takes in the events, on the main loop.
    main : MainLoop
        The loop of the record.
    """

    def __init__(self, bridge: Bridge, clips: ClipOffers, record: ConnectionRecord, main: MainLoop) -> None:
        self._bridge = bridge
        self._clips = clips
        self._record = record
        self._main = main
        # By page: how many of its events the record has taken in.
        self._taken: dict[str, int] = {}
        self._dismissed: set[tuple[str, str]] = set()

    def receive(self, message: FromPage, page: KnownPage) -> None:
        """Process a message about a peer connection."""
        match message:
            case PeerEvents(peer=peer):
                self._bridge.take_events(page, message, lambda events: self._main.call(self._take, page, peer, events))
            case messages.Clip(page=name, id=id, clip=clip, first=first):
                self._bridge.reply(name, id, self._clips.part(clip, first))

    def hold(self, page: KnownPage, *, holds: bool) -> None:
        """Record that a page has the connection, or has it no more."""
        if page.holds != holds:
            state = PeerHolder(page.name if holds else None)
            self._bridge.take_state(page, page.seq + 1, state, holds=holds)

    def page_came(self, page: KnownPage) -> None:
        """Do nothing: the connection is created with the first operation."""

    def state_changed(self, state: PeerHolder) -> None:
        """Show which page has the connection."""
        self._main.call(self._record.show_active_page, state.page)

    def active_page_left(self) -> None:
        """Record that the connection has ended with its page."""
        self._main.call(self._record.lose, "page_lost")

    def page_left(self, page: KnownPage) -> None:
        """Do nothing: `active_page_left` has recorded it."""

    def seq(self, page: KnownPage) -> int:
        """Return how many events of a page the record has taken in."""
        return self._taken.get(page.name, 0)

    def _take(self, page: KnownPage, peer: str, events: tuple[messages.WirePeerEvent, ...]) -> None:
        try:
            # The events of `create` come before its reply, which names the connection.
            if self._record.peer is None:
                self._record.peer = peer
            if self._record.peer != peer or self._record.is_lost:
                self._dismiss(page, peer)
                return
            self.hold(page, holds=not self._record.is_closed)
            self._record.take(events, page.clock.offset_ms)
            self.hold(page, holds=not self._record.is_closed)
        finally:
            self._taken[page.name] = self.seq(page) + len(events)

    def _dismiss(self, page: KnownPage, peer: str) -> None:
        """Let a page close a connection that nobody uses: it was created too late, or its page had fallen silent."""
        if (page.name, peer) not in self._dismissed:
            self._dismissed.add((page.name, peer))
            self._bridge.ask("peer", page, lambda: None, peer=peer, op="close", args={})
