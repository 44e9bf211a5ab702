"""A figure of matplotlib in the colors of a notebook's theme; imported only where a plot is drawn."""

from __future__ import annotations

import base64
import io
import re
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.text import Text

INK = "#777777"
"""Readable on white and on black: where a host shows the image and not the drawing, it stays this gray."""

_MAX_CHARACTERS = 400_000
_BLACK = ("black", "k", "#000000", "0.0")


class ThemedFigure(Figure):
    """A figure without a background, whose text and axes have the color of the page around it.

    Attributes
    ----------
    alternative_text : str
        What it shows, in a sentence, for those who cannot see it.
    """

    alternative_text = ""

    def finish(self, alternative_text: str) -> None:
        """Take the colors of the theme, after everything is drawn.

        Parameters
        ----------
        alternative_text : str
            What it shows, in a sentence.
        """
        self.alternative_text = alternative_text
        self.patch.set_facecolor("none")
        for axes in self.axes:
            axes.set_facecolor("none")
            axes.tick_params(colors=INK, which="both")
            for spine in axes.spines.values():
                spine.set_edgecolor(INK)
        for text in self.findobj(Text):
            if isinstance(text, Text) and text.get_color() in _BLACK:
                text.set_color(INK)

    def _repr_html_(self) -> str:
        label = escape(self.alternative_text)
        svg = self._svg()
        if len(svg) <= _MAX_CHARACTERS:
            head = f'<svg role="img" aria-label="{label}" style="max-width:100%;height:auto;color:inherit" '
            return f'<div class="rtcw-plot">{svg.replace("<svg ", head, 1)}</div>'
        image = io.BytesIO()
        self.savefig(image, format="png")
        data = base64.b64encode(image.getvalue()).decode()
        return f'<img style="max-width:100%" alt="{label}" src="data:image/png;base64,{data}">'

    def _svg(self) -> str:
        text = io.StringIO()
        with mpl.rc_context({"svg.fonttype": "none"}):
            self.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        svg = text.getvalue()
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
        return svg.replace(INK, "currentColor")
