"""Reads W3C WebRTC Statistics: the values of reports, and the growth of their counters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of a connection at a time in seconds; they only grow."""

    seconds: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)

    def since(self, before: Counters) -> Growth:
        """Return the growth since an earlier time."""
        if self.seconds is None or before.seconds is None:
            return Growth(0.0, {})
        both = self.values.keys() & before.values.keys()
        return Growth(self.seconds - before.seconds, {name: self.values[name] - before.values[name] for name in both})


@dataclass(frozen=True, slots=True)
class Growth:
    """The growth of counters in a number of seconds."""

    seconds: float
    values: Mapping[str, float]

    def bits_a_second(self, name: str) -> float | None:
        """Return the growth of a number of bytes as a bitrate."""
        value = self.values.get(name)
        # A counter that has decreased belongs to another stream.
        return None if value is None or value < 0 or self.seconds <= 0 else 8 * value / self.seconds

    def share(self, part: str, *whole: str) -> float | None:
        """Return the growth of `part` as a share of that of `whole`."""
        if part not in self.values or any(name not in self.values for name in whole):
            return None
        total = sum(self.values[name] for name in whole)
        # Late packets reduce the number of lost ones, so it may decrease.
        return max(0.0, self.values[part] / total) if total > 0 else None


class StatsReports:
    """The reports of one ``getStats()`` by type and by id."""

    def __init__(self, reports: Iterable[Report]) -> None:
        self._reports = [report for report in reports if isinstance(report.get("type"), str)]
        self._by_id = {report["id"]: report for report in self._reports if isinstance(report.get("id"), str)}
        self._inbound = self._audio("inbound-rtp")
        self._outbound = self._audio("outbound-rtp")
        self._pair = self._used_pair()

    def counters(self, seconds: float) -> Counters:
        """Return the present counters; `seconds` is the time of the reports."""
        found = {
            "bytes_received": _number(self._inbound, "bytesReceived"),
            "packets_received": _number(self._inbound, "packetsReceived"),
            "packets_lost": _number(self._inbound, "packetsLost"),
            "delay": _number(self._inbound, "jitterBufferDelay"),
            "emitted": _number(self._inbound, "jitterBufferEmittedCount"),
            "concealed": _number(self._inbound, "concealedSamples"),
            "samples": _number(self._inbound, "totalSamplesReceived"),
            "bytes_sent": _number(self._outbound, "bytesSent"),
        }
        return Counters(seconds, {name: value for name, value in found.items() if value is not None})

    def round_trip_time(self) -> float | None:
        """Return the round-trip time in seconds."""
        by_rtcp = _number(self._audio("remote-inbound-rtp"), "roundTripTime")
        return _number(self._pair, "currentRoundTripTime") if by_rtcp is None else by_rtcp

    def jitter(self) -> float | None:
        """Return the jitter of received packets in seconds."""
        return _number(self._inbound, "jitter")

    def sent_loss(self) -> float | None:
        """Return the share of lost packets that the other side reports."""
        return _number(self._audio("remote-inbound-rtp"), "fractionLost")

    def assistant_level(self) -> float | None:
        """Return the level of the received audio, from 0 to 1."""
        return _number(self._inbound, "audioLevel")

    def user_level(self) -> float | None:
        """Return the level of the sent audio, from 0 to 1."""
        return _number(self._audio("media-source"), "audioLevel")

    def codec(self) -> str | None:
        """Return the codec in use, such as ``"opus 48000/2"``."""
        for stream in (self._inbound, self._outbound):
            codec = self._by_id.get(str(stream.get("codecId")), {})
            name = codec.get("mimeType")
            if isinstance(name, str):
                rate, channels = (_number(codec, key) for key in ("clockRate", "channels"))
                words = name.removeprefix("audio/") + ("" if rate is None else f" {rate:g}")
                return words + ("" if rate is None or channels is None else f"/{channels:g}")
        return None

    def candidate_pair(self) -> dict[str, Any] | None:
        """Return the fields of a `CandidatePair`; None before ICE has selected one."""
        if not self._pair:
            return None
        fields: dict[str, Any] = {}
        for end in ("remote", "local"):
            candidate = self._by_id.get(str(self._pair.get(f"{end}CandidateId")), {})
            port = _number(candidate, "port")
            fields[f"{end}_type"] = str(candidate.get("candidateType") or "")
            fields[f"{end}_address"] = str(candidate.get("address") or candidate.get("ip") or "")
            fields[f"{end}_port"] = None if port is None else int(port)
            fields["protocol"] = str(candidate.get("protocol") or "")
        return fields

    def _of(self, kind: str) -> list[Report]:
        return [report for report in self._reports if report["type"] == kind]

    def _audio(self, kind: str) -> Report:
        return next((report for report in self._of(kind) if report.get("kind", "audio") == "audio"), {})

    def _used_pair(self) -> Report:
        chosen = [self._by_id.get(str(transport.get("selectedCandidatePairId"))) for transport in self._of("transport")]
        # Firefox marks the pair itself.
        pairs = [pair for pair in chosen if pair] or [
            pair for pair in self._of("candidate-pair") if pair.get("selected")
        ]
        return pairs[0] if pairs else {}


def _number(report: Report, key: str) -> float | None:
    value = report.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number and value is not None else None
