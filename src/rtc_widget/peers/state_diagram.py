"""The signaling states as a drawing: the current one and the last change are lit (W3C WebRTC, section 4.3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from rtc_widget.comm.messages import SignalingState
from rtc_widget.peers.style import STYLE

_WIDTH, _HEIGHT = 760, 250
_BOX = (150, 30)
_PLACES: dict[str, tuple[int, int]] = {
    "stable": (380, 36),
    "have-local-offer": (120, 120),
    "have-remote-pranswer": (120, 212),
    "have-remote-offer": (640, 120),
    "have-local-pranswer": (640, 212),
    "closed": (380, 212),
}
_EDGES: dict[tuple[str, str], tuple[str, tuple[int, int]]] = {
    ("stable", "have-local-offer"): ("setLocal(offer)", (150, 50)),
    ("have-local-offer", "stable"): ("setRemote(answer)", (300, 115)),
    ("stable", "have-remote-offer"): ("setRemote(offer)", (610, 50)),
    ("have-remote-offer", "stable"): ("setLocal(answer)", (460, 115)),
    ("have-local-offer", "have-remote-pranswer"): ("setRemote(pranswer)", (90, 166)),
    ("have-remote-offer", "have-local-pranswer"): ("setLocal(pranswer)", (670, 166)),
    ("have-remote-pranswer", "stable"): ("setRemote(answer)", (330, 180)),
    ("have-local-pranswer", "stable"): ("setLocal(answer)", (430, 180)),
}
"""Each edge with the call that takes it, and the point that bends it: two edges between two nodes must not overlap."""


def signaling_diagram(state: str, previous: str | None = None) -> str:
    """Return the drawing of the signaling states.

    Parameters
    ----------
    state : str
        The current state.
    previous : str, optional
        The state before; the edge from it is lit, if there is one.

    Raises
    ------
    ValueError
        If a state is unknown.

    Examples
    --------
    >>> "The signaling state is stable." in signaling_diagram("stable")
    True
    """
    known = get_args(SignalingState)
    for name, value in (("state", state), ("previous", previous or state)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}; got {value!r}.")
    words = f"The signaling state is {state}." + (f" Before, it was {previous}." if previous else "")
    inside = [*_edges((previous or "", state)), *_nodes(state)]
    return (
        f'<div class="rtcw-peer">{STYLE}<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{words}">'
        f"{''.join(inside)}</svg></div>"
    )


def _nodes(state: str) -> Iterator[str]:
    width, height = _BOX
    for name, (x, y) in _PLACES.items():
        kind = "now" if name == state else "n"
        yield (
            f'<g class="{kind}"><rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width}" height="{height}" '
            f'rx="6"/><text x="{x}" y="{y + 4}" text-anchor="middle">{name}</text></g>'
        )
    x, y = _PLACES["closed"]
    yield f'<text x="{x}" y="{y + 30}" text-anchor="middle" class="f">close(), from every state</text>'


def _edges(last: tuple[str, str]) -> Iterator[str]:
    yield (
        '<defs><marker id="rtcw-a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" class="a"/></marker></defs>'
    )
    for (start, end), (call, (bend_x, bend_y)) in _EDGES.items():
        (x1, y1), (x2, y2) = _edge_point(start, bend_x, bend_y), _edge_point(end, bend_x, bend_y)
        kind = ' class="last"' if (start, end) == last else ""
        middle_x, middle_y = (x1 + 2 * bend_x + x2) / 4, (y1 + 2 * bend_y + y2) / 4
        yield (
            f'<g><title>{call}: {start} to {end}</title><path d="M{x1:g} {y1:g}Q{bend_x} {bend_y} {x2:g} {y2:g}"'
            f'{kind} marker-end="url(#rtcw-a)"/>'
            f'<text x="{middle_x:g}" y="{middle_y - 3:g}" text-anchor="middle" class="f">{call}</text></g>'
        )


def _edge_point(name: str, toward_x: float, toward_y: float) -> tuple[float, float]:
    """Return where the line from a node's centre to a point leaves its box."""
    x, y = _PLACES[name]
    dx, dy = toward_x - x, toward_y - y
    scale = min(_BOX[0] / 2 / abs(dx) if dx else 9.0, _BOX[1] / 2 / abs(dy) if dy else 9.0)
    return x + dx * scale, y + dy * scale
