"""Measures what recorded audio costs the kernel: up to an hour of both sides at 24 kHz, as the page sends it.

The kernel decodes JSON and base64, checks each message, stores the samples and acknowledges them. The batches of about
200 ms that the page sends are compared with one message per 20 ms frame, and with a list of NumPy arrays in memory
instead of the widget's files.
"""

from __future__ import annotations

import base64
import gc
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]

from benchmarks._comparison import Comparison, Growth, Results, interleaved
from rtc_widget.audio.recording import Recording
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.comm import messages as page_messages
from rtc_widget.comm import protocol
from rtc_widget.comm.media import MediaReceiver

RATE = 24_000
ROUNDS = 5
BATCH_MS, FRAME_MS = 200, 20
# The rest of a comm message, as Jupyter sends it.
ENVELOPE = {
    "header": {"msg_id": "x" * 36, "msg_type": "comm_msg", "session": "x" * 36, "version": "5.3"},
    "metadata": {},
}


def messages(seconds: int, milliseconds: int) -> Iterator[str]:
    """Yield `seconds` of both sides as the JSON texts of messages, each with `milliseconds` of audio."""
    samples = RATE * milliseconds // 1000
    pcm = np.random.default_rng(1).integers(-9000, 9000, samples).astype("<i2").tobytes()
    data = base64.b64encode(pcm).decode()
    number = 0
    for at in range(0, seconds * 1000, milliseconds):
        for track in ("user", "assistant"):
            content = {"type": "audio", "page": "p1", "number": number, "attempt": "a1", "track": track}
            content |= {"rate": RATE, "at_ms": 1e12 + at, "lost": 0, "data": data}
            data_of_comm = {"method": "custom", "content": content}
            yield json.dumps({**ENVELOPE, "content": {"comm_id": "x" * 32, "data": data_of_comm}})
            number += 1


def recorded(seconds: int, milliseconds: int) -> tuple[Recording, float]:
    """Record as the widget does; return the recording and the processor time of the kernel, in seconds."""
    record = MediaRecord(lambda attempt: 1e12, lambda call, *arguments: call(*arguments))
    receiver = MediaReceiver(record)
    spent = 0.0
    for text in messages(seconds, milliseconds):
        began = time.process_time()
        message = protocol.decode(json.loads(text)["content"]["data"]["content"])
        assert isinstance(message, page_messages.Audio)
        json.dumps(receiver.take(message))
        spent += time.process_time() - began
    assert abs(record.recording.duration - seconds) < 0.1
    return record.recording, spent


def kept_in_lists(seconds: int, milliseconds: int) -> tuple[dict[str, list[Any]], float]:
    """Decode without checks and keep the arrays; return them and the processor time, in seconds."""
    tracks: dict[str, list[Any]] = {"user": [], "assistant": []}
    spent = 0.0
    for text in messages(seconds, milliseconds):
        began = time.process_time()
        content = json.loads(text)["content"]["data"]["content"]
        tracks[content["track"]].append(np.frombuffer(base64.b64decode(content["data"]), "<i2"))
        spent += time.process_time() - began
    return tracks, spent


def run(quick: bool) -> Results:
    """Measure taking audio, the memory of a recording, and writing it to a file."""
    minute = 10 if quick else 60
    ways: dict[str, Callable[[], float]] = {
        "200 ms per message": lambda: recorded(minute, BATCH_MS)[1],
        "20 ms per message": lambda: recorded(minute, FRAME_MS)[1],
        "lists of arrays, 200 ms": lambda: kept_in_lists(minute, BATCH_MS)[1],
    }
    shares = {name: [100 * spent / minute for spent in values] for name, values in interleaved(ways, ROUNDS).items()}
    yield Comparison("both sides recorded", "% of a processor", "200 ms per message", shares)
    lengths = (60, 300) if quick else (60, 600, 3600)
    memory: dict[str, dict[int, list[float]]] = {"widget": {}, "lists of arrays": {}}
    writing: dict[str, dict[int, list[float]]] = {"to_wav": {}}
    for seconds in lengths:
        memory["widget"][seconds] = [_private_megabytes(partial(recorded, seconds, BATCH_MS))]
        memory["lists of arrays"][seconds] = [_private_megabytes(partial(kept_in_lists, seconds, BATCH_MS))]
        recording, _ = recorded(seconds, BATCH_MS)
        times = interleaved({"to_wav": partial(_seconds_to_write, recording)}, 3, warm_up=0)
        writing["to_wav"][seconds] = times["to_wav"]
    yield Growth("memory of a recording", "MB", "seconds of both sides", memory, note=_MEMORY)
    yield Growth("write a WAV file", "seconds", "seconds of both sides", writing)


_MEMORY = "Private memory of the process (USS): pages of the widget's files belong to the system's cache."


def _private_megabytes(keep: Callable[[], object]) -> float:
    gc.collect()
    process = psutil.Process()
    before = process.memory_full_info().uss
    kept = keep()
    gc.collect()
    held = float(process.memory_full_info().uss - before)
    del kept
    return max(held, 0.0) / 1e6


def _seconds_to_write(recording: Recording) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        recording.to_wav(Path(folder) / "call.wav")
        return time.perf_counter() - began
