from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rtc_widget import VoiceChat
from rtc_widget.audio.clip import AudioClip
from rtc_widget.server.process import shared_process
from tests.limits import HANGS
from tests.patience import wait_patiently
from tests.speech import WAV_RATE, spoken

QUESTION = "What is a jitter buffer?"
ANSWER = "A jitter buffer holds arriving packets for a short while."
"""Of an explanation by the tutor, which takes 13 s to speak, the first clause."""


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(autouse=True, scope="package")
def _patience() -> Iterator[None]:
    take_back = wait_patiently()
    yield
    take_back()


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., VoiceChat]]:
    """Makes chats without a browser, and closes them at the end."""
    async with asyncio.timeout(HANGS):
        await asyncio.wrap_future(shared_process().ready)
    made: list[VoiceChat] = []

    def chat(*arguments: Any, **settings: Any) -> VoiceChat:
        made.append(VoiceChat(*arguments, page="headless", **settings))
        return made[-1]

    yield chat
    for one in made:
        one.close()
    gc.collect()


def question(text: str = QUESTION) -> AudioClip:
    """Return a spoken question."""
    return AudioClip(spoken(text), WAV_RATE)


def sockets() -> int:
    """Return how many sockets this process holds."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue  # it was the one of this very listing
    return count


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}
