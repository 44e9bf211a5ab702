"""A time line as SVG, with a table that says the same. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import floor, log10

from rtc_widget._unicode import well_formed
from rtc_widget.peers.drawing import LANES, drawn, folded, table
from rtc_widget.peers.timeline_entries import TimelineEntry

_WIDTH, _LEFT, _RIGHT = 900, 130, 30
_ROW, _TITLE, _GAP, _AXIS = 19, 18, 6, 24
_MAX_ROWS = 400
_MAX_DRAWN = 3_000
_CHARACTER = 6.0
"""The width of a character of a label; a label that is longer than its bar is left out."""


def timeline_html(names: Sequence[str], entries: Sequence[TimelineEntry], bounds: tuple[float, float]) -> str:
    """Return the drawing and the table of a time line."""
    return well_formed(drawn(timeline_part(names, entries, bounds)))


def timeline_part(
    names: Sequence[str], entries: Sequence[TimelineEntry], bounds: tuple[float, float], *, most: int = _MAX_DRAWN
) -> str:
    """Return a time line of the first `most` entries, without the style that it needs."""
    drawing = _Drawing(names, entries, bounds)
    words = f"Time line of {', '.join(names)}: {len(entries)} operations, states and events. The table has the same."
    svg = (
        f'<svg viewBox="0 0 {_WIDTH} {drawing.height}" role="img" aria-label="{escape(words)}">'
        f"{''.join(drawing.parts(most))}</svg>"
    )
    return svg + folded("As a table", _rows(entries, min(most, _MAX_ROWS)))


def _rows(entries: Sequence[TimelineEntry], most: int) -> str:
    rows = (
        (
            f"{entry.start:.0f}",
            "" if entry.end is None else f"{entry.end - entry.start:.0f}{' so far' if entry.is_open else ''}",
            escape(entry.peer),
            entry.lane,
            escape(entry.label),
        )
        for entry in entries[:most]
    )
    left = len(entries) - most
    note = f"<div>{left} more entries are not shown.</div>" if left > 0 else ""
    return table(("ms", "lasts (ms)", "peer", "lane", "what"), rows) + note


class _Drawing:
    def __init__(self, names: Sequence[str], entries: Sequence[TimelineEntry], bounds: tuple[float, float]) -> None:
        self._names = names
        self._entries = entries
        self._first, self._last = bounds
        self._group = _TITLE + _ROW * len(LANES) + _GAP
        self.height = self._group * len(names) + _AXIS

    def parts(self, most: int) -> Iterator[str]:
        """Yield the elements of the drawing, from back to front."""
        yield from self._axis()
        for number, name in enumerate(self._names):
            top = number * self._group
            yield f'<text x="2" y="{top + 13}" class="p">{escape(name[:20])}</text>'
            for row, lane in enumerate(LANES):
                y = top + _TITLE + row * _ROW
                yield f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end" class="f">{lane}</text>'
                below = y + _ROW - 0.5
                yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{below}" y2="{below}" class="g"/>'
        drawn = self._entries[:most]
        for entry in drawn:
            yield self._dot(entry) if entry.end is None else self._bar(entry, entry.end)
        # In front of the dots, which stand where a state begins; the title of a bar is still found below its label.
        yield '<g pointer-events="none">'
        for entry in drawn:
            yield self._label(entry)
        yield "</g>"

    def _x(self, milliseconds: float) -> float:
        share = (milliseconds - self._first) / (self._last - self._first)
        return _LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, entry: TimelineEntry) -> float:
        group = self._names.index(entry.peer) * self._group
        return group + _TITLE + LANES.index(entry.lane) * _ROW

    def _bar(self, entry: TimelineEntry, end: float) -> str:
        x, y, right = self._x(entry.start), self._y(entry), self._x(end)
        width = max(right - x, 1.5)
        length = "still" if entry.is_open else f"{end - entry.start:.0f} ms"
        title = f"{entry.peer}, {entry.lane}: {entry.label}, from {entry.start:.0f} ms, {length}"
        kind = "b" if entry.is_bad else ("k" if entry.kind == "call" else _state_class(entry.label))
        shape = f'<rect x="{x:.1f}" y="{y + 2}" width="{width:.1f}" height="{_ROW - 5}" rx="2"/>'
        return f'<g class="{kind}"><title>{escape(title)}</title>{shape}</g>'

    def _label(self, entry: TimelineEntry) -> str:
        """Return the label of a bar that has room for it."""
        x, right = self._x(entry.start), self._x(entry.end or entry.start)
        if right - x <= _CHARACTER * len(entry.label):
            return ""
        return f'<text x="{x + 3:.1f}" y="{self._y(entry) + 13}">{escape(entry.label)}</text>'

    def _dot(self, entry: TimelineEntry) -> str:
        x, y = self._x(entry.start), self._y(entry) + _ROW / 2 - 0.5
        title = f"{entry.peer}, {entry.label}, at {entry.start:.0f} ms"
        kind = "b" if entry.is_bad else "d"
        return f'<g class="{kind}"><title>{escape(title)}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/></g>'

    def _axis(self) -> Iterator[str]:
        bottom = self.height - _AXIS
        for tick in _ticks(self._first, self._last):
            x = self._x(tick)
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom}" class="g"/>'
            words = f"{tick / 1000:g} s" if self._last - self._first > 3000 else f"{tick:g} ms"
            yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" class="f">{words}</text>'


def _state_class(state: str) -> str:
    if state in ("connected", "completed", "complete"):
        return "ok"
    return "s0" if state in ("new", "stable", "closed") else "s1"


def _ticks(first: float, last: float) -> Iterator[float]:
    """Yield about eight round numbers between two numbers."""
    raw = (last - first) / 8
    power = 10 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    number = floor(first / step) * step
    while number <= last:
        if number >= first:
            yield round(number, 6)
        number += step
