"""Measures how much CPU time recorded audio costs the kernel, with long and short messages.

The kernel processes one minute of both sides at 24 kHz as in a call: it decodes JSON and base64, checks the message,
stores the samples and acknowledges them. The benchmark compares the batches of about 200 ms that the page sends with
one message per 20 ms frame. It alternates between both in one run, so that other load slows both alike. It prints the
medians and their ratio.

    python benchmarks/audio_messages.py
"""

from __future__ import annotations

import base64
import json
import statistics
import time

import numpy as np

from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.comm import messages as page_messages
from rtc_widget.comm import protocol
from rtc_widget.comm.media import MediaReceiver

RATE = 24_000
SECONDS = 60
ROUNDS = 7
# The rest of a comm message, as Jupyter sends it.
ENVELOPE = {
    "header": {"msg_id": "x" * 36, "msg_type": "comm_msg", "session": "x" * 36, "version": "5.3"},
    "metadata": {},
}


def messages(milliseconds: int) -> list[str]:
    """Return one minute of both sides as the JSON texts of messages, each with `milliseconds` of audio."""
    samples = RATE * milliseconds // 1000
    pcm = np.random.default_rng(1).integers(-9000, 9000, samples).astype("<i2").tobytes()
    data = base64.b64encode(pcm).decode()
    texts = []
    for at in range(0, SECONDS * 1000, milliseconds):
        for track in ("user", "assistant"):
            content = {"type": "audio", "page": "p1", "number": len(texts), "attempt": "a1", "track": track}
            content |= {"rate": RATE, "at_ms": 1e12 + at, "lost": 0, "data": data}
            data_of_comm = {"method": "custom", "content": content}
            texts.append(json.dumps({**ENVELOPE, "content": {"comm_id": "x" * 32, "data": data_of_comm}}))
    return texts


def seconds_for(texts: list[str]) -> float:
    """Return the CPU time that the kernel needs for the messages, in seconds."""
    record = MediaRecord(lambda attempt: 1e12, lambda call, *arguments: call(*arguments))
    receiver = MediaReceiver(record)
    began = time.process_time()
    for text in texts:
        message = protocol.decode(json.loads(text)["content"]["data"]["content"])
        assert isinstance(message, page_messages.Audio)
        json.dumps(receiver.take(message))
    spent = time.process_time() - began
    assert abs(record.recording.duration - SECONDS) < 0.1
    return spent


def main() -> None:
    """Measure both in turn and print the results."""
    batches, frames = messages(200), messages(20)
    times: dict[str, list[float]] = {"200 ms": [], "20 ms": []}
    for _ in range(ROUNDS):
        times["200 ms"].append(seconds_for(batches))
        times["20 ms"].append(seconds_for(frames))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, texts in (("200 ms", batches), ("20 ms", frames)):
        spent = f"{1000 * medians[name]:6.1f} ms of CPU ({medians[name] / SECONDS:.2%})"
        print(f"{name:>6} per message: {len(texts):>5} messages per minute, {spent}")
    print(f"ratio: {medians['20 ms'] / medians['200 ms']:.1f}")


if __name__ == "__main__":
    main()
