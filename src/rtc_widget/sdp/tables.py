"""A session description as a pandas table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rtc_widget._unicode import well_formed
from rtc_widget.optional import require_pandas
from rtc_widget.sdp.explained_lines import placed_lines
from rtc_widget.sdp.explanations import explain
from rtc_widget.sdp.parsed import ParsedDescription
from rtc_widget.sdp.private_parts import hidden

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("number", "section", "mid", "kind", "text", "explanation", "reference")


def lines_table(description: ParsedDescription, *, secrets: bool) -> pd.DataFrame:
    """Return a table with one row per line."""
    pd = require_pandas()
    rows = [
        (
            line.number,
            None if section is None else section.index,
            None if section is None else section.mid,
            line.kind,
            line.text if secrets else hidden(line),
            explanation.says,
            ", ".join(explanation.refs),
        )
        for line, section, codecs in placed_lines(description)
        for explanation in [explain(line, codecs)]
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"number": "int64", "section": "Int64"})
    for name in ("mid", "kind", "text", "explanation", "reference"):
        table[name] = table[name].map(well_formed, na_action="ignore").astype("string")
    return table
