"""What the kernel knows about a peer connection: the states of its objects, its events, whether it lives."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from rtc_widget.comm.messages import WirePeerEvent
from rtc_widget.conversation.subscriptions import Failures, Subscriptions
from rtc_widget.errors import RtcWidgetError
from rtc_widget.peers.events import PeerEvent, PeerEventLog
from rtc_widget.sdp.private_parts import without_credentials

logger = logging.getLogger("rtc_widget")

PC = "pc"
"""The handle of the connection itself."""
TRAITS = (
    "signaling_state",
    "ice_gathering_state",
    "ice_connection_state",
    "connection_state",
    "local_description",
    "remote_description",
)
"""The attributes of the connection that are traits of the widget as well."""
_REFERENCES = frozenset({"channel", "track", "transceiver", "receiver", "sender"})
# Why the connection ended by itself; all but the first are reasons of the page.
_ENDS = {
    "page_lost": "The page with this peer connection was closed or reloaded, or does not respond.",
    "no_view": "No view showed this peer connection any more, so the page closed it.",
    "page_gone": "The page with this peer connection was closed or reloaded.",
    "kernel_died": "The page found this peer connection's kernel dead, and closed it.",
}
# The end of each kind of object, when the page cannot report it any more.
_ENDED: Mapping[str, Mapping[str, str]] = {
    "pc": {"signaling_state": "closed", "ice_connection_state": "closed", "connection_state": "closed"},
    "channel": {"ready_state": "closed"},
    "track": {"ready_state": "ended"},
    "dtls": {"state": "closed"},
    "ice": {"state": "closed"},
    "sctp": {"state": "closed"},
}


class ConnectionRecord:
    """The states and events of one peer connection; written on the kernel's main loop.

    Parameters
    ----------
    write : callable
        Assigns the widget's traits, several at once.
    resolve : callable
        Returns the object of a handle.
    """

    def __init__(self, write: Callable[[Mapping[str, object]], None], resolve: Callable[[str], Any]) -> None:
        self._write = write
        self._resolve = resolve
        self._began_ms: float | None = None
        self._states: dict[str, dict[str, Any]] = {PC: {}}
        self.peer: str | None = None
        self.is_lost = False
        self.end = "This peer connection is closed."
        """How it ended, once it is closed."""
        self.candidates: list[Mapping[str, Any]] = []
        self.pairs: tuple[Mapping[str, Any], ...] = ()
        self.events = PeerEventLog()
        self.failures = Failures()
        self.subscriptions: Subscriptions[PeerEvent] = Subscriptions(
            self.failures, subject="connection", log="pc.events"
        )
        self.closed: Future[None] = Future()
        """Done once the connection is closed."""

    @property
    def is_closed(self) -> bool:
        """Whether the connection is closed, or its page gone."""
        return self.closed.done()

    @property
    def signaling_state(self) -> str:
        """The signaling state (W3C)."""
        return str(self.state(PC).get("signaling_state", "closed" if self.is_closed else "stable"))

    def state(self, handle: str) -> Mapping[str, Any]:
        """Return the attributes of an object."""
        return self._states.get(handle, {})

    def handles(self, kind: str) -> list[str]:
        """Return the handles of all objects of a kind, in the order in which the page first saw them."""
        return [handle for handle in list(self._states) if handle.startswith(f"{kind}:")]

    def take(self, events: Sequence[WirePeerEvent], offset_ms: float) -> None:
        """Take in events: for each, first the new states, then the log, then the callbacks."""
        for event in events:
            try:
                self._take(event, offset_ms)
            except Exception:
                # The page may report anything; the next events must still be taken in.
                logger.exception("An event of the page was ignored: %s of %s", event.type, event.source)

    def _take(self, wire: WirePeerEvent, offset_ms: float) -> None:
        # The offset of the first event counts for all: times must not jump when the estimate improves.
        if self._began_ms is None:
            self._began_ms, self._offset_ms = wire.time_ms, offset_ms
        for handle, attributes in wire.changes.items():
            # A new dictionary, since other threads may read the old one.
            self._states[handle] = {**self._states.get(handle, {}), **attributes}
        match wire.type, wire.payload:
            case "icecandidate", {"candidate": {"candidate": str()} as candidate}:
                self.candidates.append(candidate)
            case "pairs", {"pairs": [*pairs]}:
                self.pairs = tuple(pairs)
            case "operation", {"op": "close", "reason": str() as reason}:
                self.end = _ENDS.get(reason, self.end)
        self._write_traits(wire.changes)
        payload = _without_quoted_credentials(wire.payload)
        event = PeerEvent(
            type=wire.type,
            source=wire.source,
            time=datetime.fromtimestamp((wire.time_ms + self._offset_ms) / 1000, UTC),
            elapsed=(wire.time_ms - self._began_ms) / 1000,
            payload=payload,
            changes=wire.changes,
            fields={name: self._field(name, value) for name, value in payload.items()},
            target=self._resolve(wire.source),
        )
        self.events.append(event)
        self.subscriptions.publish(event)
        if self.state(PC).get("signaling_state") == "closed":
            self._close()

    def lose(self, reason: str = "") -> None:
        """Record that the connection has ended with its page, or without one: nothing more counts."""
        if self.is_closed:
            return
        self.end = _ENDS.get(reason, self.end)
        self.is_lost = True
        for handle, attributes in list(self._states.items()):
            self._states[handle] = {**attributes, **_ENDED.get(handle.partition(":")[0], {})}
        self._write_traits(self._states)
        self._write({"active_page": None})
        self._close()

    def show_active_page(self, page: str | None) -> None:
        """Show which page has the connection."""
        self._write({"active_page": page})

    def show_error(self, error: RtcWidgetError | None) -> None:
        """Show the error of the last operation; None if it succeeded."""
        self._write({"error": None if error is None else error.to_wire()})

    def _close(self) -> None:
        if not self.is_closed:
            self.closed.set_result(None)
            self.subscriptions.end_call()

    def _write_traits(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        values = {name: value for name, value in changes.get(PC, {}).items() if name in TRAITS}
        if any(handle.startswith(("dtls:", "sctp:", "sender:", PC)) for handle in changes):
            values["dtls_state"] = self._dtls_state()
        if values:
            self._write(values)

    def _dtls_state(self) -> str:
        """Return the DTLS state in use: that of the data channels' transport, else of the first sender's."""
        connection = self.state(PC)
        users = [connection.get("sctp"), *(connection.get("senders") or ())]
        transports = [self.state(user).get("transport") for user in users if user]
        state = next((self.state(handle).get("state") for handle in transports if handle), None)
        return str(state or ("closed" if connection.get("signaling_state") == "closed" else "new"))

    def _field(self, name: str, value: Any) -> Any:
        return self._resolve(value) if name in _REFERENCES and isinstance(value, str) else value


def _without_quoted_credentials(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a payload whose error does not show the credentials of the line that a browser quotes in it."""
    match payload:
        case {"error": {"message": str() as message} as error}:
            return {**payload, "error": {**error, "message": without_credentials(message)}}
        case _:
            return payload
