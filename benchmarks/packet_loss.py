"""Compares what a recogniser understands after packet loss, with our audio buffer and with aiortc's.

Spoken questions are encoded as Opus packets (RFC 7587) of 20 ms, of which a share is lost at random. The rest passes
through a buffer, the decoder and the server's input audio. Each buffer gets the same losses: ours, aiortc's as it is,
and aiortc's with the shortest delay that it can have. The output is the share of wrong words, the share of the arrived
packets that left the buffer, and the duration of the result compared to what was spoken.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from aiortc.codecs.opus import OpusDecoder, OpusEncoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import RtpPacket
from av import AudioFrame
from tests.speech import recognize, spoken, word_error_rate

from benchmarks._comparison import Comparison, Results
from rtc_widget._aiortc.audio_buffer import AudioBuffer
from rtc_widget._aiortc.input_track import Late, input_samples

QUESTIONS = (
    "What does a jitter buffer do when packets arrive late over the network?",
    "Please tell me the weather in Paris on Monday and on Tuesday morning.",
    "How many people live in the largest city of the country?",
)
LOSSES = (0.0, 0.05, 0.1, 0.2, 0.3)
SEEDS = range(3)
BUFFERS: dict[str, Callable[[], AudioBuffer | JitterBuffer]] = {
    "AudioBuffer": AudioBuffer,
    "aiortc's": partial(JitterBuffer, capacity=16, prefetch=4),
    "its shortest": partial(JitterBuffer, capacity=16, prefetch=1),
}
MEASURES = (
    ("wrong words", "% of the words"),
    ("packets that left the buffer", "% of those that arrived"),
    ("duration of the result", "% of what was spoken"),
)
RATE, FRAME = 48_000, 960
INPUT_RATE = 16_000


def packets(text: str) -> list[RtpPacket]:
    """Return the RTP packets of `text`, spoken."""
    pcm, encoder = spoken(text), OpusEncoder()
    made: list[RtpPacket] = []
    for at in range(0, len(pcm) - FRAME, FRAME):
        frame = AudioFrame.from_ndarray(pcm[at : at + FRAME][np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), at
        for data in encoder.encode(frame)[0]:
            packet = RtpPacket(payload_type=111, sequence_number=len(made), timestamp=len(made) * FRAME)
            packet._data = data  # type: ignore[attr-defined]
            made.append(packet)
    return made


class Decoded(MediaStreamTrack):
    """The audio that leaves a buffer, decoded."""

    kind = "audio"

    def __init__(self, arrived: list[RtpPacket], buffer: AudioBuffer | JitterBuffer) -> None:
        super().__init__()
        self.given_out = 0
        self._frames = self._decode(arrived, buffer)

    def _decode(self, arrived: list[RtpPacket], buffer: AudioBuffer | JitterBuffer) -> Iterator[Any]:
        decoder = OpusDecoder()
        for packet in arrived:
            _, frame = buffer.add(packet)
            if frame is not None:
                self.given_out += 1
                yield from decoder.decode(frame)

    async def recv(self) -> Any:
        """Return the next frame."""
        for frame in self._frames:
            return frame
        raise MediaStreamError


async def heard(arrived: list[RtpPacket], buffer: AudioBuffer | JitterBuffer) -> tuple[str, float, float]:
    """Return the recognised text, the share of packets that left the buffer, and the duration in seconds."""
    track = Decoded(arrived, buffer)
    parts = [part async for part in input_samples(track, INPUT_RATE) if not isinstance(part, Late)]
    samples = np.concatenate(parts)
    return recognize(samples, INPUT_RATE), track.given_out / len(arrived), len(samples) / INPUT_RATE


def run(quick: bool) -> Results:
    """Measure each buffer with each share of loss."""
    streams = {text: packets(text) for text in (QUESTIONS[:1] if quick else QUESTIONS)}
    for loss in (0.1,) if quick else LOSSES:
        results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in BUFFERS}
        for (text, sent), seed in ((stream, seed) for stream in streams.items() for seed in SEEDS):
            chance = random.Random(seed)
            arrived = [packet for packet in sent if chance.random() >= loss]
            for name, lines in results.items():
                said, share, seconds = asyncio.run(heard(arrived, BUFFERS[name]()))
                duration = seconds / (len(sent) * FRAME / RATE)
                lines.append((100 * word_error_rate(text, said), 100 * share, 100 * duration))
        for number, (title, unit) in enumerate(MEASURES):
            samples = {name: [line[number] for line in lines] for name, lines in results.items()}
            yield Comparison(f"{title}, {loss:.0%} of the packets lost", unit, "AudioBuffer", samples)
