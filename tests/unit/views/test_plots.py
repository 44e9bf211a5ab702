"""Plots follow the theme of the notebook, and say in a sentence what they show."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from rtc_widget.audio.clip import AudioClip
from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.latency import Latency
from rtc_widget.themed_figure import INK
from tests.unit.conversation.test_latency_usage_timeline import CALL_LOG
from tests.unit.views.test_views import samples


def clip() -> AudioClip:
    return AudioClip((8000 * np.sin(np.arange(24000) / 20)).astype(np.int16), 24000)


PLOTS: dict[str, tuple[Callable[[], Any], str]] = {
    "statistics": (lambda: samples().plot(), "399 samples over time. The last round trip took 399 ms."),
    "latency": (lambda: Latency(CALL_LOG).plot(), "the first audio came after"),
    "timeline": (lambda: EventLog(CALL_LOG).timeline(), "in five lanes: You"),
    "clip": (lambda: clip().plot(), "Waveform and spectrogram of 1.0 s of audio."),
}


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_has_the_color_of_the_page_and_alternative_text(name):
    plot, words = PLOTS[name]
    html = plot()._repr_html_()
    drawing = ET.fromstring(html.removeprefix('<div class="rtcw-plot">').removesuffix("</div>"))
    assert drawing.get("role") == "img"
    assert words in (drawing.get("aria-label") or "")
    texts = [element for element in drawing.iter() if element.tag.endswith("}text")]
    assert texts
    assert all("currentColor" in (element.get("style") or "") for element in texts)
    assert INK not in html


def test_the_image_of_a_plot_has_no_background():
    image = io.BytesIO()
    samples().plot().savefig(image, format="png")
    image.seek(0)
    pixels = matplotlib.image.imread(image)
    assert pixels[0, 0, 3] == 0


def test_a_drawing_that_is_too_large_is_an_image_with_alternative_text(monkeypatch):
    monkeypatch.setattr("rtc_widget.themed_figure._MAX_CHARACTERS", 1000)
    html = clip().plot()._repr_html_()
    assert html.startswith("<img ")
    assert 'alt="Waveform and spectrogram of 1.0 s of audio."' in html


def test_the_axes_of_a_user_keep_their_colors():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 1)
    assert clip().plot(axes) is figure
    assert figure.get_facecolor()[3] == 1
    plt.close(figure)
