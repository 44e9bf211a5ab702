from __future__ import annotations

from rtc_widget.server.protocols.live.clock import SessionClock, grid_ceil, grid_floor


def test_what_is_due_comes_in_order_as_the_clock_reaches_it() -> None:
    clock, done = SessionClock(), []
    clock.at(40, lambda: done.append("second"))
    clock.at(20, lambda: done.append("first"))
    clock.at(40, lambda: done.append("third"))
    clock.advance(19.9)
    assert done == []
    clock.advance(20.1)

    assert (done, clock.ms) == (["first", "second", "third"], 40)


def test_what_is_dropped_never_comes() -> None:
    clock, done = SessionClock(), []
    clock.at(20, lambda: done.append("never"))
    clock.clear()
    clock.advance(1000)

    assert done == []


def test_the_grid() -> None:
    assert [grid_floor(ms) for ms in (0, 199.9, 200)] == [0, 0, 200]
    assert [grid_ceil(ms) for ms in (0, 0.1, 200, 200.1)] == [0, 200, 200, 400]
