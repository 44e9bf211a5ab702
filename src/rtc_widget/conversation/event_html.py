"""Events as collapsible HTML. All of their text comes from servers and models, so it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from rtc_widget._unicode import well_formed
from rtc_widget.types import Direction

EventRow = tuple[Direction, float, Mapping[str, Any]]
"""An event as it is shown: direction, seconds since the call began, fields."""

_MAX_ROWS = 60
_MAX_CHARACTERS = 400
_STYLE = "font: var(--jp-code-font-size, 13px)/1.6 var(--jp-code-font-family, monospace)"
_FAINT = "color: var(--jp-ui-font-color2, gray)"


def event_html(event: EventRow) -> str:
    """Return one event with its fields expanded at the first level."""
    return well_formed(f'<div style="{_STYLE}">{_row(event, is_open=True)}</div>')


def log_html(events: Sequence[EventRow], dropped: int) -> str:
    """Return the last events of a log, collapsed."""
    shown = events[-_MAX_ROWS:]
    hidden = len(events) - len(shown) + dropped
    words = f"{len(events)} events" + (f", {hidden} earlier ones not shown" if hidden else "")
    rows = "".join(_row(event, is_open=False) for event in shown)
    return well_formed(f'<div style="{_STYLE}"><div style="{_FAINT}">{words}</div>{rows}</div>')


def fields_html(title: str, fields: Mapping[str, Any]) -> str:
    """Return the fields of an object; nested fields are collapsed."""
    inside = f"<summary><b>{escape(title)}</b></summary>{_fields(fields.items())}"
    return well_formed(f'<div style="{_STYLE}"><details open>{inside}</details></div>')


def _row(event: EventRow, *, is_open: bool) -> str:
    direction, elapsed, fields = event
    arrow = "→" if direction == "sent" else "←"
    name = escape(str(fields.get("type") or "no type"))
    head = (
        f'<span style="{_FAINT}">{elapsed:8.3f} s {arrow}</span> <b>{name}</b>'
        f' <span style="{_FAINT}">{escape(_summary(fields))}</span>'
    )
    others = ((key, value) for key, value in fields.items() if key != "type")
    return f"<details{' open' if is_open else ''}><summary>{head}</summary>{_fields(others)}</details>"


def _fields(fields: Iterable[tuple[str, Any]]) -> str:
    return '<div style="padding-left: 1.5em">' + "".join(_field(key, value) for key, value in fields) + "</div>"


def _field(key: str, value: Any) -> str:
    name = escape(str(key))
    if isinstance(value, Mapping) and value:
        return f"<details><summary>{name} {{{len(value)}}}</summary>{_fields(value.items())}</details>"
    if isinstance(value, list) and value:
        numbered = ((str(number), entry) for number, entry in enumerate(value))
        return f"<details><summary>{name} [{len(value)}]</summary>{_fields(numbered)}</details>"
    return f'<div><span style="{_FAINT}">{name}:</span> {escape(_shortened(repr(value)))}</div>'


def _summary(raw: Mapping[str, Any]) -> str:
    """Return the text that is shown of a collapsed event."""
    error = raw.get("error")
    text = raw.get("delta") or raw.get("transcript") or raw.get("text")
    return _shortened(str(text or (error.get("message") if isinstance(error, Mapping) else "") or ""), 80)


def _shortened(text: str, most: int = _MAX_CHARACTERS) -> str:
    return text if len(text) <= most else text[:most] + "…"
