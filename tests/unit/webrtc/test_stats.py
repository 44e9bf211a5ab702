from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from rtc_widget.webrtc.stats import CandidatePair, StatsLog, StatsSample

START_MS = 1_795_286_400_000.0


def reports(
    *,
    received: int = 0,
    packets: int = 0,
    lost: int = 0,
    sent: int = 0,
    remote: dict | None = None,
    inbound: dict | None = None,
) -> list[dict]:
    """What Chromium says of an audio call, cut down to what is read and a little that is not."""
    return [
        {"id": "CF1", "type": "certificate", "fingerprint": "AA:BB"},
        {"id": "COT01_111", "type": "codec", "mimeType": "audio/opus", "clockRate": 48000, "channels": 2},
        {
            "id": "CP1",
            "type": "candidate-pair",
            "localCandidateId": "I1",
            "remoteCandidateId": "I2",
            "state": "waiting",
        },
        {
            "id": "CP2",
            "type": "candidate-pair",
            "localCandidateId": "I1",
            "remoteCandidateId": "I3",
            "state": "succeeded",
            "currentRoundTripTime": 0.003,
        },
        {
            "id": "I1",
            "type": "local-candidate",
            "candidateType": "host",
            "address": "192.0.2.7",
            "port": 4242,
            "protocol": "udp",
        },
        {
            "id": "I3",
            "type": "remote-candidate",
            "candidateType": "srflx",
            "address": "198.51.100.9",
            "port": 9,
            "protocol": "udp",
        },
        {
            "id": "IT01A1",
            "type": "inbound-rtp",
            "kind": "audio",
            "codecId": "COT01_111",
            "jitter": 0.004,
            "bytesReceived": received,
            "packetsReceived": packets,
            "packetsLost": lost,
            "audioLevel": 0.25,
            **(inbound or {}),
        },
        {"id": "OT01A1", "type": "outbound-rtp", "kind": "audio", "codecId": "COT01_111", "bytesSent": sent},
        {"id": "SA1", "type": "media-source", "kind": "audio", "audioLevel": 0.5},
        {"id": "T01", "type": "transport", "selectedCandidatePairId": "CP2"},
        *([{"id": "RI1", "type": "remote-inbound-rtp", "kind": "audio", **remote}] if remote else []),
    ]


def add(log: StatsLog, seconds: float, *given: dict, attempt: str = "a1", **counted: object) -> StatsSample:
    return log.add(attempt, START_MS + 1000 * seconds, seconds, list(given) or reports(**counted))


def test_a_sample_says_what_the_browser_measured():
    sample = add(StatsLog(), 2.0)
    assert sample.elapsed == 2.0
    assert sample.time.timestamp() == (START_MS + 2000) / 1000
    assert sample.jitter == 0.004
    assert (sample.assistant_level, sample.user_level) == (0.25, 0.5)
    assert sample.codec == "opus 48000/2"


def test_the_pair_in_use_is_told_with_both_ends():
    pair = add(StatsLog(), 1.0).candidate_pair
    assert pair == CandidatePair("host", "192.0.2.7", 4242, "srflx", "198.51.100.9", 9, "udp")
    assert str(pair) == "host 192.0.2.7:4242 → srflx 198.51.100.9:9 (udp)"


def test_bitrates_are_differences():
    log = StatsLog()
    assert add(log, 1.0, received=1000, sent=500).received_bitrate is None, "the first has nothing to compare with"
    sample = add(log, 3.0, received=9000, sent=2500)
    assert (sample.received_bitrate, sample.sent_bitrate) == (32_000, 8_000)


def test_loss_is_a_share_of_what_was_sent_meanwhile():
    log = StatsLog()
    add(log, 1.0, packets=1000, lost=500)
    assert add(log, 2.0, packets=1045, lost=505).loss == pytest.approx(0.1)
    assert add(log, 3.0, packets=1095, lost=505).loss == 0
    assert add(log, 4.0, packets=1145, lost=503).loss == 0, "late packets are taken back from the lost ones"
    assert add(log, 5.0, packets=1145, lost=503).loss is None, "nothing came, so nothing can be said"


def test_delay_and_made_up_sound_are_those_of_the_interval():
    log = StatsLog()
    counted = {"jitterBufferDelay": 100.0, "jitterBufferEmittedCount": 48_000, "concealedSamples": 4800}
    add(log, 1.0, inbound={**counted, "totalSamplesReceived": 96_000})
    later = {"jitterBufferDelay": 100.0 + 0.06 * 48_000, "jitterBufferEmittedCount": 96_000, "concealedSamples": 5280}
    sample = add(log, 2.0, inbound={**later, "totalSamplesReceived": 144_000})
    assert sample.playout_delay == pytest.approx(0.06)
    assert sample.concealed == pytest.approx(0.01)


def test_the_other_sides_report_tells_round_trip_and_loss():
    log = StatsLog()
    assert add(log, 1.0).round_trip_time == 0.003, "without a report, that of the connectivity checks"
    sample = add(log, 2.0, remote={"roundTripTime": 0.08, "fractionLost": 0.02})
    assert (sample.round_trip_time, sample.sent_loss) == (0.08, 0.02)


def test_a_new_connection_counts_anew():
    log = StatsLog()
    add(log, 1.0, received=10_000)
    assert add(log, 2.0, received=100, attempt="a2").received_bitrate is None
    assert add(log, 3.0, received=1100, attempt="a2").received_bitrate == 8000


def test_what_a_browser_does_not_say_is_none():
    sample = add(StatsLog(), 1.0, {"id": "x", "type": "inbound-rtp", "jitter": "much"}, {"nothing": 1})
    assert [sample.jitter, sample.codec, sample.candidate_pair, sample.round_trip_time] == [None] * 4


def test_firefox_marks_the_pair_itself():
    sample = add(StatsLog(), 1.0, {"id": "p", "type": "candidate-pair", "selected": True, "currentRoundTripTime": 0.5})
    assert sample.round_trip_time == 0.5


def test_raw_reports_are_kept_of_the_newest_sample_only():
    log = StatsLog()
    add(log, 1.0)
    add(log, 2.0)
    assert log[0].raw is None
    assert log.last is log[1]
    assert {report["type"] for report in log.last.raw} >= {"certificate", "transport"}


def test_the_log_is_bounded():
    log = StatsLog(limit=10)
    for second in range(25):
        add(log, float(second))
    assert [len(log), log[0].elapsed, log[-1].elapsed] == [10, 15.0, 24.0]


def test_a_log_is_cut_by_time_and_by_number():
    log = StatsLog()
    for second in range(10):
        add(log, float(second))
    assert [sample.elapsed for sample in log.between(2, 5)] == [2, 3, 4]
    assert [sample.elapsed for sample in log[-2:]] == [8, 9]
    assert isinstance(log[-2:], StatsLog)


def test_the_table_has_a_typed_column_for_each():
    log = StatsLog()
    add(log, 1.0)
    add(log, 2.0, received=1000)
    table = log.to_pandas()
    assert list(table["elapsed"]) == [1.0, 2.0]
    assert str(table["time"].dtype).endswith("UTC]")
    assert table["received_bitrate"].dtype == "float64"
    assert table["received_bitrate"].isna().tolist() == [True, False]
    assert table["codec"].tolist() == ["opus 48000/2"] * 2
    assert len(StatsLog().to_pandas()) == 0
    assert list(StatsLog().to_pandas().columns) == list(table.columns)


def test_a_sample_survives_json():
    log = StatsLog()
    sample = add(log, 1.0)
    again = StatsSample.from_json(json.loads(json.dumps(sample.to_json())))
    assert again.raw is None
    assert again.candidate_pair == sample.candidate_pair
    assert again.to_json() == sample.to_json()


def test_the_picture_has_a_line_for_each():
    log = StatsLog()
    for second in range(5):
        add(log, float(second), received=4000 * second, packets=50 * second)
    figure = log.plot()
    labels = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    assert labels["received"] is not None
    assert list(labels["round trip"].get_ydata()) == [3.0] * 5
    assert [axes.get_ylabel() for axes in figure.axes] == ["ms", "kbit/s", "% lost", "level"]


def test_it_says_what_it_is():
    log = StatsLog()
    assert repr(log) == "<StatsLog: empty>"
    add(log, 1.0)
    assert (
        repr(log) == "<StatsLog: 1 samples, the last: <StatsSample: 1.0 s, round trip 3 ms, jitter 4 ms, opus 48000/2>>"
    )


def test_going_through_the_samples_takes_one_snapshot(monkeypatch):
    log = StatsLog(StatsSample(datetime(2026, 1, 1, tzinfo=UTC), float(number)) for number in range(5))
    monkeypatch.setattr(StatsLog, "__getitem__", lambda log, index: pytest.fail("a copy of the log for each sample"))
    seen = []
    for sample in log:
        seen.append(sample.elapsed)
        log._append(sample)
    assert seen == [0.0, 1.0, 2.0, 3.0, 4.0]
