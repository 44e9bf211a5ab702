"""The signaling states as a drawing: the current one and the last change are lit (W3C WebRTC, section 4.3.3).

States, edges and words are those of ``drawing.json``, which the page's view draws as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from rtc_widget.comm.messages import SignalingState
from rtc_widget.peers.drawing import DRAWING

_MACHINE = DRAWING["signaling"]


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
    >>> "Signaling state: stable" in signaling_diagram("stable")
    True
    """
    known = get_args(SignalingState)
    for name, value in (("state", state), ("previous", previous or state)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}; got {value!r}.")
    return (
        f'<svg viewBox="0 0 {_MACHINE["width"]} {_MACHINE["height"]}" class="m" role="img" '
        f'aria-label="{diagram_label(state, previous)}">{"".join([*_edges(state, previous), *_nodes(state)])}</svg>'
    )


def diagram_label(state: str, previous: str | None = None) -> str:
    """Return what the drawing says, in words."""
    if previous is None:
        return f"Signaling state: {state}"
    taken = [edge["by"] for edge in _MACHINE["edges"] if _is_last(edge, state, previous)]
    return f"Signaling state: {state}, from {previous}" + (f" by {taken[0]}" if taken else "")


def _is_last(edge: dict[str, str], state: str, previous: str | None) -> bool:
    # It can be closed in each state; one edge stands for all.
    return previous is not None and edge["to"] == state and (edge["from"] == previous or state == "closed")


def _nodes(state: str) -> Iterator[str]:
    height = _MACHINE["node_height"]
    for node in _MACHINE["nodes"]:
        name, x, y, width = node["state"], node["x"], node["y"], node["width"]
        box = f'<rect x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width}" height="{height}" rx="8"/>'
        text = f'<text x="{x}" y="{y + 4}" text-anchor="middle">{name}</text>'
        yield f'<g class="{"now" if name == state else "n"}">{box}{text}</g>'


def _edges(state: str, previous: str | None) -> Iterator[str]:
    yield (
        '<defs><marker id="rtcw-a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" class="a"/></marker></defs>'
    )
    for edge in _MACHINE["edges"]:
        lit = ' class="last"' if _is_last(edge, state, previous) else ""
        yield (
            f'<path d="{edge["path"]}"{lit} marker-end="url(#rtcw-a)">'
            f"<title>{edge['from']} to {edge['to']}: {edge['by']}</title></path>"
        )
