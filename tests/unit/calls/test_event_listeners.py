"""The pages know whether somebody in Python waits for events or listens to them."""

from __future__ import annotations

import asyncio
import gc
import json
import threading

import pytest

from rtc_widget import VoiceChat
from rtc_widget.calls.event_listeners import EventListeners
from rtc_widget.testing import ScriptedPage
from tests.limits import HANGS
from tests.unit.waiting import eventually, settled


def told(page):
    return [message["on"] for message in page.heard("listening")]


async def test_a_page_learns_with_its_welcome_whether_somebody_listens(page):
    page.hello()
    await page.hears("listening")
    assert told(page) == [False]


async def test_a_callback_listens_until_it_is_removed(chat, page):
    page.hello()
    chat.on("response.done", print)
    chat.on("error", print)
    assert told(page)[-1] is True
    chat.off("error", print)
    assert told(page)[-1] is True
    chat.off("response.done", print)
    assert told(page) == [False, True, False]


async def test_an_operation_listens_while_it_is_awaited(chat, page):
    page.hello()
    page.connected()
    await settled()
    waiting = asyncio.ensure_future(chat.wait_for("response.done"))
    await eventually(lambda: told(page)[-1])
    waiting.cancel()
    await asyncio.wait([waiting])
    assert told(page)[-1] is False


async def test_a_stream_listens_until_nobody_has_it(chat, page):
    page.hello()
    page.connected()
    await settled()
    stream = chat.stream("response.*")
    assert told(page)[-1] is True
    del stream
    gc.collect()
    assert told(page)[-1] is False


async def test_the_streams_of_a_call_end_with_it(chat, page):
    page.hello()
    page.connected()
    await settled()
    stream = chat.stream("response.*")
    page.state(status="idle")
    await eventually(lambda: told(page)[-1] is False)
    assert [event async for event in stream] == []


async def test_a_tool_and_an_observer_listen(chat, page):
    page.hello()

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    chat.tool(add)
    assert told(page)[-1] is True
    chat.tools.remove("add")
    assert told(page)[-1] is False
    chat.observe(print, "status")
    assert told(page)[-1] is True
    chat.unobserve(print, "status")
    assert told(page)[-1] is False


async def test_a_backend_function_listens_from_the_start(signaling):
    signaling.protocol, signaling.delegate = "live", lambda request: "done"
    widget = VoiceChat(signaling, page=ScriptedPage(acts=False))
    try:
        widget._page.hello()
        assert told(widget._page) == [True]
    finally:
        widget.close()


async def test_several_messages_may_travel_as_one(chat, page):
    page.hello()
    state = {"attempt": "a1", "resumes": False, "heard_until_ms": None}
    page.connected()
    await settled()
    page.say(
        "bundle",
        messages=[
            {"type": "pong", "page": "p1", "time_ms": 0},
            {"type": "nonsense", "page": "p1"},
            {
                "type": "events",
                "page": "p1",
                "attempt": "a1",
                "first": 0,
                "events": [["received", 1.0, '{"type":"x"}']],
            },
        ],
    )
    await eventually(lambda: [event.type for event in chat.events] == ["x"])
    assert state["attempt"] == "a1"


@pytest.mark.parametrize("failing", [1, 2])
async def test_a_message_that_fails_drops_no_message_that_arrived_with_it(chat, page, monkeypatch, failing):
    page.hello()
    page.connected()
    await settled()

    def fail(attempt: str) -> None:
        raise RuntimeError(f"hanging up {attempt} failed")

    monkeypatch.setattr(chat._negotiator, "hang_up", fail)
    bundle = []
    for number in range(failing + 1):
        event = ["received", 1.0, json.dumps({"type": f"x{number}"})]
        bundle.append({"type": "events", "page": "p1", "attempt": "a1", "first": number, "events": [event]})
        bundle.append({"type": "hang_up", "page": "p1", "attempt": f"a{number}"})
    with pytest.raises((RuntimeError, ExceptionGroup)) as raised:
        page.say("bundle", messages=bundle[:-1])
    errors = getattr(raised.value, "exceptions", [raised.value])
    assert [str(error) for error in errors] == [f"hanging up a{number} failed" for number in range(failing)]
    await eventually(lambda: [event.type for event in chat.events] == [f"x{number}" for number in range(failing + 1)])


class NotedLock:
    """A reentrant lock that tells when a thread has to wait for it."""

    def __init__(self, waits: threading.Event) -> None:
        self._lock = threading.RLock()
        self._waits = waits

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._waits.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


async def test_a_callback_that_another_thread_adds_while_a_page_comes_is_not_missed(chat, page, monkeypatch):
    added_or_waits = threading.Event()
    monkeypatch.setattr(chat._listeners, "_lock", NotedLock(added_or_waits))
    send = chat._bridge.send

    def add() -> None:
        chat.on("response.done", print)
        added_or_waits.set()

    adding = threading.Thread(target=add)

    def delayed(message):
        if message["type"] == "listening" and adding.ident is None:
            adding.start()
            assert added_or_waits.wait(HANGS)
        send(message)

    monkeypatch.setattr(chat._bridge, "send", delayed)
    page.hello()
    adding.join(HANGS)
    assert told(page)[-1] is True


def test_pages_are_told_of_changes_only() -> None:
    said: list[bool] = []
    reasons = [False]
    listeners = EventListeners(said.append, lambda: reasons[0])
    listeners.update()
    with listeners.waiting(), listeners.waiting():
        reasons[0] = True
        listeners.update()
    assert said == [False, True]
    reasons[0] = False
    listeners.update()
    assert said == [False, True, False]


def test_a_wait_that_fails_is_over() -> None:
    said: list[bool] = []
    listeners = EventListeners(said.append)
    with pytest.raises(ZeroDivisionError), listeners.waiting():
        raise ZeroDivisionError
    assert said == [True, False]
