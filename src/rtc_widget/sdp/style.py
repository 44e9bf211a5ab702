"""The style of the views, and their tables."""

from __future__ import annotations

from collections.abc import Iterable

# Colors come from the host or are translucent, so that both themes are readable; lines wrap where the cell is narrow.
STYLE = """<style>
.rtcw-sdp{font:var(--jp-ui-font-size1,13px)/1.5 var(--jp-ui-font-family,system-ui,sans-serif);color:inherit}
.rtcw-sdp{max-width:80em}
.rtcw-sdp details{margin:.2em 0 .2em .2em}
.rtcw-sdp summary{cursor:pointer;padding:.15em 0;overflow-wrap:anywhere}
.rtcw-sdp details>div,.rtcw-sdp details>dl,.rtcw-sdp details>ul{margin:.2em 0 .4em 1.1em}
.rtcw-sdp .l{display:flex;flex-wrap:wrap;gap:0 1.2em;padding:.2em 0;border-top:1px solid rgba(128,128,128,.25)}
.rtcw-sdp .l>code{flex:2 1 21em;min-width:0;overflow-wrap:anywhere;white-space:pre-wrap;background:none;color:inherit}
.rtcw-sdp .l>div{flex:3 1 21em;min-width:0}
.rtcw-sdp code{font:var(--jp-code-font-size,13px)/1.5 var(--jp-code-font-family,monospace)}
.rtcw-sdp code{background:none;color:inherit}
.rtcw-sdp .n{display:inline-block;min-width:2.2em;opacity:.65;user-select:none}
.rtcw-sdp .f{opacity:.8}
.rtcw-sdp a{color:inherit;text-decoration:underline dotted}
.rtcw-sdp abbr{text-decoration:underline dotted}
.rtcw-sdp mark{background:rgba(240,160,0,.3);color:inherit;border-radius:3px;padding:0 .2em}
.rtcw-sdp .x{border-left:3px solid #d33;padding-left:.5em}
.rtcw-sdp .t{overflow-x:auto}
.rtcw-sdp table{border-collapse:collapse;color:inherit;font:inherit;margin:0}
.rtcw-sdp td:last-child{min-width:14em}
.rtcw-sdp th,.rtcw-sdp td{text-align:left;vertical-align:top;padding:.1em .9em .1em 0;border-bottom:1px solid \
rgba(128,128,128,.25);font-size:inherit;max-width:32em}
.rtcw-sdp dt{font-weight:bold}.rtcw-sdp dd{margin:0 0 .3em 1em}
</style>"""


def table(heads: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are HTML already."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
