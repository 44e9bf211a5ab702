"""The clips of the kernel, which a page plays."""

from __future__ import annotations

import base64

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.headless.bridge import PageBridge

CLIP_SECONDS = 30.0
"""How long the kernel may take to send a part of a clip."""


async def fetch_clip(bridge: PageBridge, clip: str) -> MonoAudio:
    """Request a clip from the kernel, in parts."""
    parts: list[bytes] = []
    rate = 0
    first: int | None = 0
    while first is not None:
        part = await bridge.request("clip", limit=CLIP_SECONDS, clip=clip, first=first)
        parts.append(base64.b64decode(part["data"]))
        rate, first = part["rate"], part["next"]
    return MonoAudio(np.frombuffer(b"".join(parts), "<i2").astype(np.float32) / np.float32(32768), rate)
