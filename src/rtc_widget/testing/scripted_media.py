"""The media of a scripted page: audio for recordings, W3C reports for the statistics."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rtc_widget.types import Track

_PACKETS_PER_SECOND = 50
_SAMPLE_RATE = 48_000


@dataclass(frozen=True, slots=True)
class Measures:
    """The measurements of a browser, with the names of `StatsSample`; None is not reported."""

    round_trip_time: float | None = None
    jitter: float | None = None
    loss: float = 0.0
    sent_loss: float | None = None
    received_bitrate: float = 32_000.0
    sent_bitrate: float = 32_000.0
    assistant_level: float | None = None
    user_level: float | None = None
    playout_delay: float = 0.04
    concealed: float = 0.0
    codec: str = "opus 48000/2"


class ScriptedMedia:
    """Sends numbered ``audio`` and ``stats`` messages.

    Parameters
    ----------
    send : callable
        Sends a message of a type with its fields.
    """

    def __init__(self, send: Callable[..., None]) -> None:
        self._send = send
        self._numbers = itertools.count()
        self._attempt: str | None = None
        self._counters: dict[str, float] = {}

    def record(self, track: Track, rate: int, pcm: bytes, attempt: str, at_ms: float) -> None:
        """Send audio that starts at `at_ms`, in chunks of one second."""
        for first in range(0, len(pcm), 2 * rate):
            self._send(
                "audio",
                number=next(self._numbers),
                attempt=attempt,
                track=track,
                rate=rate,
                at_ms=at_ms + first / 2 / rate * 1000,
                lost=0,
                data=base64.b64encode(pcm[first : first + 2 * rate]).decode(),
            )

    def measure(self, measures: Measures, seconds: float, attempt: str, at_ms: float) -> None:
        """Send the result of ``getStats()``, `seconds` after the previous one."""
        if attempt != self._attempt:
            # A new connection counts from zero.
            self._attempt, self._counters = attempt, {}
        packets, samples = _PACKETS_PER_SECOND * seconds, _SAMPLE_RATE * seconds
        growth = {
            "bytesReceived": measures.received_bitrate * seconds / 8,
            "packetsReceived": packets * (1 - measures.loss),
            "packetsLost": packets * measures.loss,
            "jitterBufferDelay": measures.playout_delay * samples,
            "jitterBufferEmittedCount": samples,
            "concealedSamples": measures.concealed * samples,
            "totalSamplesReceived": samples,
            "bytesSent": measures.sent_bitrate * seconds / 8,
        }
        self._counters = {name: self._counters.get(name, 0.0) + value for name, value in growth.items()}
        self._send(
            "stats",
            number=next(self._numbers),
            attempt=attempt,
            time_ms=at_ms,
            reports=[{"timestamp": at_ms, **report} for report in _reports(measures, self._counters)],
        )


def _reports(measures: Measures, counters: dict[str, float]) -> list[dict[str, Any]]:
    """Return reports of W3C WebRTC Statistics, section 8."""
    received = {name: value for name, value in counters.items() if name != "bytesSent"}
    name, _, clock = measures.codec.partition(" ")
    rate, _, channels = clock.partition("/")
    codec: dict[str, Any] = {"id": "C", "type": "codec", "mimeType": f"audio/{name}"}
    codec |= {key: int(number) for key, number in (("clockRate", rate), ("channels", channels)) if number}
    stream = {"kind": "audio", "codecId": "C"}
    reports: list[dict[str, Any]] = [
        codec,
        {"id": "I", "type": "inbound-rtp", **stream, **received}
        | _known(jitter=measures.jitter, audioLevel=measures.assistant_level),
        {"id": "O", "type": "outbound-rtp", **stream, "bytesSent": counters["bytesSent"]},
        {"id": "S", "type": "media-source", "kind": "audio"} | _known(audioLevel=measures.user_level),
        {"id": "R", "type": "remote-inbound-rtp", "kind": "audio"}
        | _known(roundTripTime=measures.round_trip_time, fractionLost=measures.sent_loss),
    ]
    return reports


def _known(**values: float | None) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}
