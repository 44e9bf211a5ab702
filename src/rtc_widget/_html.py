"""The HTML of values in a notebook: one style, in the colors of the host's theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rtc_widget._unicode import well_formed

# The colors are JupyterLab's variables, mixed with that of the text so that there is contrast in both themes; elsewhere
# they are such that a light and a dark page can show them. JupyterLab's own rules for tables need the class twice.
STYLE = """<style>
.rtcw-view{font:var(--jp-ui-font-size1,13px)/1.6 var(--jp-ui-font-family,system-ui,sans-serif);color:inherit}
.rtcw-view .f{opacity:.75}
.rtcw-view .ok{color:color-mix(in srgb,var(--jp-success-color1,#2e8b57) 75%,currentColor)}
.rtcw-view .wait{color:color-mix(in srgb,var(--jp-warn-color1,#b8751a) 75%,currentColor)}
.rtcw-view .bad{color:color-mix(in srgb,var(--jp-error-color1,#d9534f) 75%,currentColor)}
.rtcw-view .ok,.rtcw-view .wait,.rtcw-view .bad{font-weight:bold}
.rtcw-view .t{overflow-x:auto}
.rtcw-view.rtcw-view table{border-collapse:collapse;color:inherit;font:inherit;margin:.3em 0}
.rtcw-view.rtcw-view table th,.rtcw-view.rtcw-view table td{text-align:left;vertical-align:top;\
padding:.1em 1em .1em 0;max-width:48em;font-size:inherit;overflow-wrap:anywhere;\
border-bottom:1px solid var(--jp-border-color2,rgba(128,128,128,.35))}
.rtcw-view.rtcw-view tbody tr:nth-child(n),.rtcw-view.rtcw-view thead{background:none;border:0}
.rtcw-view.rtcw-view table .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.rtcw-view code,.rtcw-view pre{font:var(--jp-code-font-size,13px)/1.5 var(--jp-code-font-family,monospace);\
background:none;color:inherit;margin:0;padding:0;white-space:pre-wrap;overflow-wrap:anywhere}
.rtcw-view svg{height:1.5em;width:12em;vertical-align:middle;display:inline-block}
.rtcw-view polyline{fill:none;stroke:var(--jp-brand-color1,#4c8bf5);stroke-width:1.5}
.rtcw-view .at{display:inline-block;min-width:4.5em}
</style>"""


def view(*parts: str) -> str:
    """Return a view of parts that are HTML already."""
    return well_formed(f'<div class="rtcw-view">{STYLE}{"".join(parts)}</div>')


def table(heads: Sequence[str], rows: Iterable[Iterable[str]], *, numbers: Iterable[int] = ()) -> str:
    """Return a table of cells that are HTML already; `numbers` are the columns with numbers."""
    right = set(numbers)

    def cells(row: Iterable[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if column in right else ''}>{cell}</{tag[:2]}>" for column, cell in enumerate(row)
        )

    head = f"<thead><tr>{cells(heads, 'th scope=col')}</tr></thead>" if heads else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="t"><table>{head}<tbody>{body}</tbody></table></div>'


def faint(words: str) -> str:
    """Return text in a weaker color."""
    return f'<span class="f">{escape(words)}</span>'


def cut(text: str, most: int) -> str:
    """Return a text of at most so many characters, escaped."""
    return escape(text if len(text) <= most else f"{text[:most]}…")
