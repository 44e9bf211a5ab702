from __future__ import annotations

import gc
import resource
import subprocess
import sys
import wave
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pytest

from rtc_widget.audio.pcm_store import PcmStore
from rtc_widget.audio.recording import Recording
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.comm.media import MediaReceiver
from rtc_widget.comm.messages import Audio, Stats
from rtc_widget.errors import InvalidAudio, NothingRecorded
from tests.limits import HANGS

RATE = 24_000
BEGAN_MS = 1_795_286_400_000.0
OPEN_FILES = Path("/proc/self/fd")


def piece(
    samples: np.ndarray, at: float, track: str = "user", *, rate: int = RATE, attempt: str = "a1", lost: int = 0
) -> Audio:
    """Return audio as a page sends it, `at` seconds after the call began."""
    pcm = np.round(np.asarray(samples) * 32767).astype("<i2").tobytes()
    return Audio("p1", 0, attempt, track, rate, BEGAN_MS + 1000 * at, lost, pcm)


def level(value: float, seconds: float = 0.2, rate: int = RATE) -> np.ndarray:
    return np.full(round(seconds * rate), value)


def recorded(*pieces: Audio) -> Recording:
    store = PcmStore()
    for one in pieces:
        store.take(one)
    return Recording(store, lambda: BEGAN_MS)


def test_pieces_become_clips_on_the_time_base_of_the_call():
    recording = recorded(piece(level(0.1), 3.0), piece(level(0.2), 3.2))
    assert (recording.start, recording.end, recording.duration) == pytest.approx((3.0, 3.4, 0.4))
    clip = recording.user
    assert (clip.start, clip.sample_rate, len(clip)) == (3.0, RATE, 9600)
    assert clip.between(3.0, 3.2).samples == pytest.approx(level(0.1), abs=1e-4)
    assert clip.between(3.2, 3.4).samples == pytest.approx(level(0.2), abs=1e-4)


def test_both_sides_begin_and_end_together():
    recording = recorded(piece(level(0.1, 1.0), 0.0), piece(level(0.2, 0.5), 2.0, "assistant"))
    user, assistant = recording.user, recording.assistant
    assert (user.start, user.end) == (assistant.start, assistant.end) == pytest.approx((0.0, 2.5))
    assert len(user) == len(assistant)
    assert user.between(1.0, 2.5).peak == 0
    assert assistant.between(0.0, 2.0).peak == 0
    assert assistant.between(2.0, 2.5).rms == pytest.approx(0.2, abs=1e-4)


def test_a_gap_is_silence_and_what_follows_is_in_its_place():
    recording = recorded(piece(level(0.1), 0.0), piece(level(0.3), 5.0, attempt="a2"))
    assert recording.duration == pytest.approx(5.2)
    assert recording.user.between(0.2, 5.0).peak == 0
    assert recording.user.between(5.0, 5.2).rms == pytest.approx(0.3, abs=1e-4)


def test_pieces_that_nearly_touch_are_joined_without_a_seam():
    wavering = [0.0, 0.205, 0.392, 0.61]
    recording = recorded(*(piece(level(0.1), at) for at in wavering))
    assert recording.duration == pytest.approx(0.8)
    assert np.abs(np.diff(recording.user.samples)).max() == 0


def test_drift_of_the_page_s_clock_is_followed():
    # Of 1,000 pieces each takes 0.1 ms longer than it has samples for.
    recording = recorded(*(piece(level(0.1), n * 0.2001) for n in range(1000)))
    assert recording.duration == pytest.approx(200.1, abs=0.03)


def test_a_piece_that_comes_twice_is_there_once():
    recording = recorded(piece(level(0.1), 0.0), piece(level(0.2), 0.2), piece(level(0.9), 0.0), piece(level(0.3), 0.4))
    assert recording.user.between(0.0, 0.2).peak == pytest.approx(0.1, abs=1e-4)
    assert recording.duration == pytest.approx(0.6)


def test_what_is_mixed_is_the_sum_and_does_not_wrap_around():
    recording = recorded(piece(level(0.75), 0.0), piece(level(0.5, 0.1), 0.0, "assistant"))
    assert recording.mixed.between(0, 0.1).samples == pytest.approx(level(1.0, 0.1), abs=1e-4)
    assert recording.mixed.between(0.1, 0.2).samples == pytest.approx(level(0.75, 0.1), abs=1e-4)


def test_a_clip_is_a_snapshot_and_the_recording_goes_on():
    store = PcmStore()
    recording = Recording(store, lambda: BEGAN_MS)
    store.take(piece(level(0.1), 0.0))
    before = recording.user
    store.take(piece(level(0.2), 0.2))
    assert before.duration == pytest.approx(0.2)
    assert recording.user.duration == pytest.approx(0.4)
    assert before.peak == pytest.approx(0.1, abs=1e-4)


def test_clips_outlive_the_recording():
    clip = recorded(piece(level(0.1), 0.0)).user
    gc.collect()
    assert clip.peak == pytest.approx(0.1, abs=1e-4)


def test_pieces_of_another_rate_are_converted():
    recording = recorded(piece(level(0.1, 1.0), 0.0), piece(level(0.3, 1.0, 48_000), 1.0, rate=48_000, attempt="a2"))
    assert recording.user.sample_rate == RATE
    assert recording.duration == pytest.approx(2.0, abs=0.01)
    assert recording.user.between(1.2, 1.8).rms == pytest.approx(0.3, abs=0.01)


def test_what_the_page_dropped_is_counted():
    recording = recorded(piece(level(0.1), 0.0), piece(level(0.1), 2.2, lost=48_000))
    assert recording.lost == 2.0
    assert "2.0 s lost" in repr(recording)


def test_a_time_of_another_day_does_not_fill_the_disk():
    recording = recorded(piece(level(0.1), 0.0), piece(level(0.1), 1e6))
    assert recording.duration == pytest.approx(0.2)
    assert recording.lost == pytest.approx(0.2)


def test_a_full_disk_stops_the_recording_and_nothing_else(monkeypatch, caplog):
    store = PcmStore()
    store.take(piece(level(0.1), 0.0))

    def full(at, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._files["user"], "write", full)
    store.take(piece(level(0.1), 0.2))
    store.take(piece(level(0.1), 0.4, "assistant"))
    assert "No space left" in caplog.text
    assert Recording(store, lambda: None).duration == pytest.approx(0.2)


def test_a_bad_piece_is_left_out_and_the_recording_goes_on(monkeypatch, caplog):
    def refuse(*_arguments):
        raise InvalidAudio("No audio.")

    store = PcmStore()
    store.take(piece(level(0.1), 0.0))
    with monkeypatch.context() as patch:
        patch.setattr("rtc_widget.audio.pcm_store._converted", refuse)
        store.take(piece(level(0.1, rate=48_000), 0.2, rate=48_000))
    store.take(piece(level(0.1), 0.4))
    assert "No audio." in caplog.text
    assert store.lost == pytest.approx(0.2)
    assert Recording(store, lambda: BEGAN_MS).duration == pytest.approx(0.6)


def test_too_many_open_files_stop_the_recording_and_nothing_else(monkeypatch, caplog):
    def full(**_options):
        raise OSError(24, "Too many open files")

    record = media()
    negotiator = MediaReceiver(record)
    with monkeypatch.context() as patch:
        patch.setattr("rtc_widget.audio.pcm_store.TemporaryFile", full)
        assert negotiator.take(piece(level(0.1), 0.0))["next"] == 1
    assert "Too many open files" in caplog.text
    assert negotiator.take(Stats("p1", 1, "a1", BEGAN_MS, ({"id": "T", "type": "transport"},)))["next"] == 2
    assert len(record.stats) == 1
    record.record_attempt("a2", resumes=False)
    record.keep(piece(level(0.1), 5.0, attempt="a2"))
    assert record.recording.duration == pytest.approx(0.2), "the next call is recorded"


def identity(entry: Path) -> tuple[int, int] | None:
    try:
        return entry.stat().st_dev, entry.stat().st_ino
    except OSError:
        return None  # another's, closed meanwhile


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files are looked up in /proc")
def test_many_clips_need_few_files(monkeypatch):
    store = PcmStore()
    recording = Recording(store, lambda: BEGAN_MS)
    opened = []

    def record_file(**how):
        opened.append(TemporaryFile(**how))  # noqa: SIM115 - closed with the store
        return opened[-1]

    monkeypatch.setattr("rtc_widget.audio.pcm_store.TemporaryFile", record_file)
    clips = []
    for number in range(50):
        store.take(piece(level(0.1 if number % 2 else 0.2), number / 5))
        clips += [
            recording.user,
            recording.assistant.between(0.0, 0.1),
            recording.user.between(number / 5, number / 5 + 0.2),
        ]
    assert len(opened) == 2, "a file for each side"
    files = {identity(OPEN_FILES / str(file.fileno())) for file in opened}
    assert sum(identity(entry) in files for entry in OPEN_FILES.iterdir()) <= 2 + 2, "and a mapping of each"
    assert [round(clip.peak, 2) for clip in clips[2::3]] == [0.2, 0.1] * 25
    assert [clip.duration for clip in clips[::3]] == pytest.approx([number / 5 + 0.2 for number in range(50)])


def test_a_clip_of_a_recording_that_outgrew_its_mapping_is_whole(monkeypatch):
    monkeypatch.setattr("rtc_widget.audio.pcm_store._MAPPED_BYTES", 1 << 16)
    store = PcmStore()
    recording = Recording(store, lambda: BEGAN_MS)
    clips = []
    for number in range(30):
        store.take(piece(level(0.1), number / 5))
        clips.append(recording.user)
    assert [len(clip) for clip in clips] == [4800 * (number + 1) for number in range(30)]
    assert all(clip.rms == pytest.approx(0.1, abs=1e-4) for clip in clips)


def test_nothing_recorded_is_said_in_words():
    recording = Recording(PcmStore(), lambda: BEGAN_MS)
    assert repr(recording) == "<Recording: empty>"
    assert recording.duration == 0
    for name in ("user", "assistant", "mixed", "start"):
        with pytest.raises(NothingRecorded, match=r"chat\.record\(\)"):
            getattr(recording, name)


def test_nothing_recorded_writes_over_no_file(tmp_path):
    (tmp_path / "call.wav").write_text("precious")
    with pytest.raises(NothingRecorded):
        Recording(PcmStore(), lambda: BEGAN_MS).to_wav(tmp_path / "call.wav")
    assert (tmp_path / "call.wav").read_text() == "precious"


def test_the_wav_file_has_the_user_left_and_the_assistant_right(tmp_path):
    recording = recorded(piece(level(0.25), 0.0), piece(level(0.5), 0.0, "assistant"))
    with wave.open(str(recording.to_wav(tmp_path / "call.wav"))) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, RATE, 4800)
        left, right = np.frombuffer(file.readframes(4800), "<i2").reshape(-1, 2).T
    assert (set(left), set(right)) == ({round(0.25 * 32767)}, {round(0.5 * 32767)})


def test_the_plot_shows_both_sides_on_the_time_base():
    figure = recorded(piece(level(0.1), 3.0), piece(level(0.2), 3.2, "assistant")).plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["user", "assistant"]
    assert figure.axes[0].get_xlim() == pytest.approx((3.0, 3.4))


def media(began: float | None = BEGAN_MS) -> MediaRecord:
    return MediaRecord(lambda attempt: began, lambda call, *arguments: call(*arguments))


def test_a_reconnection_goes_on_with_the_recording_and_a_new_call_begins_another():
    record = media()
    record.record_attempt("a1", resumes=False)
    record.keep(piece(level(0.1), 0.0))
    record.record_attempt("a2", resumes=True)
    record.keep(piece(level(0.2), 4.0, attempt="a2"))
    first = record.recording
    assert first.duration == pytest.approx(4.2)
    record.record_attempt("a3", resumes=False)
    record.keep(piece(level(0.3), 9.0, attempt="a3"))
    assert record.recording.duration == pytest.approx(0.2)
    assert first.duration == pytest.approx(4.2), "who holds it keeps it"


def test_what_comes_late_of_the_call_before_takes_no_recording_away():
    record = media()
    for attempt in ("a1", "a2"):
        record.record_attempt(attempt, resumes=False)
        record.keep(piece(level(0.1), 1.0, attempt=attempt))
        if attempt == "a1":
            first = record.recording
    record.keep(piece(level(0.2), 1.2, attempt="a1"))
    record.keep(piece(level(0.3), 1.2, attempt="a2"))
    assert first.duration == pytest.approx(0.4), "it is the first call's"
    assert record.recording.user.samples.max() == pytest.approx(0.3, abs=0.001)
    del first
    record.keep(piece(level(0.2), 1.4, attempt="a1"))
    assert record.recording.duration == pytest.approx(0.4), "what nobody holds is let go"


def test_statistics_are_on_the_time_base_of_the_call():
    record = media()
    record.keep(Stats("p1", 0, "a1", BEGAN_MS + 1500, ({"id": "T", "type": "transport"},)))
    assert record.stats.last is not None
    assert record.stats.last.elapsed == 1.5


def test_statistics_of_two_calls_are_distinguished():
    record = media()
    for attempt, resumes in (("a1", False), ("a2", True), ("a3", False)):
        record.record_attempt(attempt, resumes=resumes)
        record.keep(Stats("p1", 0, attempt, BEGAN_MS + 1500, ({"id": "T", "type": "transport"},)))
    assert [sample.call for sample in record.stats] == [1, 1, 2]
    assert list(record.stats.to_pandas()["call"]) == [1, 1, 2]
    assert [bool(np.isnan(second)) for second in record.stats.plot().axes[0].lines[0].get_xdata()] == [
        False, False, True, False,
    ]  # fmt: skip


HOUR = """
import resource, sys
import numpy as np
from rtc_widget.comm.messages import Audio
from rtc_widget.audio.recording import Recording
from rtc_widget.audio.pcm_store import PcmStore

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

np.dot(np.ones((64, 64)), np.ones((64, 64)))
before = peak()
store = PcmStore()
data = np.random.default_rng(1).integers(-9000, 9000, 4800).astype("<i2").tobytes()
for n in range(5 * 3600):
    for track in ("user", "assistant"):
        store.take(Audio("p1", n, "a1", track, 24000, 1e12 + n * 200, 0, data))
recording = Recording(store, lambda: 1e12)
recorded = peak() - before
assert abs(recording.duration - 3600) < 0.1
# Minutes are cut out of the hour; nobody needs the whole of it as floats.
clip = recording.assistant.between(1800, 1860)
assert clip.samples.nbytes == 60 * 24000 * 4
print(recorded, peak() - before)
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="resource is of Unix")
def test_an_hour_of_both_sides_takes_next_to_no_memory():
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
    done = subprocess.run([sys.executable, "-c", HOUR], capture_output=True, text=True, timeout=HANGS, check=True)
    recorded, cut = map(int, done.stdout.split())
    assert recorded < 40, f"{recorded} MB after an hour"
    assert cut < 80, f"{cut} MB with a minute cut out of it"
