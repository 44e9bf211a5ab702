"""Asks each of many sound files and writes the answers beside them: ``python examples/ask_files.py folder/*.wav``.

A new call for each file, so that no answer depends on the one before. What could not be asked is told at the end.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rtc_widget import RtcWidgetError, VoiceChat

AT_ONCE = 4


async def ask(path: Path, at_once: asyncio.Semaphore) -> tuple[Path, str]:
    """Ask one file; returns its path and the answer, or what went wrong."""
    async with at_once:
        try:
            return path, await answer_to(path)
        except (RtcWidgetError, OSError) as error:
            return path, f"!! {error}"


async def answer_to(path: Path) -> str:
    """Call, let the file speak in the microphone's place, and keep the answer."""
    async with VoiceChat(page="headless", microphone=path) as chat, chat.record() as recorder:
        await chat.wait_for("output_audio_buffer.stopped", timeout=120)
        began = chat.events.last("output_audio_buffer.started").elapsed
        recording = await recorder.finish()
        recording.assistant.between(began).to_wav(path.with_suffix(".answer.wav"))
        return chat.transcript[-1].text


async def ask_all(paths: list[Path]) -> list[tuple[Path, str]]:
    """Ask them all, a few at once; in their order."""
    at_once = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(ask(path, at_once) for path in paths))


if __name__ == "__main__":
    for path, answer in asyncio.run(ask_all([Path(name) for name in sys.argv[1:]])):
        print(f"{path.name}: {answer}")
