from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rtc_widget import OpenAILive, VoiceChat
from rtc_widget.testing import ScriptedPage

MODEL = "gpt-6-luna"


@pytest.fixture
def page() -> ScriptedPage:
    return ScriptedPage()


@pytest.fixture
def make(page: ScriptedPage) -> Iterator[Any]:
    """Return a function that makes a widget with this backend."""
    widgets: list[VoiceChat] = []

    def make(backend: Any = MODEL, **options: Any) -> VoiceChat:
        widgets.append(VoiceChat(OpenAILive("sk-x", backend=backend), page=page, **options))
        return widgets[-1]

    yield make
    for widget in widgets:
        widget.close()


def types(page: ScriptedPage) -> list[str]:
    return [event["type"] for event in page.sent]
