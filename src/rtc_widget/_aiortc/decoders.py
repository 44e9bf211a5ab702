"""The decoder threads of aiortc."""

from __future__ import annotations

import asyncio
import threading

from aiortc import RTCPeerConnection


async def stop_decoders(connection: RTCPeerConnection) -> None:
    """End the decoder threads of `connection` without waiting for them on the event loop.

    ``RTCPeerConnection.close`` (aiortc 1.16) joins each thread on the event loop, where that would interrupt the audio
    of all other calls. The names of the thread and its queue are private and mangled.
    """
    for receiver in connection.getReceivers():
        thread = getattr(receiver, "_RTCRtpReceiver__decoder_thread", None)
        if isinstance(thread, threading.Thread) and thread.is_alive():
            receiver._RTCRtpReceiver__decoder_queue.put(None)  # type: ignore[attr-defined]
            await asyncio.to_thread(thread.join)
