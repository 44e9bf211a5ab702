"""The notebooks of this repository, as tests run them: with the solutions of their exercises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTION = re.compile(r"<details>.*?^```python\n(.*?)^```$.*?</details>", re.DOTALL | re.MULTILINE)


def solutions_of(notebook: Path) -> list[str]:
    """The code of the solutions of a notebook, in their order."""
    cells = nbformat.read(notebook, 4).cells
    return [code for cell in cells if cell.cell_type == "markdown" for code in SOLUTION.findall(cell.source)]


def with_solutions(notebook: Path, folder: Path) -> Path:
    """Copy a notebook and add a cell with each solution behind the cell that has it."""
    book = nbformat.read(notebook, 4)
    cells = []
    for cell in book.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cells += [nbformat.v4.new_code_cell(code) for code in SOLUTION.findall(cell.source)]
    book.cells = cells
    copy = folder / notebook.name
    nbformat.write(book, copy)
    return copy


def called_by_live(notebook: Path) -> Path:
    """Let the chat of a copied notebook make calls of GPT-Live; nothing else of it is changed."""
    code = notebook.read_text(encoding="utf-8")
    changed = code.replace("import VoiceChat", "import Local, VoiceChat").replace(
        "VoiceChat()", "VoiceChat(Local(protocol='live'))"
    )
    assert changed.count("protocol='live'") == 1
    notebook.write_text(changed, encoding="utf-8")
    return notebook


def checks_of(outputs: list[dict[str, Any]]) -> list[str]:
    """The results of `check` that a notebook shows."""
    shown = [str(output.get("data", {}).get("text/plain", "")) for output in outputs]
    return [text for text in shown if text.startswith(("Right: ", "Not yet: "))]
