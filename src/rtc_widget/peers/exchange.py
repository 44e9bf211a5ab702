"""Posts the local description of a peer connection to a server, which returns an answer."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from rtc_widget.comm.negotiation import Negotiator
from rtc_widget.errors import PeerClosed, RtcWidgetError, WebRTCError
from rtc_widget.errors.webrtc import InvalidStateError
from rtc_widget.peers.record import PC, ConnectionRecord

if TYPE_CHECKING:
    from rtc_widget.sdp.description import SessionDescription
    from rtc_widget.signaling.base import Signaling

logger = logging.getLogger("rtc_widget")

Outcome = dict[str, Any] | RtcWidgetError


class PeerExchange:
    """The calls of one peer connection on servers; they are hung up when the connection is closed.

    Parameters
    ----------
    record : ConnectionRecord
        Has the local description.
    """

    def __init__(self, record: ConnectionRecord) -> None:
        self._record = record
        self._negotiators: list[Negotiator] = []
        self._numbers = itertools.count(1)
        record.closed.add_done_callback(lambda _closed: self.close())

    def close(self) -> None:
        """Hang up every call; harmless to repeat."""
        negotiators, self._negotiators = self._negotiators, []
        for negotiator in negotiators:
            negotiator.close()

    async def exchange(self, signaling: Signaling, session: Mapping[str, Any]) -> SessionDescription:
        """Return the server's answer; see `PeerConnection.exchange`."""
        from rtc_widget.sdp.description import SessionDescription

        if self._record.is_closed:
            raise PeerClosed.explained(self._record.end, "exchange", "closed")
        description = self._record.state(PC).get("local_description")
        if not description or description.get("type") != "offer":
            raise _no_offer()
        negotiator = Negotiator(signaling, lambda: session, lambda _text: None, starts_early=False)
        self._negotiators.append(negotiator)
        attempt = f"peer:{next(self._numbers)}"
        await _outcome(lambda done: negotiator.prepare(attempt, done))
        answer = await _outcome(lambda done: negotiator.exchange(attempt, description["sdp"], done))
        for message in answer.get("first_messages", ()):
            # The steps of a peer connection are the user's own, this one too.
            logger.warning("%s expects this message on the open data channel: %s", signaling.name, message)
        return SessionDescription(answer["sdp"], type="answer")


def _no_offer() -> WebRTCError:
    error = InvalidStateError(
        "This connection has no offer to post.",
        hint="Make one first: `await pc.set_local_description(await pc.create_offer())`.",
    )
    error.operation = "exchange"
    return error


async def _outcome(work: Callable[[Callable[[Outcome], None]], None]) -> dict[str, Any]:
    future: Future[Outcome] = Future()

    def settle(outcome: Outcome) -> None:
        if not future.done():  # a task that was cancelled has cancelled it
            future.set_result(outcome)

    work(settle)
    outcome = await asyncio.wrap_future(future)
    if isinstance(outcome, RtcWidgetError):
        raise outcome
    return outcome
