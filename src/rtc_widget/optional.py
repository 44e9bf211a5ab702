"""What the pictures of this package have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 9.0
"""Inches; as wide as a notebook's cell."""


def new_figure(rows: int, *, height: float) -> tuple[Figure, list[Any]]:
    """Return a figure with so many axes, one above the other, on one time axis.

    It is shown where it is a cell's result, or by `display`; not once more at the end of the cell.

    Raises
    ------
    ImportError
        If matplotlib is not installed; says how to install it.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("Pictures need matplotlib: pip install 'rtc-widget[data]'") from None
    figure, axes = plt.subplots(rows, 1, sharex=True, squeeze=False, figsize=(WIDTH, height), layout="constrained")
    # pyplot would show it by itself when the cell ends, beside the cell's result; it also keeps what it made for ever.
    plt.close(figure)
    return figure, list(axes[:, 0])


def require_pandas() -> Any:
    """Return pandas, or raise an `ImportError` that says how to install it."""
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("Tables need pandas: pip install 'rtc-widget[data]'") from None
    return pd
