"""Holds back client events until the session has started: earlier ones would be refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rtc_widget.errors import NotConnected, RtcWidgetError
from rtc_widget.protocols.base import ClientEvent, Later, Send

_PATIENCE_SECONDS = 5.0
"""A page may be allowed to receive only some events, and not the start of the session."""

Failed = Callable[[RtcWidgetError], None]


class EarlyEvents:
    """Sends the events of a widget in their order.

    Parameters
    ----------
    send : callable
        Sends events over the data channel.
    later : callable
        Calls a function on the main loop after a time.

    Attributes
    ----------
    is_started : bool
        Whether the session has started.
    """

    def __init__(self, send: Send, later: Later) -> None:
        self._send = send
        self._later = later
        self.is_started = False
        self._has_call = False
        self._number = 0
        self._held: list[tuple[Sequence[ClientEvent], Failed]] = []

    def begin_call(self) -> None:
        """Begin another call, whose data channel is open."""
        self._has_call, self._number = True, self._number + 1
        self._later(_PATIENCE_SECONDS, partial(self._start, self._number))

    def end_call(self) -> None:
        """End the call; what was held back is not sent."""
        held, self._held = self._held, []
        self.is_started = self._has_call = False
        for _, failed in held:
            failed(NotConnected("The call ended before the session started."))

    def received(self, kind: str) -> None:
        """Process the type of a received event."""
        if kind not in ("info", "error"):
            self._start(self._number)

    def send(self, events: Sequence[ClientEvent], failed: Failed) -> None:
        """Send events, all or none, as soon as the session has started.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        if self._has_call and not self.is_started:
            self._held.append((events, failed))
        elif events:
            self._send(events, failed)

    def _start(self, number: int) -> None:
        if number != self._number or not self._has_call or self.is_started:
            return
        self.is_started = True
        held, self._held = self._held, []
        for events, failed in held:
            try:
                self.send(events, failed)
            except RtcWidgetError as error:
                failed(error)
