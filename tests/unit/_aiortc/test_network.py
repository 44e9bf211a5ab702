"""The conditions of a network, on a clock that the test moves."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count, groupby
from typing import Any

import pytest

from rtc_widget._aiortc import network as module
from rtc_widget._aiortc.network import Network, NetworkConditions, NetworkPath, NetworkReport

PACKET = 172


class Clock:
    """The part of an event loop that a path uses; equal times come in any order, as in asyncio."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[tuple[float, int, Callable[[], Any]]] = []
        self._numbers = count(0, -1)

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., Any], *arguments: Any) -> None:
        heapq.heappush(self._timers, (when, next(self._numbers), lambda: callback(*arguments)))

    def move_to(self, time: float) -> None:
        while self._timers and self._timers[0][0] <= time:
            self.now, _, callback = heapq.heappop(self._timers)
            callback()
        self.now = time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.asyncio, "get_running_loop", lambda: clock)
    return clock


def arrivals(clock: Clock, packets: int = 5000, interval: float = 0.02, **conditions: Any) -> dict[int, float]:
    """Return when each packet arrived, in milliseconds after it was sent, in the order of arrival."""
    path = NetworkPath("sent")
    path.conditions = NetworkConditions(**conditions)
    arrived: dict[int, float] = {}

    def deliver(number: int, sent: float) -> None:
        arrived[number] = (clock.now - sent) * 1000

    for number in range(packets):
        path.carry(PACKET, lambda number=number, sent=clock.now: deliver(number, sent))
        clock.move_to(clock.now + interval)
    clock.move_to(clock.now + 100)
    report = path.report()
    assert report.carried == len(arrived)
    assert report.carried + report.dropped == packets
    return arrived


def lost_runs(arrived: dict[int, float], packets: int = 5000) -> list[int]:
    """Return how many packets were lost in a row, each time."""
    return [len(list(run)) for is_lost, run in groupby(number not in arrived for number in range(packets)) if is_lost]


def test_a_perfect_network_delivers_at_once(clock):
    arrived = arrivals(clock)

    assert list(arrived) == list(range(5000))
    assert set(arrived.values()) == {0.0}


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.3])
def test_the_share_that_is_lost(clock, loss):
    assert 1 - len(arrivals(clock, loss=loss, seed=1)) / 5000 == pytest.approx(loss, rel=0.2)


@pytest.mark.parametrize(("loss", "burst"), [(0.1, 1), (0.1, 4), (0.3, 10)])
def test_losses_come_in_bursts_of_the_mean_length(clock, loss, burst):
    runs = lost_runs(arrivals(clock, loss=loss, burst=burst, seed=1))

    assert sum(runs) / len(runs) == pytest.approx(burst, rel=0.15)
    assert sum(runs) / 5000 == pytest.approx(loss, rel=0.25)


def test_everything_is_lost_at_a_share_of_one(clock):
    assert arrivals(clock, packets=50, loss=1.0, burst=3) == {}


def test_delay_makes_each_packet_later(clock):
    assert list(arrivals(clock, delay=80).values()) == pytest.approx([80] * 5000)


def test_jitter_varies_the_delay_and_keeps_the_order(clock):
    arrived = arrivals(clock, delay=80, jitter=30, seed=1)

    assert list(arrived) == sorted(arrived)
    # One that waits for an earlier one arrives later than the jitter alone says.
    assert 50 <= min(arrived.values()) < 60
    assert 100 < max(arrived.values()) <= 111


def test_the_order_is_kept_when_many_packets_come_at_once(clock):
    assert list(arrivals(clock, packets=200, interval=0.0, delay=80)) == list(range(200))


def test_packets_that_are_on_their_way_are_not_overtaken_by_a_change(clock):
    path, arrived = NetworkPath("sent"), []
    path.conditions = NetworkConditions(delay=80)
    path.carry(PACKET, lambda: arrived.append("slow"))
    path.conditions = NetworkConditions()
    path.carry(PACKET, lambda: arrived.append("fast"))
    clock.now += 1  # both are due, and the loop has not run yet
    path.carry(PACKET, lambda: arrived.append("last"))
    clock.move_to(clock.now)

    assert arrived == ["slow", "fast", "last"]


def test_reordered_packets_are_overtaken(clock):
    arrived = arrivals(clock, reorder=0.1, seed=1)
    overtaken = sum(later < earlier for earlier, later in zip(list(arrived), list(arrived)[1:], strict=False))

    assert len(arrived) == 5000
    assert overtaken / 5000 == pytest.approx(0.1, rel=0.25)


def test_a_slow_link_carries_its_rate_and_drops_what_finds_its_queue_full(clock):
    # 200 bytes with headers, 50 times a second, are 80 kbit/s.
    arrived = arrivals(clock, rate=40, queue=500)

    assert len(arrived) / 5000 == pytest.approx(0.5, rel=0.05)
    # Half a second in the queue, and 40 ms on the link.
    assert max(arrived.values()) == pytest.approx(540, abs=20)


def test_a_link_that_is_fast_enough_drops_nothing(clock):
    assert list(arrivals(clock, rate=100).values()) == pytest.approx([16] * 5000)


def test_a_link_that_is_down_carries_nothing_until_it_is_up(clock):
    network, arrived = Network(), []
    network.change(NetworkConditions(down=True))
    network.send(b"1", "there", lambda data, address: arrived.append((data, address)))
    network.change(NetworkConditions())
    network.send(b"2", "there", lambda data, address: arrived.append((data, address)))

    assert arrived == [(b"2", "there")]
    assert (network.report().sent.link_down, network.report().sent.carried) == (1, 1)


def test_a_seed_makes_the_same_choices_again_but_not_the_same_in_both_directions(clock):
    assert list(arrivals(clock, loss=0.3, seed=7)) == list(arrivals(clock, loss=0.3, seed=7))
    assert list(arrivals(clock, loss=0.3, seed=7)) != list(arrivals(clock, loss=0.3, seed=8))
    network, arrived = Network(), {"sent": [], "received": []}
    network.change(NetworkConditions(loss=0.5, seed=7))
    for number in range(100):
        network.send(bytes([number]), None, lambda data, _: arrived["sent"].append(data))
        network.receive(bytes([number]), None, lambda data, _: arrived["received"].append(data))
    assert arrived["sent"] != arrived["received"]


@pytest.mark.parametrize(
    ("direction", "sent", "received"), [("both", 0.5, 0.5), ("sent", 0.5, 0.0), ("received", 0.0, 0.5)]
)
def test_a_change_applies_to_its_direction(direction, sent, received):
    network = Network()
    network.change(NetworkConditions(loss=0.5), direction)

    report = network.report()
    assert (report.sent.conditions.loss, report.received.conditions.loss) == (sent, received)
    assert NetworkReport.from_wire(report.to_wire()) == report
    assert report.of_other_side().sent.conditions.loss == received


def test_a_report_says_why_packets_were_dropped(clock):
    network = Network()
    network.change(NetworkConditions(loss=1.0), "sent")
    network.send(b"1", None, lambda *_: None)

    assert repr(network.report()) == (
        "<NetworkReport: sent: 0 carried, 1 dropped (1 loss); received: 0 carried, 0 dropped>"
    )
    assert network.report().sent.drop_share == 1.0


@pytest.mark.parametrize(
    ("conditions", "error", "message"),
    [
        ({"loss": 10}, ValueError, "loss must be a share between 0 and 1, got 10"),
        ({"loss": float("nan")}, ValueError, "loss must be a share between 0 and 1, got nan"),
        ({"loss": "10 %"}, TypeError, "loss must be a number, a share between 0 and 1, got '10 %'"),
        ({"loss": True}, TypeError, "loss must be a number"),
        ({"reorder": -0.1}, ValueError, "reorder must be a share between 0 and 1"),
        ({"delay": -1}, ValueError, "delay must be between 0 and 60,000 milliseconds, got -1"),
        ({"jitter": 1e9}, ValueError, "jitter must be between 0 and 60,000 milliseconds"),
        ({"queue": None}, TypeError, "queue must be a number"),
        ({"rate": 0}, ValueError, "rate must be between 1 and 1,000,000,000 kbit/s, or None, got 0"),
        ({"rate": float("inf")}, ValueError, "rate must be between 1 and 1,000,000,000 kbit/s, or None, got inf"),
        ({"burst": 0.5}, ValueError, "burst must be between 1 and 1,000,000 packets, or None, got 0.5"),
        ({"burst": 10**400}, ValueError, "burst must be between 1 and 1,000,000 packets"),
        ({"burst": 1, "loss": 0.8}, ValueError, "burst must be at least 4 for a loss of 0.8, got 1"),
        ({"down": 1}, TypeError, "down must be True or False, got 1"),
        ({"seed": 1.5}, TypeError, "seed must be an integer or None, got 1.5"),
    ],
)
def test_conditions_that_cannot_be_are_refused(conditions, error, message):
    with pytest.raises(error) as raised:
        NetworkConditions(**conditions)
    assert message in str(raised.value)


def test_the_shortest_burst_of_a_loss_is_accepted():
    assert NetworkConditions(loss=0.8, burst=4).burst == 4
    assert NetworkConditions(loss=1.0, burst=1).burst == 1


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="direction must be 'both', 'sent' or 'received', got 'up'"):
        Network().change(NetworkConditions(), "up")  # type: ignore[arg-type]
