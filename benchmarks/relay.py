"""Measures how events get from the page to a Python callback: the widget against other ways.

- ``widget``: events of the data channel of a call, and `VoiceChat.on`.
- ``comm messages``: a widget that sends one message per event.
- ``list trait``: a widget with a synchronized list, which each event replaces by a longer one.
- ``WebSocket``: openai-python's client receives the events from a server, without a page.

Events come in bursts, as fast as each way takes them, and 500 per second. The page makes the events of the first three
itself, so that no network is between. A list trait gets fewer events: its time for one grows with their number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from jupyter_client import BlockingKernelClient
from tests.e2e.lab import eventually
from tests.limits import HANGS

from benchmarks._comparison import Comparison, Results, Skipped, interleaved
from benchmarks._devtools import Tab
from benchmarks._notebook import EMIT, EVENT_TYPE, Notebooks, notebooks
from benchmarks._relayed import RelayedEvents
from benchmarks._websocket import WebSocketListener, websocket_listener

ROUNDS, QUICK_ROUNDS = 5, 1
BURSTS = {200: 10_000, 2_000: 5_000, 20_000: 1_000}
QUICK_BURSTS = {200: 500, 2_000: 150}
"""How many events of so many bytes."""

TRAIT_BURSTS = {200: 300, 2_000: 100, 20_000: 50}
MESSAGE_BURST = 2_000
"""At most so many come with a message each, where an event takes as long as in larger bursts."""
PER_SECOND, SECONDS, QUICK_SECONDS = 500, 5, 1
LARGEST_IN_TRAIT = 200
"""500 larger events a second are more than a list trait can carry."""

CELL = """
import json, pathlib, time
import anywidget, traitlets, rtc_widget

class Arrivals:
    def expect(self, count, file):
        self.count, self.file, self.times = count, pathlib.Path(file), []

    def take(self, sent_ms):
        self.times.append((sent_ms, time.time() * 1000))
        if len(self.times) == self.count:
            part = self.file.with_suffix(".part")
            part.write_text(json.dumps(self.times))
            part.rename(self.file)

arrivals = Arrivals()

class Relay(anywidget.AnyWidget):
    events = traitlets.List().tag(sync=True)
    _esm = "export default {{ render({{ model }}) {{ globalThis.__relay = model; }} }}"

relay = Relay()
relay.on_msg(lambda widget, text, buffers: arrivals.take(json.loads(text)["sent_ms"]))

def take_new(change):
    for event in change["new"][len(change["old"]):]:
        arrivals.take(event["sent_ms"])

relay.observe(take_new, "events")
relay
"""
CALL = """
chat = rtc_widget.VoiceChat({signaling})

@chat.on({type!r})
def take(event):
    arrivals.take(event["sent_ms"])

chat
"""
TRAIT_IS_EMPTY = "() => globalThis.__relay.get('events').length === 0"
PAGE_WAYS = {"widget": "widget", "comm messages": "message", "list trait": "trait"}
Way = Callable[[int, int, int], RelayedEvents]
"""Relays so many events of so many bytes, so many per second or as fast as it can."""


def run(quick: bool) -> Results:
    """Measure bursts and a steady stream, for each size."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    with notebooks() as opened, websocket_listener() as listener:
        tab = opened.open("relay", CELL.format(), CALL.format(signaling=opened.server.signaling, type=EVENT_TYPE))
        opened.connect(tab)
        ways = relay_ways(opened, tab, listener)
        for size, count in (QUICK_BURSTS if quick else BURSTS).items():
            counts = dict.fromkeys(ways, count)
            counts |= {"list trait": TRAIT_BURSTS[size], "comm messages": min(count, MESSAGE_BURST)}
            bursts = interleaved({name: partial(way, counts[name], size, 0) for name, way in ways.items()}, rounds)
            times = {name: [events.microseconds_each for events in found] for name, found in bursts.items()}
            note = f"Events: {', '.join(f'{name} {counts[name]:,}' for name in ways)}."
            yield Comparison(f"bursts of events of {size:,} bytes", "µs per event", "widget", times, note)
        for size in (200,) if quick else BURSTS:
            yield from steady(ways, size, PER_SECOND * (QUICK_SECONDS if quick else SECONDS), rounds)


def steady(ways: Mapping[str, Way], size: int, count: int, rounds: int) -> Results:
    """Measure the delay of events that come regularly."""
    title = f"{PER_SECOND} events per second of {size:,} bytes"
    if size > LARGEST_IN_TRAIT:
        yield Skipped(f"{title}, list trait", "so many bytes are more than a list trait can carry")
        ways = {name: way for name, way in ways.items() if name != "list trait"}
    streams = interleaved({name: partial(way, count, size, PER_SECOND) for name, way in ways.items()}, rounds)
    for share, measure in ((0.5, "median delay"), (0.99, "delay that 99% do not exceed")):
        delays = {name: [events.delay_ms(share) for events in found] for name, found in streams.items()}
        yield Comparison(f"{title}: {measure}", "ms", "widget", delays)


def relay_ways(opened: Notebooks, tab: Tab, listener: WebSocketListener) -> dict[str, Way]:
    """Return the ways that are measured, by name."""
    ways: dict[str, Way] = {name: partial(by_page, opened, tab, way) for name, way in PAGE_WAYS.items()}
    return ways | {"WebSocket": listener.emit}


def run_in(kernel: BlockingKernelClient, code: str) -> None:
    """Run code in the kernel, and wait for its reply only.

    ZeroMQ drops what a client does not read of thousands of status messages, and with them the output of later code.
    """
    content = kernel.execute(code, store_history=False, reply=True, timeout=HANGS)["content"]
    assert content["status"] == "ok", content


def by_page(opened: Notebooks, tab: Tab, way: str, count: int, size: int, per_second: int) -> RelayedEvents:
    """Have the page make events; return when each was made and had by the callback."""
    arrived = opened.lab.folder / "arrived.json"
    arrived.unlink(missing_ok=True)
    kernel = opened.lab.clients[-1] if opened.lab.clients else opened.lab.kernel_client()
    run_in(kernel, f"arrivals.expect({count}, {str(arrived)!r})")
    if way == "trait":
        run_in(kernel, "relay.events = []")
        eventually(lambda: tab.evaluate(TRAIT_IS_EMPTY))
    tab.evaluate(EMIT, {"way": way, "count": count, "size": size, "perSecond": per_second})
    # The kernel is not asked meanwhile: that would be work for it.
    eventually(arrived.exists)
    return RelayedEvents(json.loads(Path(arrived).read_text(encoding="utf-8")))
