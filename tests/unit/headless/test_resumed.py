"""When a call of the headless page resumes the last one: when its session expires, and when that is requested."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("aiortc")

from av import AudioFrame

from rtc_widget.comm.settings import CallSettings, Reconnect
from rtc_widget.errors import Cancelled, SessionExpired
from rtc_widget.headless.peer import PeerStates
from rtc_widget.headless.session import PageSession
from tests.limits import eventually

OPEN = PeerStates("connected", "connected", "complete", "stable", "open", None)
LOST = PeerStates("failed", "failed", "complete", "stable", "open", None)
CLOSED = PeerStates("closed", "closed", "complete", "closed", "closed", None)
EXPIRED = {"type": "error", "error": {"code": "session_expired", "message": "Sixty minutes."}}
QUESTION = {
    "type": "conversation.item.added",
    "item": {
        "id": "u1",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "What is ICE?"}],
    },
}


class FakeAttempt:
    """An attempt whose connection the test opens."""

    all: list[FakeAttempt]

    def __init__(self, bridge: object, listener: Any, options: object, run: object) -> None:
        self.all.append(self)
        self.id = f"a{len(self.all)}"
        self.listener = listener
        self.session_end: object = None
        self.is_session_over = False
        self.has_ended = False
        self.has_channel = True
        self.first_messages: list[str] = []
        self.sent: list[str] = []
        self.track: Any = None
        self.peer = SimpleNamespace(max_message_size=None, buffered_bytes=0, send=self.sent.append, connection=None)

    def begin(self, limit: float | None, done: Callable[[BaseException | None], None]) -> None:
        """Wait for the test."""

    def retire(self) -> None:
        if self.track is not None:
            self.track.retire()

    def end(self) -> None:
        self.has_ended = True

    def opens(self) -> None:
        self.listener.states_changed(OPEN)

    def receives(self, event: dict[str, Any]) -> None:
        self.listener.message_received(json.dumps(event))

    @property
    def carried(self) -> list[str]:
        events = map(json.loads, self.sent)
        return [event["item"]["content"][0]["text"] if "item" in event else event["type"] for event in events]


def question(text: str) -> dict[str, Any]:
    item = {**QUESTION["item"], "id": text, "content": [{"type": "input_text", "text": text}]}
    return {**QUESTION, "item": item}


def direction_of(event: dict[str, Any]) -> str:
    return "sent" if event["type"] == "session.update" else "received"


class Page:
    def __init__(self, reconnect: Reconnect | None = None, max_duration: float = 7200.0) -> None:
        settings = CallSettings(reconnect=reconnect, stats_interval=None, max_duration=max_duration)
        self.states: list[Any] = []
        self.heard_until: list[tuple[str | None, float | None]] = []
        self.log: list[tuple[str, bool, dict[str, Any]]] = []
        self.ends: dict[str, float] = {}
        self.session = PageSession("p1", self.hear, settings.to_wire())

    def hear(self, message: Any) -> None:
        if message["type"] == "state":
            self.states.append((message["state"]["status"], message["resumes"]))
            self.heard_until.append((message["attempt"], message["heard_until_ms"]))
        if message["type"] == "history":
            # In parts of one event each, as the kernel gives a long history.
            first = message["first"]
            parts = [
                {
                    "attempt": attempt,
                    "resumes": resumes,
                    "heard_until_ms": self.ends.get(attempt),
                    "events": [[direction_of(event), 0.0, json.dumps(event)]],
                }
                for attempt, resumes, event in self.log[first : first + 1]
                if attempt not in message["without"]
            ]
            result = {"calls": parts, "first": first, "next": first + 1, "more": first + 1 < len(self.log)}
            self.session.receive({"type": "reply", "id": message["id"], "result": result})

    async def follows(self, *log: tuple[str, bool, dict[str, Any]]) -> None:
        """Let other pages' calls bring events, and wait until this page has read them."""
        self.log += log
        self.session.receive({"type": "log_grew", "next": len(self.log)})
        await eventually(lambda: self.session._history._next == len(self.log))

    def connect(self, *, resume: bool = False) -> asyncio.Task[Any]:
        return asyncio.create_task(self.session._handle({"type": "connect", "microphone": False, "resume": resume}))

    async def connected(self, *, resume: bool = False) -> FakeAttempt:
        number = len(FakeAttempt.all)
        connecting = self.connect(resume=resume)
        await eventually(lambda: len(FakeAttempt.all) > number)
        FakeAttempt.all[-1].opens()
        await connecting
        return FakeAttempt.all[-1]


@pytest.fixture(autouse=True)
async def _attempts(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    FakeAttempt.all = []
    monkeypatch.setattr("rtc_widget.headless.call.Attempt", FakeAttempt)
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_a_conversation_whose_session_expires_continues_in_a_new_call() -> None:
    page = Page(Reconnect(backoff=0))
    first = await page.connected()
    first.receives(QUESTION)
    first.receives(EXPIRED)
    assert first.has_ended, "not every server closes the call"
    await eventually(lambda: len(FakeAttempt.all) == 2)
    FakeAttempt.all[1].opens()
    await eventually(lambda: FakeAttempt.all[1].carried == ["What is ICE?"])
    assert page.states[-1] == ("connected", True)
    await page.session.close()


async def test_without_reconnect_an_expired_session_is_an_error() -> None:
    page = Page(None)
    first = await page.connected()
    first.receives(EXPIRED)
    assert page.states[-1] == ("connected", False)
    first.listener.states_changed(CLOSED)
    assert page.states[-1] == ("error", False)
    assert page.session._call.state.error == SessionExpired("Sixty minutes.").to_wire() | {
        "hint": page.session._call.state.error["hint"]
    }
    await page.session.close()


@pytest.mark.parametrize(("max_duration", "replaced"), [(7200.0, True), (1800.0, False)])
async def test_a_session_is_replaced_before_its_end_unless_the_call_ends_sooner(
    monkeypatch: pytest.MonkeyPatch, max_duration: float, replaced: bool
) -> None:
    page = Page(Reconnect(backoff=0), max_duration)
    due: list[Any] = []
    monkeypatch.setattr(page.session._expiry, "_call_later", lambda wait, action: due.append((wait, action)) or TIMER)
    first = await page.connected()
    expires_at = round(time.time()) + 3600
    first.receives({"type": "session.created", "session": {"expires_at": expires_at}})
    first.receives(QUESTION)
    wait, action = due[-1]
    assert wait == pytest.approx(3540, abs=60)
    action()
    assert first.has_ended is replaced
    assert page.states[-1] == (("reconnecting" if replaced else "connected"), False)
    await page.session.close()


TIMER = SimpleNamespace(cancel=lambda: None)


async def test_a_conversation_is_resumed_on_request_after_any_end() -> None:
    page = Page(None)
    first = await page.connected()
    page.session._call.send(['{"type": "session.update", "session": {"instructions": "Be brief."}}'])
    first.receives(QUESTION)
    page.session._call.disconnect()
    second = await page.connected(resume=True)
    await eventually(lambda: second.carried == ["session.update", "What is ICE?"])
    assert page.states[-1] == ("connected", True)
    second.receives(EXPIRED)
    second.listener.states_changed(CLOSED)
    third = await page.connected(resume=True)
    await eventually(lambda: third.carried == ["session.update", "What is ICE?"])
    page.session._call.disconnect()
    fourth = await page.connected()
    assert fourth.carried == []
    assert page.states[-1] == ("connected", False)
    await page.session.close()


async def test_two_requests_make_one_call_and_a_disconnect_meanwhile_loses_nothing() -> None:
    page = Page(None)
    first = await page.connected()
    first.receives(QUESTION)
    page.session._call.disconnect()
    requests = [page.connect(resume=True), page.connect()]
    await eventually(lambda: len(FakeAttempt.all) == 2)
    page.session._call.disconnect()
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Cancelled, Cancelled]
    assert len(FakeAttempt.all) == 2
    third = await page.connected(resume=True)
    await eventually(lambda: third.carried == ["What is ICE?"])
    await page.session.close()


async def test_of_a_response_that_was_spoken_until_the_loss_what_was_heard_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(monotonic=lambda: clock.now, time=time.time, now=100.0)
    monkeypatch.setattr("rtc_widget.headless.session.time", clock)
    page = Page(Reconnect(backoff=0))
    first = await page.connected()
    text = "Ice finds a way through. It tries every pair of addresses."
    content = [{"type": "output_audio", "transcript": text}]
    item = {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": content}
    first.receives({"type": "output_audio_buffer.started", "response_id": "r1"})
    first.receives({"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [item]}})
    clock.now = 101.0
    page.session.audio_received(AudioFrame(format="s16", layout="mono", samples=160))
    clock.now = 109.0
    first.listener.states_changed(LOST)
    await eventually(lambda: len(FakeAttempt.all) == 2)
    FakeAttempt.all[1].opens()
    await eventually(lambda: FakeAttempt.all[1].carried == ["Ice finds a way"])
    await page.session.close()


async def test_what_is_too_large_for_the_channel_is_left_out_with_what_belongs_to_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = Page(Reconnect(backoff=0))
    first = await page.connected()
    call = {"id": "f1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    first.receives({"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [call]}})
    output = {"type": "function_call_output", "call_id": "c1", "output": "x" * 2000}
    page.session._call.send([json.dumps({"type": "conversation.item.create", "item": output})])
    first.receives(QUESTION)
    first.listener.states_changed(LOST)
    await eventually(lambda: len(FakeAttempt.all) == 2)
    FakeAttempt.all[1].peer.max_message_size = 1000
    FakeAttempt.all[1].opens()
    await eventually(lambda: FakeAttempt.all[1].carried == ["What is ICE?"])
    assert "1 parts of the conversation are too large" in caplog.text
    await page.session.close()


async def test_the_state_says_until_when_an_ended_call_was_heard() -> None:
    page = Page(Reconnect(backoff=0))
    first = await page.connected()
    before = 1000 * time.time()
    frame = AudioFrame(samples=960)
    frame.sample_rate = 48_000
    page.session.audio_received(frame)
    after = 1000 * time.time()
    first.listener.states_changed(LOST)
    await eventually(lambda: len(FakeAttempt.all) == 2)
    ends = [until for attempt, until in page.heard_until if attempt == "a1" and until is not None]
    assert ends, "the end of the lost call must be reported before the next attempt"
    assert all(before - 5 <= end <= after + 5 for end in ends)
    FakeAttempt.all[1].opens()
    assert {until for attempt, until in page.heard_until if attempt == "a2"} == {None}
    before = 1000 * time.time()
    await page.session.close()
    attempt, until = page.heard_until[-1]
    assert attempt == "a2"
    assert until is not None
    assert before - 5 <= until <= 1000 * time.time() + 5


UPDATE = {"type": "session.update", "session": {"instructions": "Be brief."}}


@pytest.mark.parametrize(
    ("resumes", "carried"),
    [
        (True, ["session.update", "What is ICE?", "What is SDP?", "What is DTLS?"]),
        (False, ["session.update", "What is SDP?", "What is DTLS?"]),
    ],
)
async def test_a_call_resumes_the_call_that_another_page_has_made_since(resumes: bool, carried: list[str]) -> None:
    page = Page(None)
    first = await page.connected()
    first.receives(QUESTION)
    page.session._call.disconnect()
    page.log.append((first.id, False, QUESTION))
    await page.follows(("b1", resumes, UPDATE), ("b1", resumes, question("What is SDP?")))
    await page.follows(("b1", resumes, question("What is DTLS?")))
    second = await page.connected(resume=True)
    await eventually(lambda: second.carried == carried)
    await page.session.close()


async def test_of_another_page_s_response_that_was_cut_the_heard_part_is_resumed() -> None:
    words = [f"word{number}" for number in range(100)]
    content = [{"type": "output_audio", "transcript": " ".join(words)}]
    message = {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": content}
    usage = {"output_token_details": {"audio_tokens": 400}}  # 20 s
    response = {"id": "r1", "status": "completed", "output": [message], "usage": usage}
    page = Page(None)
    started = {"type": "output_audio_buffer.started", "response_id": "r1"}
    await page.follows(("b1", False, started), ("b1", False, {"type": "response.done", "response": response}))
    # The end of the call is known after its last event.
    page.ends["b1"] = 3_000.0
    page.log.append(("b1", False, {"type": "x"}))
    await page.follows()
    call = await page.connected(resume=True)
    await eventually(lambda: call.carried == [" ".join(words[:16])])
    await page.session.close()


async def test_what_comes_late_of_an_earlier_call_is_not_part_of_the_next() -> None:
    page = Page(None)
    await page.follows(("b1", False, question("What is SDP?")))
    first = await page.connected()
    first.receives(QUESTION)
    await page.follows(("b1", False, question("What is DTLS?")))
    page.session._call.disconnect()
    second = await page.connected(resume=True)
    await eventually(lambda: second.carried == ["What is ICE?"])
    await page.session.close()
