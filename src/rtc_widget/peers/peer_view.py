"""A peer connection as HTML: its states, candidates and pairs, as they are now, for notebooks that are stored.

Addresses are left out, because notebooks are saved and shared. All text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Protocol

from rtc_widget._unicode import well_formed
from rtc_widget.peers.drawing import drawn, folded, table
from rtc_widget.peers.state_diagram import signaling_diagram
from rtc_widget.peers.timeline import Timeline
from rtc_widget.peers.timeline_entries import HasEvents, TimedEvent
from rtc_widget.peers.timeline_view import timeline_part
from rtc_widget.sdp.candidates import candidate_of

_STATES = (
    ("signaling", "signaling_state"),
    ("gathering", "ice_gathering_state"),
    ("ICE", "ice_connection_state"),
    ("DTLS", "dtls_state"),
    ("connection", "connection_state"),
)
_MAX_STORED_ENTRIES = 150


class DrawnPeer(HasEvents, Protocol):
    """A `PeerConnection`, as far as its drawing needs it."""

    signaling_state: str

    @property
    def candidates(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102
    @property
    def pairs(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102


def peer_html(peer: DrawnPeer) -> str:
    """Return the states, candidates, pairs and the time line of a connection, as they are now."""
    states = ((name, escape(str(getattr(peer, attribute, "")))) for name, attribute in _STATES)
    candidates, pairs = list(peer.candidates), list(peer.pairs)
    parts = [
        signaling_diagram(peer.signaling_state, previous_state(peer.events)),
        table(("state", "now"), ((name, f"<b>{value}</b>") for name, value in states)),
        folded(f"{_count(len(candidates), 'candidate')} of this side", candidates_table(candidates)),
        folded(_count(len(pairs), "candidate pair"), pairs_table(pairs)),
        folded("Time line", _timeline(Timeline(peer))),
    ]
    return well_formed(drawn(*parts))


def _timeline(timeline: Timeline) -> str:
    """Return how the connection was made; of a flood of messages only the first are drawn, since it is stored."""
    return timeline_part(timeline.names, timeline.entries, timeline.bounds, most=_MAX_STORED_ENTRIES)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def previous_state(events: Iterable[TimedEvent]) -> str | None:
    """Return the signaling state before the current one; None if it has not changed."""
    states = ["stable"]
    for event in events:
        state = event.changes.get("pc", {}).get("signaling_state")
        if isinstance(state, str) and state != states[-1]:
            states.append(state)
    return states[-2] if len(states) > 1 else None


def candidates_table(candidates: Iterable[Mapping[str, Any]]) -> str:
    """Return a table of candidates, W3C ``RTCIceCandidateInit`` dictionaries, without their addresses."""
    rows = (_candidate_cells(candidate) for candidate in candidates)
    return table(("section", "type", "transport", "address", "priority"), (row for row in rows if row))


def _candidate_cells(init: Mapping[str, Any]) -> tuple[str, ...]:
    text = str(init.get("candidate", ""))
    candidate = candidate_of(text.partition(":")[2] if text.startswith("candidate:") else text)
    if candidate is None:
        return ()
    kind = "an mDNS name" if candidate.is_mdns else "hidden"
    transport = f"{candidate.transport.lower()} {candidate.tcp_type or ''}".strip()
    section = init.get("sdpMid")
    return (
        escape(str(init.get("sdpMLineIndex", "") if section is None else section)),
        escape(candidate.type),
        escape(transport),
        kind,
        str(candidate.priority),
    )


def pairs_table(pairs: Iterable[Mapping[str, Any]]) -> str:
    """Return a table of candidate pairs, as a ``pairs`` event has them, without their addresses.

    The pair with the highest priority is first; ICE checks in this order (RFC 8445, section 6.1.2.3).
    """
    ordered = sorted(pairs, key=lambda pair: -float(pair.get("priority") or 0))
    heads = ("", "local", "remote", "rank", "checks sent", "answered", "round trip", "result")
    return table(heads, (tuple(_pair_cells(rank, pair)) for rank, pair in enumerate(ordered, 1)))


def _pair_cells(rank: int, pair: Mapping[str, Any]) -> Iterator[str]:
    yield '<b title="selected">✓</b>' if pair.get("selected") else ""
    for side in ("local", "remote"):
        end = pair.get(side) or {}
        yield escape(f"{end.get('type', '?')} {end.get('protocol', '')}".strip())
    yield str(rank)
    yield _number(pair.get("sent"))
    yield _number(pair.get("answered"))
    rtt = pair.get("rtt")
    yield f"{float(rtt) * 1000:.0f} ms" if isinstance(rtt, int | float) else ""
    yield escape(str(pair.get("state", "")))


def _number(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else ""
