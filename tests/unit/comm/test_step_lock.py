"""Without a running loop, messages on two threads at once do not wait for each other for ever."""

from __future__ import annotations

import threading

from rtc_widget.comm.step_lock import StepLock
from rtc_widget.kernel.main_loop import MainLoop
from tests.limits import HANGS


def test_a_holder_of_the_lock_does_not_wait_for_a_function_that_wants_it():
    main = MainLoop()
    lock = StepLock(main)
    is_held, runs, said = threading.Event(), threading.Event(), []

    def wants_the_lock() -> None:
        runs.set()
        with lock:
            said.append("other")

    def other_thread() -> None:
        is_held.wait(HANGS)
        main.call(wants_the_lock)

    other = threading.Thread(target=other_thread, daemon=True)
    other.start()

    def hold() -> None:
        with lock:
            is_held.set()
            runs.wait(HANGS)
            main.call(said.append, "own")

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    for thread in (other, holder):
        thread.join(HANGS)
    assert said == ["other", "own"]
