"""Network conditions of a peer: loss, delay, jitter, rate and outages, for each packet that it sends or receives.

It imports neither aiortc nor aioice. `rtc_widget._aiortc.aioice_sockets` passes the packets of a connection to it.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, Literal, get_args

Direction = Literal["both", "sent", "received"]
"""Which packets: those that the peer sends, those that it receives, or both."""

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

HEADER_BYTES = 28
"""The headers of IPv4 (RFC 791) and UDP (RFC 768), which take time on a link as well."""

REORDER_SECONDS = 0.05
"""How long a reordered packet is held back: two or three later packets of audio overtake it."""

MAX_MILLISECONDS = 60_000
MAX_BURST = 1_000_000
MAX_RATE = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConditions:
    """What a network does to the packets of one direction; by default nothing.

    Attributes
    ----------
    loss : float
        The share of packets that are lost, from 0 to 1.
    burst : float or None
        The mean number of packets that are lost in a row (Gilbert model). None: each packet is lost independently.
    delay : float
        Milliseconds that each packet takes longer.
    jitter : float
        Milliseconds by which `delay` varies, up and down. The order of packets is kept, as in most networks.
    reorder : float
        The share of packets that later ones overtake, from 0 to 1.
    rate : float or None
        Kilobits per second of a link that sends one packet after the other; None has no limit.
    queue : float
        Milliseconds that a packet waits at most until a link of that `rate` is free; one that would wait longer is
        dropped.
    down : bool
        Whether the link is down: every packet is dropped.
    seed : int or None
        Makes the same choices again for the same sequence of packets.

    Raises
    ------
    TypeError, ValueError
        If a value has a wrong type or is out of range.

    Examples
    --------
    >>> NetworkConditions(loss=0.1, delay=80).loss
    0.1
    >>> NetworkConditions(loss=10)
    Traceback (most recent call last):
        ...
    ValueError: loss must be a share between 0 and 1, got 10
    """

    loss: float = 0.0
    burst: float | None = None
    delay: float = 0.0
    jitter: float = 0.0
    reorder: float = 0.0
    rate: float | None = None
    queue: float = 500.0
    down: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("loss", "reorder"):
            _require(name, getattr(self, name), 0, 1, "a share between 0 and 1")
        for name in ("delay", "jitter", "queue"):
            limit = f"between 0 and {MAX_MILLISECONDS:,} milliseconds"
            _require(name, getattr(self, name), 0, MAX_MILLISECONDS, limit)
        if self.rate is not None:
            _require("rate", self.rate, 1, MAX_RATE, f"between 1 and {MAX_RATE:,} kbit/s, or None")
        if self.burst is not None:
            _require("burst", self.burst, 1, MAX_BURST, f"between 1 and {MAX_BURST:,} packets, or None")
            # Between two bursts at least one packet is carried.
            least = self.loss / (1 - self.loss) if self.loss < 1 else 1
            if self.burst < least and not math.isclose(self.burst, least):
                raise ValueError(f"burst must be at least {least:.3g} for a loss of {self.loss:g}, got {self.burst!r}")
        if not isinstance(self.down, bool):
            raise TypeError(f"down must be True or False, got {self.down!r}")
        if self.seed is not None and (isinstance(self.seed, bool) or not isinstance(self.seed, int)):
            raise TypeError(f"seed must be an integer or None, got {self.seed!r}")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the conditions."""
        return tuple(field.name for field in fields(cls))


def _require(name: str, value: object, least: float, most: float, limit: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, {limit}, got {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{name} must be {limit}, got {value!r}")


@dataclass(frozen=True, slots=True)
class PathReport:
    """What has happened to the packets of one direction.

    Attributes
    ----------
    conditions : NetworkConditions
        The conditions now.
    carried : int
        Packets that were delivered, or will be after their delay.
    lost, queue_full, link_down : int
        Packets that were dropped: by `loss`, because the queue of the link was full, because the link was down.
    """

    conditions: NetworkConditions
    carried: int = 0
    lost: int = 0
    queue_full: int = 0
    link_down: int = 0

    @property
    def dropped(self) -> int:
        """All packets that were dropped."""
        return self.lost + self.queue_full + self.link_down

    @property
    def drop_share(self) -> float:
        """The share of packets that were dropped, from 0 to 1."""
        return self.dropped / (self.dropped + self.carried) if self.dropped else 0.0

    def __str__(self) -> str:
        reasons = {"loss": self.lost, "queue full": self.queue_full, "link down": self.link_down}
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
        return f"{self.carried} carried, {self.dropped} dropped" + (f" ({why})" if why else "")


@dataclass(frozen=True, slots=True, repr=False)
class NetworkReport:
    """What has happened to the packets of a peer.

    Attributes
    ----------
    sent, received : PathReport
        The packets that the peer sent, and those that were on their way to it.
    """

    sent: PathReport
    received: PathReport

    def __repr__(self) -> str:
        return f"<NetworkReport: sent: {self.sent}; received: {self.received}>"

    def of_other_side(self) -> NetworkReport:
        """Return the same report as the peer at the other end sees it."""
        return NetworkReport(sent=self.received, received=self.sent)

    def to_wire(self) -> dict[str, Any]:
        """Return the report as a JSON object; `from_wire` reads it."""
        return asdict(self)

    @classmethod
    def from_wire(cls, data: Mapping[str, Mapping[str, Any]]) -> NetworkReport:
        """Return the report of a `to_wire` object."""

        def path(name: str) -> PathReport:
            return PathReport(**{**data[name], "conditions": NetworkConditions(**data[name]["conditions"])})

        return cls(path("sent"), path("received"))


class NetworkPath:
    """The path of the packets of one direction, used on one event loop.

    Parameters
    ----------
    name : str
        Makes the choices of two directions with one seed differ.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._counts = {"carried": 0, "lost": 0, "queue_full": 0, "link_down": 0}
        self._free_at = 0.0
        self._last_at = 0.0
        self._waiting = 0
        self._is_in_burst = False
        self.conditions = NetworkConditions()

    @property
    def conditions(self) -> NetworkConditions:
        """The conditions; can be changed at any time. Packets that are on their way arrive as planned."""
        return self._conditions

    @conditions.setter
    def conditions(self, conditions: NetworkConditions) -> None:
        self._conditions = conditions
        self._is_in_burst = False
        self._free_at = 0.0
        seed = None if conditions.seed is None else f"{conditions.seed} {self._name}"
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def report(self) -> PathReport:
        """Return the counts so far."""
        return PathReport(self._conditions, **self._counts)

    def carry(self, size: int, deliver: Callable[[], object]) -> None:
        """Deliver a packet of `size` bytes, now or later, or drop it."""
        conditions = self._conditions
        if conditions.down:
            self._counts["link_down"] += 1
            return
        if self._is_lost():
            self._counts["lost"] += 1
            return
        loop = asyncio.get_running_loop()
        now = at = loop.time()
        if conditions.rate is not None:
            begins_at = max(self._free_at, now)
            if (begins_at - now) * 1000 > conditions.queue:
                self._counts["queue_full"] += 1
                return
            at = self._free_at = begins_at + (size + HEADER_BYTES) * 8 / (conditions.rate * 1000)
        self._counts["carried"] += 1
        if conditions.delay or conditions.jitter:
            varies = self._random.uniform(-conditions.jitter, conditions.jitter)
            at += max(0.0, conditions.delay + varies) / 1000
        if conditions.reorder and self._random.random() < conditions.reorder:
            loop.call_at(at + REORDER_SECONDS, deliver)
        elif self._waiting or at > now:
            # asyncio does not keep the order of timers with the same time.
            self._last_at = at = max(at, math.nextafter(self._last_at, math.inf))
            self._waiting += 1
            loop.call_at(at, self._deliver, deliver)
        else:
            deliver()

    def _deliver(self, deliver: Callable[[], object]) -> None:
        self._waiting -= 1
        deliver()

    def _is_lost(self) -> bool:
        loss, burst = self._conditions.loss, self._conditions.burst
        if loss in (0, 1):
            return loss == 1
        if burst is None:
            return self._random.random() < loss
        # Gilbert: in a burst every packet is lost, outside none. In the long run the share of `loss` is in a burst.
        turns = 1 / burst if self._is_in_burst else loss / (burst * (1 - loss))
        if self._random.random() < turns:
            self._is_in_burst = not self._is_in_burst
        return self._is_in_burst


class Network:
    """The network of one peer, in both directions; perfect until it is changed.

    Attributes
    ----------
    sent, received : NetworkPath
        The path of the packets that the peer sends, and of those that it receives.
    """

    def __init__(self) -> None:
        self.sent = NetworkPath("sent")
        self.received = NetworkPath("received")

    def change(self, conditions: NetworkConditions, direction: Direction = "both") -> None:
        """Replace the conditions of a direction, from the next packet on.

        Raises
        ------
        ValueError
            If the direction is unknown.
        """
        require_direction(direction)
        if direction != "received":
            self.sent.conditions = conditions
        if direction != "sent":
            self.received.conditions = conditions

    def report(self) -> NetworkReport:
        """Return the conditions and the counts so far."""
        return NetworkReport(self.sent.report(), self.received.report())

    def send(self, data: bytes, address: Any, transmit: Callable[[bytes, Any], object]) -> None:
        """Let a packet that the peer sends take its path to `transmit`."""
        self.sent.carry(len(data), partial(transmit, data, address))

    def receive(self, data: bytes, address: Any, deliver: Callable[[bytes, Any], object]) -> None:
        """Let a packet to the peer take its path to `deliver`."""
        self.received.carry(len(data), partial(deliver, data, address))


def require_direction(direction: object) -> None:
    """Require a `Direction`.

    Raises
    ------
    ValueError
        If it is another value.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction must be 'both', 'sent' or 'received', got {direction!r}")
