"""What a notebook shows after it was exported to HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def exported_html(source: str, outputs: Sequence[dict[str, Any]]) -> str:
    """Export a notebook of one cell, without the state of its widgets, as most notebooks are."""
    # Only the tests that need them wait for these imports: they take almost two seconds in each process.
    import nbconvert
    import nbformat

    made = [nbformat.v4.new_output(**output) for output in outputs]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, outputs=made)])
    html, _ = nbconvert.HTMLExporter().from_notebook_node(book)
    return str(html)
