"""The statistics of a call's connection: the browser's measurements, one sample per second."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, overload

from rtc_widget._sequence import FrozenSequence
from rtc_widget.optional import finished, new_figure, require_pandas
from rtc_widget.webrtc.stats_html import log_html, sample_html
from rtc_widget.webrtc.stats_reports import Counters, StatsReports

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MAX_SAMPLES = 36_000
"""Ten hours at one sample per second."""


@dataclass(frozen=True, slots=True)
class CandidatePair:
    """The two ends of the connection (W3C WebRTC Statistics, ``candidate-pair``).

    The types are ``host``, ``srflx``, ``prflx`` or ``relay``. An address is empty if the browser hides it.
    """

    local_type: str
    local_address: str
    local_port: int | None
    remote_type: str
    remote_address: str
    remote_port: int | None
    protocol: str

    def __str__(self) -> str:
        local, remote = f"{self.local_type} {self.local_address}", f"{self.remote_type} {self.remote_address}"
        return f"{local}:{self.local_port} → {remote}:{self.remote_port} ({self.protocol})"

    def __repr__(self) -> str:
        # Without addresses: a notebook stores it.
        return f"<CandidatePair: {self.local_type} → {self.remote_type} ({self.protocol})>"


@dataclass(frozen=True, slots=True)
class StatsSample:
    """The values of one ``RTCPeerConnection.getStats()``; None if the browser does not report a value.

    Rates and shares cover the time since the sample before, so the first sample of a connection has none.

    Attributes
    ----------
    time : datetime.datetime
        The time on the page's clock; aware, UTC.
    elapsed : float
        Seconds since the call began, as `Event.elapsed`.
    round_trip_time : float or None
        Seconds: by RTCP if the other side reports it, otherwise by connectivity checks.
    jitter : float or None
        The jitter of received packets in seconds (RFC 3550, section 6.4.1).
    loss : float or None
        The share of packets to this side that were lost, from 0 to 1.
    sent_loss : float or None
        The share of packets from this side that were lost, as the other side reports it.
    received_bitrate, sent_bitrate : float or None
        Bits of audio per second, without headers.
    assistant_level, user_level : float or None
        The audio level: 0 is silence, 1 is full scale.
    playout_delay : float or None
        The mean time of samples in the jitter buffer, in seconds.
    concealed : float or None
        The share of played samples that replace missing ones.
    codec : str or None
        The codec, such as ``"opus 48000/2"``.
    candidate_pair : CandidatePair or None
        The two ends of the connection.
    raw : tuple of dict or None
        The unchanged W3C reports; only the newest sample has them.
    call : int
        The number of the call among the calls with statistics, from 1. A reconnection does not change it.
    """

    time: datetime
    elapsed: float
    round_trip_time: float | None = None
    jitter: float | None = None
    loss: float | None = None
    sent_loss: float | None = None
    received_bitrate: float | None = None
    sent_bitrate: float | None = None
    assistant_level: float | None = None
    user_level: float | None = None
    playout_delay: float | None = None
    concealed: float | None = None
    codec: str | None = None
    candidate_pair: CandidatePair | None = None
    raw: tuple[Mapping[str, Any], ...] | None = None
    call: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return the sample as a JSON object without `raw`; `from_json` reads it."""
        return {**asdict(replace(self, raw=None)), "time": self.time.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StatsSample:
        """Return the sample of a `to_json` object; unknown fields are ignored."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        values["time"] = datetime.fromisoformat(values["time"])
        if values.get("candidate_pair") is not None:
            values["candidate_pair"] = CandidatePair(**values["candidate_pair"])
        return cls(**values)

    def __repr__(self) -> str:
        parts = [f"{self.elapsed:.1f} s"]
        if self.round_trip_time is not None:
            parts.append(f"round trip {1000 * self.round_trip_time:.0f} ms")
        if self.jitter is not None:
            parts.append(f"jitter {1000 * self.jitter:.0f} ms")
        if self.loss is not None:
            parts.append(f"loss {self.loss:.1%}")
        if self.codec is not None:
            parts.append(self.codec)
        return f"<StatsSample: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        return sample_html(self)


class StatsLog(FrozenSequence[StatsSample]):
    """The statistics of a widget's calls, oldest first; beyond `limit` the oldest are dropped.

    The table has each attribute as a column: ``chat.stats.to_pandas()["jitter"]``.

    Parameters
    ----------
    samples : iterable of StatsSample
        The first samples.
    limit : int
        The maximum number of samples.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> log = StatsLog([StatsSample(datetime(2026, 1, 1, tzinfo=UTC), 1.0, round_trip_time=0.02)])
    >>> log.last.round_trip_time
    0.02
    """

    def __init__(self, samples: Iterable[StatsSample] = (), *, limit: int = MAX_SAMPLES) -> None:
        self._samples: deque[StatsSample] = deque(maxlen=limit)
        self._counters = Counters()
        self._attempt: str | None = None
        for sample in samples:
            self._append(sample)

    def add(
        self, attempt: str, time_ms: float, elapsed: float, reports: Sequence[Mapping[str, Any]], *, call: int = 1
    ) -> StatsSample:
        """Append a sample of one ``getStats()``.

        Parameters
        ----------
        attempt : str
            The connection. The counters of another connection start at 0.
        time_ms : float
            Milliseconds since 1970, UTC.
        elapsed : float
            Seconds since the call began.
        reports : sequence of mapping
            The W3C reports.
        call : int
            The number of the call.
        """
        if attempt != self._attempt:
            self._attempt, self._counters = attempt, Counters()
        report = StatsReports(reports)
        now = report.counters(time_ms / 1000)
        since, self._counters = now.since(self._counters), now
        pair = report.candidate_pair()
        sample = StatsSample(
            time=datetime.fromtimestamp(time_ms / 1000, UTC),
            elapsed=elapsed,
            round_trip_time=report.round_trip_time(),
            jitter=report.jitter(),
            loss=since.share("packets_lost", "packets_received", "packets_lost"),
            sent_loss=report.sent_loss(),
            received_bitrate=since.bits_a_second("bytes_received"),
            sent_bitrate=since.bits_a_second("bytes_sent"),
            assistant_level=report.assistant_level(),
            user_level=report.user_level(),
            playout_delay=since.share("delay", "emitted"),
            concealed=since.share("concealed", "samples"),
            codec=report.codec(),
            candidate_pair=CandidatePair(**pair) if pair else None,
            raw=tuple(reports),
            call=call,
        )
        self._append(sample)
        return sample

    @property
    def limit(self) -> int:
        """The maximum number of samples."""
        return self._samples.maxlen or MAX_SAMPLES

    @property
    def last(self) -> StatsSample | None:
        """The newest sample, the only one with `raw`; None if there are no samples."""
        return self._samples[-1] if self._samples else None

    def between(self, start: float, end: float) -> StatsLog:
        """Return the samples from `start` (included) to `end` (excluded) of each call.

        Parameters
        ----------
        start, end : float
            Seconds since the call began.
        """
        return StatsLog(sample for sample in self._snapshot() if start <= sample.elapsed < end)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per sample and one column per attribute (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        pd = require_pandas()
        samples = self._snapshot()
        columns: dict[str, Any] = {"time": pd.to_datetime([sample.time for sample in samples], utc=True)}
        for name in _NUMBERS:
            columns[name] = pd.array([getattr(sample, name) for sample in samples], dtype="Float64").astype("float64")
        columns["call"] = [sample.call for sample in samples]
        columns["codec"] = pd.array([sample.codec for sample in samples], dtype="string")
        pairs = [sample.candidate_pair and str(sample.candidate_pair) for sample in samples]
        columns["candidate_pair"] = pd.array(pairs, dtype="string")
        return pd.DataFrame(columns)

    def plot(self) -> Figure:
        """Draw delays, bitrates, losses and audio levels over time (extra ``data``).

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message says how to install it.
        """
        return draw_stats(self._snapshot())

    @overload
    def __getitem__(self, index: int) -> StatsSample: ...
    @overload
    def __getitem__(self, index: slice) -> StatsLog: ...
    def __getitem__(self, index: int | slice) -> StatsSample | StatsLog:
        samples = self._snapshot()
        return StatsLog(samples[index]) if isinstance(index, slice) else samples[index]

    def __repr__(self) -> str:
        if not self._samples:
            return "<StatsLog: empty>"
        return f"<StatsLog: {len(self)} samples, the last: {self._samples[-1]!r}>"

    def _repr_html_(self) -> str:
        return log_html(self._snapshot())

    def _append(self, sample: StatsSample) -> None:
        # The reports are much larger than the rest of a sample.
        if self._samples and self._samples[-1].raw is not None:
            self._samples[-1] = replace(self._samples[-1], raw=None)
        self._samples.append(sample)

    def _snapshot(self) -> list[StatsSample]:
        return list(self._samples)


_NUMBERS = (
    "elapsed",
    "round_trip_time",
    "jitter",
    "loss",
    "sent_loss",
    "received_bitrate",
    "sent_bitrate",
    "assistant_level",
    "user_level",
    "playout_delay",
    "concealed",
)


# The rows of the plot: unit, lines by attribute and label, and the factor to the unit.
_ROWS: tuple[tuple[str, tuple[tuple[str, str], ...], float], ...] = (
    ("ms", (("round_trip_time", "round trip"), ("jitter", "jitter"), ("playout_delay", "playout delay")), 1000),
    ("kbit/s", (("received_bitrate", "received"), ("sent_bitrate", "sent")), 1 / 1000),
    ("% lost", (("loss", "received"), ("sent_loss", "sent"), ("concealed", "concealed")), 100),
    ("level", (("assistant_level", "assistant"), ("user_level", "user")), 1),
)
_NOTHING = float("nan")


def draw_stats(samples: Sequence[StatsSample]) -> Figure:
    """Draw delays, bitrates, losses and audio levels, one above the other."""
    figure, axes = new_figure(len(_ROWS), height=7.0)
    # NaN breaks the lines between calls: the seconds of each call start at 0.
    calls = [list(of_call) for _, of_call in groupby(samples, lambda sample: sample.call)]
    seconds = [second for call in calls for second in (*(sample.elapsed for sample in call), _NOTHING)][:-1]
    for (unit, lines, factor), row in zip(_ROWS, axes, strict=True):
        for name, label in lines:
            parts = [[_scaled(getattr(sample, name), factor) for sample in call] for call in calls]
            values = [value for part in parts for value in (*part, _NOTHING)][:-1]
            # The lines of a few samples are hardly visible without markers.
            row.plot(seconds, values, label=label, linewidth=1.2, marker="." if len(samples) < 30 else None)
        row.set_ylabel(unit)
        row.set_ylim(bottom=0)
        row.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small")
        row.grid(visible=True, alpha=0.3)
    axes[-1].set_xlabel("seconds since the call began")
    last = samples[-1].round_trip_time if samples else None
    trip = "" if last is None else f" The last round trip took {last * 1000:.0f} ms."
    return finished(figure, f"Delays, bitrates, losses and audio levels of {len(samples)} samples over time.{trip}")


def _scaled(value: float | None, factor: float) -> Any:
    return _NOTHING if value is None else value * factor
