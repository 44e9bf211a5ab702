"""Measures what the events of a call cost: `EventLog`, typed models, and a list trait of a widget.

Each alternative reads the same stream of events from JSON texts: an `EventLog`, the models of openai-python, and a list
trait of a widget, which each event replaces by a longer list. Then the log is used as users do: it is reduced to a
transcript, filtered and turned into a table. Processor time and memory are given for one event.
"""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import traitlets
from pydantic import TypeAdapter

from benchmarks._comparison import Comparison, Growth, Results, interleaved
from rtc_widget import Event, EventLog
from rtc_widget.conversation.transcript import Transcript

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (500, 5_000)
LARGEST = {"typed models": 100_000, "list in a trait": 10_000, "to_pandas": 100_000}
"""What is slower or larger than `EventLog` is measured with fewer events; a list trait grows with their square."""
ROUNDS = 3

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


def by_event_log(texts: Sequence[str]) -> EventLog:
    """Keep the events as the widget does."""
    log = EventLog(limit=max(1, len(texts)))
    for number, text in enumerate(texts):
        log.append(Event.from_text(text, direction="received", time_ms=1.7e12 + number, elapsed=number / 1000))
    return log


@cache
def models() -> TypeAdapter[Any]:
    """Return openai-python's models of all server events; importing them takes more than half a second."""
    from openai.types.realtime import RealtimeServerEvent

    return TypeAdapter(RealtimeServerEvent)


def by_models(texts: Sequence[str]) -> Sequence[Any]:
    """Keep each event as its typed model."""
    adapter = models()
    return [adapter.validate_json(text) for text in texts]


class _Traits(traitlets.HasTraits):
    events: traitlets.List[Any] = traitlets.List()


def by_trait(texts: Sequence[str]) -> Sequence[Any]:
    """Keep the events in a trait. A trait notifies its observers only of a new list. This sends nothing to a page."""
    widget = _Traits()
    for text in texts:
        widget.events = [*widget.events, json.loads(text)]
    return widget.events


WAYS: Mapping[str, Way] = {"EventLog": by_event_log, "typed models": by_models, "list in a trait": by_trait}
USES: Mapping[str, Callable[[EventLog], object]] = {
    "transcript": lambda log: len(Transcript(log)),
    "filter": lambda log: len(log.of("output_audio_buffer.*")),
    "to_pandas": lambda log: len(log.to_pandas()),
}


def run(quick: bool) -> Results:
    """Measure reading, using and keeping events, for several numbers of events."""
    sizes = QUICK_SIZES if quick else SIZES
    reading: dict[str, dict[int, list[float]]] = {name: {} for name in WAYS}
    keeping: dict[str, dict[int, list[float]]] = {name: {} for name in WAYS}
    using: dict[str, dict[int, list[float]]] = {name: {} for name in USES}
    for size in sizes:
        texts = stream(size)
        ways = {name: way for name, way in WAYS.items() if _is_measured(name, size)}
        times = interleaved({name: partial(seconds_for, way, texts) for name, way in ways.items()}, ROUNDS)
        for name, way in ways.items():
            reading[name][size] = [seconds / size * 1e6 for seconds in times[name]]
            keeping[name][size] = [bytes_for(way, texts) / size]
        log = by_event_log(texts)
        uses = {name: partial(_seconds, use, log) for name, use in USES.items() if _is_measured(name, size)}
        for name, values in interleaved(uses, ROUNDS, warm_up=0).items():
            using[name][size] = [seconds / size * 1e6 for seconds in values]
    # An exponent of 0: an event costs the same, however many there are.
    yield Growth("read an event from its JSON text", "µs of processor time per event", "events", reading)
    yield Growth("use the log", "µs of processor time per event", "events", using)
    yield Growth("keep an event in memory", "bytes per event", "events", keeping)
    yield _compared("reading, with the largest number of events that all were measured with", "µs per event", reading)
    yield _compared("memory, with the largest number of events that all were measured with", "bytes per event", keeping)


def seconds_for(way: Way, texts: Sequence[str]) -> float:
    """Return the processor time that reading takes, in seconds."""
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


def _seconds(use: Callable[[EventLog], object], log: EventLog) -> float:
    gc.collect()
    began = time.process_time()
    use(log)
    return time.process_time() - began


def _is_measured(name: str, size: int) -> bool:
    return size <= LARGEST.get(name, size)


def _compared(title: str, unit: str, measured: Mapping[str, Mapping[int, list[float]]]) -> Comparison:
    size = max(_common_sizes(measured.values()))
    samples = {name: values[size] for name, values in measured.items()}
    return Comparison(f"{title}: {size:,}", unit, "EventLog", samples)


def _common_sizes(measured: Iterable[Mapping[int, object]]) -> set[int]:
    first, *others = (set(values) for values in measured)
    return first.intersection(*others)
