from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.server.protocols.live.clock import GRID_MS
from rtc_widget.server.protocols.live.output_speech import OutputSpeech


class Voice:
    """Has half a second of sound for ASCII, and none for other text."""

    async def speak(self, text: str, **_how: Any) -> MonoAudio:
        return MonoAudio(np.full(12_000 if text.isascii() else 0, 0.5, np.float32), 24_000)


class Emitter:
    wants_output = False

    def __init__(self) -> None:
        self.deltas: list[tuple[str, int]] = []

    def emit(self, type: str, *, delta: str, start_ms: int, end_ms: int) -> None:
        self.deltas.append((delta, end_ms - start_ms))


@pytest.mark.parametrize(
    ("texts", "said", "unspoken"),
    [
        (["Hello there."], "Hello there.", ""),
        (["你好。"], "", "你好。"),
        (["नमस्ते दुनिया"], "", "नमस्ते दुनिया"),
        (["🎉"], "", "🎉"),
        (["Hello.", "你好。", "Bye."], "Hello. Bye.", " 你好。"),
    ],
)
async def test_words_without_sound_take_no_time_and_are_told_in_the_log(
    caplog: pytest.LogCaptureFixture, texts: list[str], said: str, unspoken: str
) -> None:
    clock, emitter = SimpleNamespace(ms=0), Emitter()
    speech = OutputSpeech(Voice(), emitter, clock, voice="marin", player=None)  # type: ignore[arg-type]
    for text in texts:
        await speech.say(text)
    while speech.is_speaking and clock.ms < 60_000:
        clock.ms += GRID_MS
        speech.advance(is_held=False)

    assert "".join(delta for delta, ms in emitter.deltas if ms == GRID_MS).strip() == said
    assert "".join(delta for delta, ms in emitter.deltas if ms == 0) == unspoken
    assert ("has no sound for a part of the text" in caplog.text) is bool(unspoken)
    assert not unspoken or unspoken.strip() not in caplog.text
