"""Measures what the widget costs the page: bundle, first paint, main thread, long tasks, messages and memory.

The same notebook without a call is the reference where there is one: JupyterLab itself is never quite at rest. The
kernel's memory is measured beside that of another kernel.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from tests.e2e.lab import evaluate

import rtc_widget
from benchmarks._comparison import Comparison, Results, Skipped, interleaved
from benchmarks._devtools import Tab
from benchmarks._notebook import EMIT, EMITTED_EVENT, Notebooks, notebooks, set_event_panel

ROUNDS, QUICK_ROUNDS = 5, 1
SECONDS, QUICK_SECONDS = 10, 3
QUIET_SECONDS, QUICK_QUIET_SECONDS = 30, 5
EVENTS_PER_SECOND = 40
EVENT_BYTES = 200
BURST, QUICK_BURST = 10_000, 2_000
KEPT, QUICK_KEPT = 100_000, 5_000

PLAIN_WIDGET = """
import anywidget
class Plain(anywidget.AnyWidget):
    _esm = "export default { render({ el }) { el.className = 'plain-widget'; el.textContent = 'plain'; } }"
Plain()
"""
PLAIN = f"import rtc_widget\n{PLAIN_WIDGET}"
WIDGET = "chat = rtc_widget.VoiceChat({signaling}); chat"
CELLS = {"a widget of one line": (0, ".plain-widget"), "VoiceChat": (1, ".rtc-widget")}
"""The cells of the notebook, and what shows that they are painted."""

FIRST_PAINT = """async ([index, selector]) => {
  const before = new Set(document.querySelectorAll(selector));
  const isNew = () => [...document.querySelectorAll(selector)].some((shown) => !before.has(shown));
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
  const began = performance.now();
  window.jupyterapp.commands.execute("notebook:run-cell");
  while (!isNew()) await frame();
  await frame();
  return performance.now() - began;
}"""
COUNT = """() => {
  const counts = { longTasks: 0, longMs: 0, statusChanges: 0 };
  globalThis.__counts = counts;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) { counts.longTasks += 1; counts.longMs += duration; }
  }).observe({ type: "longtask" });
  window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.iopubMessage.connect((_, { header }) => {
    if (header.msg_type === "status") counts.statusChanges += 1;
  });
}"""
COUNTED = "() => ({ ...globalThis.__counts, timeMs: performance.now() })"
KEEP_TEXTS = f"""(count) => {{
  const made = ({EMITTED_EVENT})({EVENT_BYTES});
  // As it comes from a channel: one string, not a tree of its parts.
  const flat = (text) => JSON.parse(JSON.stringify(text));
  globalThis.__texts = Array.from({{ length: count }}, () => flat(made()));
}}"""
QUIET = "() => new Promise((resolve) => setTimeout(resolve, 1000))"


@dataclass(frozen=True, slots=True)
class Cost:
    """What the page did in a stretch of time, per second."""

    main_thread_ms: float
    long_task_ms: float
    status_changes: float


def run(quick: bool) -> Results:
    """Measure the bundle, then one notebook with and without a call."""
    yield Comparison("bundles, gzipped", "KB", "widget", bundle_sizes())
    rounds = QUICK_ROUNDS if quick else ROUNDS
    with notebooks() as opened:
        tab = opened.open("page", PLAIN, WIDGET.format(signaling=opened.server.signaling))
        paints = {name: partial(tab.evaluate, FIRST_PAINT, list(cell)) for name, cell in CELLS.items()}
        yield Comparison(
            "run the cell until it is painted", "ms", "a widget of one line", interleaved(paints, 3 * rounds)
        )
        measured = MeasuredPage(opened, tab)
        yield from _at_work(measured, QUICK_SECONDS if quick else SECONDS, rounds)
        yield _burst(measured, QUICK_BURST if quick else BURST, rounds)
        yield _quiet(measured, QUICK_QUIET_SECONDS if quick else QUIET_SECONDS, 1 if quick else 3)
        yield _kept(measured, QUICK_KEPT if quick else KEPT)
        yield from kernels(opened, measured)


def bundle_sizes() -> dict[str, list[float]]:
    """Return the sizes of what the page loads, in KB."""
    folder = Path(rtc_widget.__file__).parent / "static"
    return {
        name: [sum(len(gzip.compress((folder / f"{name}.{kind}").read_bytes())) for kind in ("js", "css")) / 1024]
        for name in ("widget", "peer")
    }


class MeasuredPage:
    """A notebook's page whose work is counted."""

    def __init__(self, opened: Notebooks, tab: Tab) -> None:
        self._opened = opened
        self.tab = tab
        # Processor time: on a busy machine a task takes longer, without more work.
        tab.send("Performance.enable", timeDomain="threadTicks")
        tab.evaluate(COUNT)

    def call(self) -> None:
        """Have a call, and wait until what its beginning has started is over."""
        self._opened.connect(self.tab)
        self.tab.evaluate(QUIET)

    def no_call(self) -> None:
        """Have no call."""
        self._opened.disconnect(self.tab)
        self.tab.evaluate(QUIET)

    def cost_of(self, work: Callable[[], object]) -> Cost:
        """Do something, and return what it cost the page."""
        before = self._counters()
        work()
        spent = {name: value - before[name] for name, value in self._counters().items()}
        seconds = spent["timeMs"] / 1000
        return Cost(1000 * spent["TaskDuration"] / seconds, spent["longMs"] / seconds, spent["statusChanges"] / seconds)

    def main_thread_seconds(self) -> float:
        """Return the processor time of the main thread so far."""
        return self._counters()["TaskDuration"]

    def wait(self, seconds: float) -> None:
        """Do nothing for a while."""
        time.sleep(seconds)

    def emit(self, count: int, per_second: int) -> None:
        """Have events come over the data channel."""
        arguments = {"way": "widget", "count": count, "size": EVENT_BYTES, "perSecond": per_second}
        self.tab.evaluate(EMIT, arguments)

    def heap_bytes(self) -> float:
        """Return the memory of the page's objects that are still in use."""
        self.tab.send("HeapProfiler.collectGarbage")
        return float(self.tab.send("Runtime.getHeapUsage")["usedSize"])

    def _counters(self) -> dict[str, float]:
        counts: dict[str, float] = dict(self.tab.evaluate(COUNTED))
        metrics: list[Mapping[str, Any]] = self.tab.send("Performance.getMetrics")["metrics"]
        return counts | {metric["name"]: metric["value"] for metric in metrics if metric["name"] == "TaskDuration"}


def _at_work(measured: MeasuredPage, seconds: int, rounds: int) -> Results:
    def without_call() -> Cost:
        measured.no_call()
        return measured.cost_of(lambda: measured.wait(seconds))

    def quiet_call() -> Cost:
        measured.call()
        return measured.cost_of(lambda: measured.wait(seconds))

    def with_events(is_open: bool) -> Cost:
        measured.call()
        set_event_panel(measured.tab, is_open=is_open)
        cost = measured.cost_of(lambda: measured.emit(seconds * EVENTS_PER_SECOND, EVENTS_PER_SECOND))
        set_event_panel(measured.tab, is_open=False)
        return cost

    events = f"{EVENTS_PER_SECOND} events a second"
    ways: dict[str, Callable[[], Cost]] = {
        "no call": without_call,
        "quiet call": quiet_call,
        f"{events}, panel closed": partial(with_events, False),
        f"{events}, panel open": partial(with_events, True),
    }
    costs = interleaved(ways, rounds, warm_up=0)
    at_work = {name: [cost.main_thread_ms for cost in found] for name, found in costs.items()}
    yield Comparison("main thread at work", "ms of processor time per second", "no call", at_work)
    long_tasks = {name: [cost.long_task_ms for cost in found] for name, found in costs.items()}
    yield Comparison("long tasks (50 ms and more)", "ms per second", "no call", long_tasks)


def _burst(measured: MeasuredPage, count: int, rounds: int) -> Comparison:
    def microseconds(is_open: bool) -> float:
        measured.call()
        set_event_panel(measured.tab, is_open=is_open)
        before = measured.main_thread_seconds()
        measured.emit(count, 0)
        measured.wait(1)
        spent = measured.main_thread_seconds() - before
        set_event_panel(measured.tab, is_open=False)
        return spent / count * 1e6

    ways = {"panel closed": partial(microseconds, False), "panel open": partial(microseconds, True)}
    title = f"main thread, {count:,} events as fast as possible"
    return Comparison(title, "µs of processor time per event", "panel closed", interleaved(ways, rounds))


def _quiet(measured: MeasuredPage, seconds: int, rounds: int) -> Comparison:
    def status_changes(prepare: Callable[[], None]) -> float:
        prepare()
        return 30 * measured.cost_of(lambda: measured.wait(seconds)).status_changes

    ways = {"no call": partial(status_changes, measured.no_call), "quiet call": partial(status_changes, measured.call)}
    title = "status changes of the kernel, for 30 quiet seconds"
    return Comparison(title, "changes", "quiet call", interleaved(ways, rounds, warm_up=0))


def _kept(measured: MeasuredPage, count: int) -> Comparison:
    measured.call()
    tab = measured.tab

    def bytes_each(keep: Callable[[], object]) -> float:
        before = measured.heap_bytes()
        keep()
        measured.wait(1)
        return max(0.0, measured.heap_bytes() - before) / count

    sizes = {
        "texts alone": [bytes_each(lambda: tab.evaluate(KEEP_TEXTS, count))],
        "widget": [bytes_each(lambda: measured.emit(count, 0))],
    }
    return Comparison(f"memory of the page after {count:,} events", "bytes per event", "texts alone", sizes)


def kernels(opened: Notebooks, measured: MeasuredPage) -> Results:
    """Measure the memory of a kernel in a call, and of one with a widget of one line."""
    title = "memory of the kernel"
    measured.call()
    in_call = _memory(opened)
    if in_call is None:
        yield Skipped(title, "this system does not say how much memory processes share")
        return
    tab = opened.open("plain", PLAIN_WIDGET)
    plain = _memory(opened)
    tab.close()
    assert plain is not None
    yield Comparison(title, "MB", "a widget of one line", {"a widget of one line": [plain], "a call": [in_call]})


def _memory(opened: Notebooks) -> float | None:
    """Return the memory of the kernel that was started last, in MB (PSS: each shared page counts in parts)."""
    about = psutil.Process(evaluate(opened.lab.kernel_client(), "__import__('os').getpid()")).memory_full_info()
    return about.pss / 1e6 if hasattr(about, "pss") else None
