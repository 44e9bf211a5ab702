"""Plays each audio file to the model and writes the response next to it: ``python examples/ask_files.py folder/*.wav``.

Each file has its own call, so that no response depends on an earlier one. At the end the script prints the transcript
of each response, or the error.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rtc_widget import RtcWidgetError, VoiceChat

AT_ONCE = 4


async def ask(path: Path, at_once: asyncio.Semaphore) -> tuple[Path, str]:
    """Return the path of a file and the text of the response, or of the error."""
    async with at_once:
        try:
            return path, await answer_to(path)
        except (RtcWidgetError, OSError) as error:
            return path, f"!! {error}"


async def answer_to(path: Path) -> str:
    """Make a call, play the file in place of the microphone, and save the audio of the response."""
    async with VoiceChat(page="headless", microphone=path) as chat, chat.record() as recorder:
        await chat.wait_for("output_audio_buffer.stopped", timeout=120)
        began = chat.events.last("output_audio_buffer.started").elapsed
        recording = await recorder.finish()
        recording.assistant.between(began).to_wav(path.with_suffix(".answer.wav"))
        return chat.transcript[-1].text


async def ask_all(paths: list[Path]) -> list[tuple[Path, str]]:
    """Ask all files, at most `AT_ONCE` at a time; return the results in the order of `paths`."""
    at_once = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(ask(path, at_once) for path in paths))


if __name__ == "__main__":
    for path, answer in asyncio.run(ask_all([Path(name) for name in sys.argv[1:]])):
        print(f"{path.name}: {answer}")
