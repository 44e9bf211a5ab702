"""An offer that a call cannot be made of is refused, and every call gives its place back whatever fails in its end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from rtc_widget._aiortc.connection import Connection
from rtc_widget.server.errors import ApiError
from rtc_widget.server.protocols.realtime.engine import RealtimeEngine
from rtc_widget.server.transport.registry import CallRegistry
from rtc_widget.server.transport.webrtc_call import WebRtcCall
from tests.limits import eventually
from tests.unit.server.peer import Microphone, Peer
from tests.unit.server.scripted_server import SETTINGS, Direct, calls_with, server_of_two
from tests.unit.server.stage import Responder, Stage


async def offer() -> str:
    """Return an offer as an ordinary peer makes it."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTrack(Microphone())
    connection.createDataChannel("oai-events")
    await connection.setLocalDescription(await connection.createOffer())
    sdp = connection.localDescription.sdp
    await connection.close()
    return str(sdp)


def sections(sdp: str) -> list[str]:
    return re.split(r"(?m)^(?=m=)", sdp)


def without(line: str, sdp: str) -> str:
    assert line in sdp
    return sdp.replace(line, "")


def only(kept: int, sdp: str, *, bundled: bool) -> str:
    head, *media = sections(sdp)
    if not bundled:
        head = head.replace("BUNDLE 0 1", f"BUNDLE {kept}")
    return head + media[kept]


def with_candidates(count: int, sdp: str) -> str:
    more = "".join(f"a=candidate:1 1 udp {at} 10.0.{at // 250}.{at % 250} 9 typ host\r\n" for at in range(count))
    return sdp.replace("a=end-of-candidates\r\n", more, 1)


def with_sections(count: int, sdp: str) -> str:
    audio = sections(sdp)[1]
    return sdp + "".join(audio.replace("a=mid:0", f"a=mid:{at}") for at in range(2, count))


INVALID: dict[str, Callable[[str], str]] = {
    "no mid of the audio": partial(without, "a=mid:0\r\n"),
    "no mid of the data channel": partial(without, "a=mid:1\r\n"),
    "no mid at all": lambda sdp: without("a=mid:1\r\n", without("a=mid:0\r\n", sdp)),
    "one mid twice": lambda sdp: sdp.replace("a=mid:1", "a=mid:0"),
    "no audio, though bundled": partial(only, 1, bundled=True),
    "no audio": partial(only, 1, bundled=False),
    "no data channel, though bundled": partial(only, 0, bundled=True),
    "no data channel": partial(only, 0, bundled=False),
    "video for audio": lambda sdp: sdp.replace("m=audio", "m=video"),
    "an unknown mid in the bundle": lambda sdp: sdp.replace("BUNDLE 0 1", "BUNDLE 7 0 1"),
    "no ICE password": lambda sdp: re.sub("a=ice-pwd.*\r\n", "", sdp),
    "15,000 candidates": partial(with_candidates, 15_000),
    "300 candidates": partial(with_candidates, 300),
    "400 media sections": partial(with_sections, 400),
    "9 media sections": partial(with_sections, 9),
    "3,000 lines": lambda sdp: sdp + "a=x\r\n" * 3_000,
    "one long line": lambda sdp: sdp + f"a=x:{'y' * 200_000}\r\n",
}


@pytest.mark.parametrize("change", INVALID.values(), ids=INVALID)
async def test_an_offer_that_makes_no_call_is_refused_and_takes_no_place(change: Callable[[str], str]) -> None:
    calls = await calls_with(calls=1)

    with pytest.raises(ApiError) as refused:
        await calls.begin(change(await offer()), SETTINGS, Responder())

    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "invalid_offer", "sdp")
    assert calls.ids == []


async def test_a_call_of_many_candidates_within_the_limit_begins() -> None:
    calls = await calls_with(calls=1)

    started = await calls.begin(with_candidates(100, await offer()), SETTINGS, Responder())

    await calls.find(started.call_id).end()
    assert calls.ids == []


async def test_of_two_audio_sections_the_first_is_used() -> None:
    calls = await calls_with(calls=1)
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for _ in range(2):
        connection.addTrack(Microphone())
    connection.createDataChannel("oai-events")
    await connection.setLocalDescription(await connection.createOffer())
    try:
        started = await calls.begin(connection.localDescription.sdp, SETTINGS, Responder())
        call = calls.find(started.call_id)
        listening = [task for task in call._tasks._running if "_listen" in repr(task)]
        assert len(listening) == 1
        directions = re.findall("a=(sendrecv|sendonly|recvonly|inactive)", started.sdp)
        assert directions == ["sendrecv", "inactive"]
        await call.end()
    finally:
        await connection.close()


async def fails(*_: object) -> None:
    raise AttributeError("as aiortc with a transport that it has not got")


@pytest.mark.parametrize("step", ["engine", "connection", "tasks"])
async def test_a_call_gives_its_place_back_whatever_fails_in_its_end(
    step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = await calls_with(calls=1)
    async with Peer(Direct(calls)) as peer:
        assert peer.answer is not None
        call = calls.find(str(peer.answer.call_id))
        broken = {"engine": call.engine, "connection": call._connection, "tasks": call._tasks}[step]
        name = "close" if step == "connection" else "end"
        whole = getattr(broken, name)
        with monkeypatch.context() as patch:
            patch.setattr(broken, name, fails)
            await call.end()
        assert calls.ids == []
        assert call.ended.is_set()
        assert "did not end cleanly: AttributeError" in caplog.text
        await whole()  # what the scripted failure left open


async def test_the_end_of_all_calls_does_not_stop_at_the_first_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = await calls_with()
    first, second = [await begun(calls) for _ in range(2)]
    whole = first.end
    monkeypatch.setattr(first, "end", fails)

    await calls.end_all()

    assert calls.ids == [first.id]
    assert second.ended.is_set()
    await whole()


async def begun(calls: CallRegistry) -> WebRtcCall:
    return calls.find((await calls.begin(await offer(), SETTINGS, Responder())).call_id)


async def test_an_offer_whose_client_is_gone_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = await calls_with(calls=1)
    is_answering = asyncio.Event()

    async def never(_: object) -> None:
        is_answering.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Connection, "createAnswer", never)
    beginning = asyncio.create_task(calls.begin(await offer(), SETTINGS, Responder()))
    await is_answering.wait()
    call = calls.find(calls.ids[0])

    beginning.cancel()

    with pytest.raises(asyncio.CancelledError):
        await beginning
    await call.ended.wait()
    assert calls.ids == []


async def test_a_task_that_catches_its_cancellation_does_not_keep_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtc_widget.server.tasks.END_SECONDS", 0.05)
    calls = await calls_with(calls=1)
    call = await begun(calls)
    is_over = asyncio.Event()

    async def stubborn() -> None:
        while not is_over.is_set():
            try:
                await is_over.wait()
            except asyncio.CancelledError:
                continue

    call._tasks.run(stubborn())
    await asyncio.sleep(0)

    await call.end()

    assert calls.ids == []
    is_over.set()


async def test_a_websocket_session_closes_its_socket_when_its_engine_cannot_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    websockets = pytest.importorskip("websockets")
    monkeypatch.setattr(RealtimeEngine, "end", fails)
    async with server_of_two() as address:
        url, headers = f"ws://{address}/v1/realtime?model=any", {"Authorization": "Bearer right"}
        for _ in range(3):  # one more than the server takes at a time
            async with websockets.connect(url, additional_headers=headers) as socket:
                assert "session.created" in await socket.recv()


async def test_a_response_that_cannot_send_its_first_event_blocks_no_later_one() -> None:
    stage = Stage()
    emit = stage.engine._emitter.emit

    def failing_once(event: str, **fields: object) -> None:
        if event == "response.created" and "response.created" not in failed:
            failed.append(event)
            raise TypeError("an event that cannot be encoded")
        emit(event, **fields)

    failed: list[str] = []
    stage.engine._emitter.emit = failing_once  # type: ignore[method-assign]
    stage.ask("One?")
    await eventually(lambda: failed and not stage.engine._is_responding())
    stage.ask("Two?")
    await stage.until("response.done")

    await stage.engine.end()
