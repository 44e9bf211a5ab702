from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtc_widget import VoiceChat
from rtc_widget.local.process import shared_process
from rtc_widget.media_desk import Utterance
from tests.speech import WAV_RATE, spoken

QUESTION = "What is a jitter buffer?"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., VoiceChat]]:
    """Makes chats without a browser, and closes them at the end."""
    await asyncio.wrap_future(shared_process().ready)
    made: list[VoiceChat] = []

    def chat(*arguments: Any, **settings: Any) -> VoiceChat:
        made.append(VoiceChat(*arguments, page="headless", **settings))
        return made[-1]

    yield chat
    for one in made:
        one.close()
    gc.collect()


async def ask_aloud(chat: VoiceChat, question: str = QUESTION) -> None:
    """Speak a question into the call, as a person would."""
    pcm: np.ndarray = spoken(question)
    clip = chat._media.offer(Utterance(pcm.astype("<i2").tobytes(), WAV_RATE))
    await chat._bridge.request("say", timeout=60, clip=clip)
    chat._media.withdraw(clip)


async def eventually(is_so: Callable[[], object], timeout: float = 20.0) -> None:
    async with asyncio.timeout(timeout):
        while not is_so():
            await asyncio.sleep(0.02)


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
