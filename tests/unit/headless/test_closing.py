"""The end of a call whose protocol closes the session first, on a headless page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("aiortc")

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.comm.settings import Reconnect
from rtc_widget.conversation.events import Event
from rtc_widget.errors import ClipInterrupted
from rtc_widget.headless import closing
from rtc_widget.headless.microphone import MicrophoneTrack
from rtc_widget.protocols.live.protocol import PROTOCOL as LIVE
from rtc_widget.protocols.realtime.protocol import PROTOCOL
from tests.limits import HANGS, eventually
from tests.unit.headless.test_resumed import CLOSED, LOST, FakeAttempt, Page

CLOSE, END = {"type": "session.close"}, {"type": "session.closed", "reason": "close_requested"}


@pytest.fixture(autouse=True)
def _protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the protocol close sessions as GPT-Live does."""
    FakeAttempt.all = []
    monkeypatch.setattr("rtc_widget.headless.call.Attempt", FakeAttempt)
    monkeypatch.setattr(type(PROTOCOL), "close_session", lambda protocol: [CLOSE])
    monkeypatch.setattr(type(PROTOCOL), "session_closed", lambda protocol, text: LIVE.session_closed(text))


async def called(**settings: Any) -> tuple[Page, FakeAttempt, list[Any]]:
    page = Page(**settings)
    call = await page.connected()
    sent: list[Any] = []
    page.session._bridge._send = sent.append
    return page, call, sent


def events(sent: list[Any]) -> list[tuple[str, str, str]]:
    batches = [message for message in sent if message["type"] == "events"]
    return [
        (batch["attempt"], event[0], json.loads(event[2])["type"]) for batch in batches for event in batch["events"]
    ]


async def test_the_session_is_closed_before_the_connection():
    page, call, sent = await called()
    await page.session._handle({"type": "disconnect"})
    assert [json.loads(text) for text in call.sent] == [CLOSE]
    assert page.session._call.state.status == "idle"
    assert call.listener.is_muted()
    assert not call.has_ended
    call.receives(END)
    assert call.has_ended
    await eventually(lambda: ("a1", "received", "session.closed") in events(sent))
    assert ("a1", "sent", "session.close") in events(sent)
    await page.session.close()


async def test_a_server_that_does_not_close_the_session_is_not_waited_for_any_longer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(closing, "CLOSE_SECONDS", 0.01)
    page, call, _ = await called()
    await page.session._handle({"type": "disconnect"})
    await eventually(lambda: call.has_ended)
    await page.session.close()


@pytest.mark.parametrize("states", [LOST, CLOSED])
async def test_a_connection_that_is_lost_meanwhile_is_ended(states: Any):
    page, call, _ = await called()
    await page.session._handle({"type": "disconnect"})
    call.listener.states_changed(states)
    assert call.has_ended
    await page.session.close()


async def test_a_page_that_is_closed_does_not_wait():
    page, call, _ = await called()
    await page.session._handle({"type": "disconnect"})
    other = await page.connected()
    await page.session.close()
    assert call.has_ended
    assert other.has_ended


async def test_a_lost_call_is_ended_at_once():
    page, call, _ = await called()
    call.listener.states_changed(LOST)
    assert call.has_ended
    assert call.sent == []
    await page.session.close()


async def test_a_session_that_the_server_closes_ends_the_call():
    page, call, _ = await called()
    call.receives({**END, "reason": "connection_lost"})
    assert page.session._call.state.error["code"] == "server_hung_up"
    assert call.has_ended
    assert call.sent == []
    await page.session.close()


async def test_a_session_that_python_has_closed_ends_the_call_without_an_error():
    page, call, sent = await called()
    page.session._call.send([json.dumps(CLOSE)])
    call.receives(END)
    states = [message["state"] for message in sent if message["type"] == "state"]
    assert [(state["status"], state["error"]) for state in states] == [("idle", None)]
    assert call.has_ended
    await page.session._handle({"type": "disconnect"})
    assert [json.loads(text) for text in call.sent] == [CLOSE]
    await page.session.close()


async def test_an_expired_session_is_replaced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        type(PROTOCOL), "session_end", lambda protocol, text: "Two hours." if "closed" in text else None
    )
    page, call, _ = await called(reconnect=Reconnect(backoff=0))
    call.receives({**END, "reason": "expired"})
    await eventually(lambda: len(FakeAttempt.all) == 2)
    assert call.has_ended
    assert call.sent == []
    await page.session.close()


async def test_a_clip_is_cut_off_before_the_session_is_closed(monkeypatch: pytest.MonkeyPatch):
    async def fetched(bridge: object, clip: str) -> MonoAudio:
        return MonoAudio(np.full(480_000, 0.5, np.float32), 48_000)

    monkeypatch.setattr("rtc_widget.headless.session.fetch_clip", fetched)
    page, call, _ = await called()
    call.track, call.peer.is_open = MicrophoneTrack(call.listener.is_muted, lambda frame: None), True
    saying = [asyncio.create_task(page.session._handle({"type": "play_clip", "clip": name})) for name in "ab"]
    await eventually(lambda: call.track._waiting_clips == 2)
    assert call.track.next_pcm().any()
    await page.session._handle({"type": "disconnect"})
    for clip in saying:
        with pytest.raises(ClipInterrupted, match="ended"):
            async with asyncio.timeout(HANGS):
                await clip
    with pytest.raises(ClipInterrupted, match="ended"):
        await page.session._fetch_and_play(call.track, "late")
    assert not call.track.next_pcm().any()
    assert (call.has_ended, call.track.readyState) == (False, "live")
    await page.session.close()


class Watching:
    """What watches a call, and what it has seen."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def consume(self, event: Event) -> None:
        self.seen.append(event.type)

    def end(self) -> None:
        self.seen.append("end")


async def test_each_call_is_watched_from_its_first_event_to_its_end(monkeypatch: pytest.MonkeyPatch):
    watches: list[Watching] = []

    def watch(protocol: object, told: object, call_later: object) -> Watching:
        watches.append(Watching())
        return watches[-1]

    monkeypatch.setattr(type(PROTOCOL), "session_watch", watch)
    page, first, _ = await called()
    await page.session._handle({"type": "disconnect"})
    first.receives(END)
    connecting = page.connect()
    await eventually(lambda: len(FakeAttempt.all) == 2)
    FakeAttempt.all[1].first_messages = [json.dumps({"type": "session.thinking.append"})]
    FakeAttempt.all[1].opens()
    await connecting
    assert [watch.seen for watch in watches] == [["end"], ["session.thinking.append"]]
    await page.session.close()
    assert [watch.seen for watch in watches] == [["end"], ["session.thinking.append", "end"]]


async def test_a_session_that_stands_still_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    standing: list[Callable[[], None]] = []
    monkeypatch.setattr(type(PROTOCOL), "session_watch", lambda protocol, told, call_later: standing.append(told))
    page, _, _ = await called()
    standing[0]()
    assert page.session._call.state.status == "connected"
    assert page.session._call.state.error["code"] == "input_audio_missing"
    assert "receives no audio" in caplog.text
    await page.session.close()
