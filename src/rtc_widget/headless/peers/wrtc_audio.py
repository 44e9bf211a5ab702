"""Audio of a peer on wrtc: the tracks that it sends, and the reading of those that it receives."""

from __future__ import annotations

import asyncio

import webrtc

from rtc_widget.headless.peers.sources import FRAME_LENGTH, FRAME_SECONDS, RATE, AudioSource

MAX_LAG_SECONDS = 0.5
"""After a longer delay the schedule starts again, instead of sending the missed frames at once."""


async def feed(track: webrtc.MediaStreamTrackGenerator, source: AudioSource) -> None:
    """Write frames of 20 ms to `track` in real time until it ends."""
    writer = track.writable.get_writer()
    loop = asyncio.get_running_loop()
    origin, count = loop.time(), 0
    while track.ready_state == "live":
        pcm = source.read(FRAME_LENGTH)
        init = webrtc.AudioDataInit("s16", RATE, FRAME_LENGTH, 1, round(count * FRAME_SECONDS * 1e6), pcm.tobytes())
        await writer.write(webrtc.AudioData(init))
        count += 1
        wait = origin + count * FRAME_SECONDS - loop.time()
        if wait < -MAX_LAG_SECONDS:
            origin -= wait
        await asyncio.sleep(max(0.0, wait))


def consume(track: webrtc.MediaStreamTrack) -> webrtc.MediaStreamTrackProcessor:
    """Take the audio of a remote track out of its jitter buffer, as a loudspeaker does, while the result is kept.

    The frames are dropped; without a reader libwebrtc decodes nothing, and the statistics do not move.
    """
    return webrtc.MediaStreamTrackProcessor(webrtc.MediaStreamTrackProcessorInit(track, 1))
