"""What the drawings of peer connections share: their style, their tables, and what the page's view draws as well.

``drawing.json`` has the signaling states with their edges, and the lanes of the time line; the page imports it, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

DRAWING: dict[str, Any] = json.loads(Path(__file__).with_name("drawing.json").read_text(encoding="utf-8"))
LANES: tuple[str, ...] = tuple(DRAWING["lanes"])
"""The lanes of each peer in a time line, from top to bottom."""

# Colors come from the host or are translucent, so that both themes are readable.
STYLE = """<style>
.rtcw-peer{font:var(--jp-ui-font-size1,13px)/1.5 var(--jp-ui-font-family,system-ui,sans-serif);color:inherit}
.rtcw-peer svg{width:100%;max-width:900px;height:auto;display:block}
.rtcw-peer svg.m{max-width:460px}
.rtcw-peer text{font-size:11px;fill:currentColor}
.rtcw-peer .p{font-weight:bold;font-size:13px}
.rtcw-peer .f{opacity:.75}
.rtcw-peer .g{stroke:rgba(128,128,128,.25)}
.rtcw-peer .k rect{fill:rgba(76,120,168,.75)}
.rtcw-peer .s0 rect{fill:rgba(128,128,128,.22)}
.rtcw-peer .s1 rect{fill:rgba(240,160,0,.4)}
.rtcw-peer .ok rect{fill:rgba(46,139,87,.45)}
.rtcw-peer .b rect,.rtcw-peer .b circle{fill:rgba(197,34,31,.65)}
.rtcw-peer .d circle{fill:rgba(76,120,168,.9)}
.rtcw-peer .n rect{fill:rgba(128,128,128,.12);stroke:rgba(128,128,128,.6)}
.rtcw-peer .now rect{fill:rgba(46,139,87,.35);stroke:rgb(46,139,87);stroke-width:2}
.rtcw-peer .now text{font-weight:bold}
.rtcw-peer path{fill:none;stroke:rgba(128,128,128,.6)}
.rtcw-peer path.last{stroke:rgb(46,139,87);stroke-width:2.5}
.rtcw-peer .a{fill:rgba(128,128,128,.8);stroke:none}
.rtcw-peer details{margin:.2em 0}.rtcw-peer summary{cursor:pointer}
.rtcw-peer .t{overflow-x:auto}
.rtcw-peer table{border-collapse:collapse;color:inherit;font:inherit;margin:0}
.rtcw-peer th,.rtcw-peer td{text-align:left;padding:.1em .9em .1em 0;border-bottom:1px solid rgba(128,128,128,.25)}
</style>"""


def lane_of(source: str, event: str) -> str:
    """Return the lane of an event, by its name or the kind of its source.

    Examples
    --------
    >>> lane_of("pc", "icecandidate"), lane_of("dtls:1", "statechange"), lane_of("pc", "track")
    ('Gathering', 'DTLS', 'Media')
    """
    lanes: dict[str, str] = DRAWING["lane_of"]
    return lanes.get(event) or lanes.get(source.partition(":")[0]) or "Media"


def drawn(*parts: str) -> str:
    """Return parts of a drawing, which are HTML already, with the style that they need."""
    return f'<div class="rtcw-peer">{STYLE}{"".join(parts)}</div>'


def table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="t"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def folded(title: str, inside: str) -> str:
    """Return a part that is closed at first; the title is HTML already."""
    return f"<details><summary>{title}</summary>{inside}</details>"
