"""Packages that only some features need; each is imported when a feature is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 9.0
"""The width of a figure in inches: that of a notebook's cell."""


def new_figure(rows: int, *, height: float) -> tuple[Figure, list[Any]]:
    """Return a figure, and its axes from top to bottom; all axes share one x axis.

    A notebook shows the figure as the result of a cell, or by `display`. pyplot does not show it a second time.

    Parameters
    ----------
    rows : int
        The number of axes.
    height : float
        The height of the figure in inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the message says how to install it.
    """
    try:
        import matplotlib.pyplot as plt

        from rtc_widget.themed_figure import ThemedFigure
    except ImportError:
        raise ImportError("Plots need matplotlib: pip install 'rtc-widget[data]'") from None
    figure, axes = plt.subplots(
        rows, 1, sharex=True, squeeze=False, figsize=(WIDTH, height), layout="constrained", FigureClass=ThemedFigure
    )
    # pyplot keeps every open figure in memory and shows it once more when the cell ends.
    plt.close(figure)
    return figure, list(axes[:, 0])


def finished(figure: Figure, alternative_text: str) -> Figure:
    """Return a figure of `new_figure` in the colors of the notebook's theme; a figure of the user as it is.

    Parameters
    ----------
    figure : Figure
        Everything is drawn.
    alternative_text : str
        What it shows, in a sentence.
    """
    finish = getattr(figure, "finish", None)
    if finish is not None:
        finish(alternative_text)
    return figure


def require_pandas() -> Any:
    """Return pandas.

    Raises
    ------
    ImportError
        If pandas is not installed; the message says how to install it.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("Tables need pandas: pip install 'rtc-widget[data]'") from None
    return pd


def require_numpy() -> Any:
    """Return numpy.

    Raises
    ------
    ImportError
        If numpy is not installed; the message says how to install it.
    """
    try:
        import numpy as np
    except ImportError:
        raise ImportError("Audio needs numpy: pip install 'rtc-widget[data]'") from None
    return np


def require_av() -> Any:
    """Return PyAV.

    Raises
    ------
    ImportError
        If PyAV is not installed; the message says how to install it.
    """
    try:
        import av
    except ImportError:
        raise ImportError("Audio files and resampling need PyAV: pip install 'rtc-widget[data]'") from None
    return av
