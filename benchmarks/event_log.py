"""Compares the cost of keeping the events of a call in three ways.

The benchmark reads the same stream of events from JSON texts into an `EventLog`, into a list of the models of
openai-python, and into a list trait of a widget, which each event replaces by a longer list. The three take turns in
one run. The output is CPU time and memory per event, and their ratios to `EventLog`.

    python benchmarks/event_log.py
"""

from __future__ import annotations

import gc
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import traitlets
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from rtc_widget import Event, EventLog

EVENTS = 20_000
ROUNDS = 3
MODELS: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)

Way = Callable[[Sequence[str]], Sequence[Any]]


def stream(count: int) -> list[str]:
    """Return the JSON texts of `count` events; most are deltas, as in a real session."""
    texts = []
    for number in range(count):
        ids = {"event_id": f"event_{number:020}", "response_id": f"resp_{number // 40:020}"}
        place = {"item_id": f"item_{number // 40:020}", "output_index": 0, "content_index": 0}
        kind = "response.output_audio_transcript.delta" if number % 40 else "output_audio_buffer.started"
        texts.append(json.dumps({"type": kind, **ids, **(place | {"delta": " buffer"} if number % 40 else {})}))
    return texts


def by_event_log(texts: Sequence[str]) -> Sequence[Any]:
    """Keep the events as the widget does."""
    log = EventLog()
    for number, text in enumerate(texts):
        log.append(Event.from_text(text, direction="received", time_ms=1.7e12 + number, elapsed=number / 1000))
    return log


def by_models(texts: Sequence[str]) -> Sequence[Any]:
    """Keep each event as its typed model."""
    return [MODELS.validate_json(text) for text in texts]


class _Traits(traitlets.HasTraits):
    events = traitlets.List()


def by_trait(texts: Sequence[str]) -> Sequence[Any]:
    """Keep the events in a trait. A trait notifies its observers only of a new list. This sends nothing to a page."""
    widget = _Traits()
    for text in texts:
        widget.events = [*widget.events, json.loads(text)]
    return widget.events


def seconds_for(way: Way, texts: Sequence[str]) -> float:
    """Return the CPU time in seconds."""
    gc.collect()
    began = time.process_time()
    assert len(way(texts)) == len(texts)
    return time.process_time() - began


def bytes_for(way: Way, texts: Sequence[str]) -> int:
    """Return the memory of the kept events in bytes."""
    gc.collect()
    tracemalloc.start()
    kept = way(texts)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(kept) == len(texts)
    return held


def main() -> None:
    """Measure all three in turn and print the results."""
    texts = stream(EVENTS)
    ways: dict[str, Way] = {"EventLog": by_event_log, "typed models": by_models, "list in a trait": by_trait}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(seconds_for(way, texts))
    cpu = {name: statistics.median(values) / EVENTS * 1e6 for name, values in times.items()}
    memory = {name: bytes_for(way, texts[:5_000]) / 5_000 for name, way in ways.items()}
    print(f"{EVENTS} events, median of {ROUNDS}; memory measured with 5000")
    for name in ways:
        ratios = f"{cpu[name] / cpu['EventLog']:6.1f} x time, {memory[name] / memory['EventLog']:4.1f} x memory"
        print(f"{name:>16}: {cpu[name]:7.1f} µs, {memory[name]:6.0f} bytes per event   {ratios}")


if __name__ == "__main__":
    main()
