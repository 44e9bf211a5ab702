"""The limits on what one client may make the server do and keep; see `test_invalid_offers` for those of an offer."""

from __future__ import annotations

import asyncio
import base64
import threading
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server import conversation
from rtc_widget.server.protocols.realtime import engine as realtime
from rtc_widget.server.protocols.realtime import input_audio
from rtc_widget.server.transport import webrtc_call, websocket
from rtc_widget.server.transport.websocket import BufferedWebSocket
from rtc_widget.server.tutor import tutor
from tests.limits import HANGS
from tests.unit.server.scripted_server import SETTINGS, calls_with, server_of_two
from tests.unit.server.stage import Responder, Stage
from tests.unit.server.transport.test_invalid_offers import offer


def add(stage: Stage, item_id: str, text: str = "Hi") -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    item = {"id": item_id, "type": "message", "role": "user", "content": content}
    stage.send("conversation.item.create", item=item)
    return stage.events[-1]


async def test_a_conversation_has_a_limited_number_of_items(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "MAX_ITEMS", 2)
    add(stage, "one")
    add(stage, "two")

    assert add(stage, "three")["error"]["code"] == "conversation_too_large"
    stage.send("conversation.item.delete", item_id="one")
    assert add(stage, "three")["type"] == "conversation.item.done"
    assert [item.id for item in stage.engine.conversation.items] == ["two", "three"]


async def test_a_conversation_has_a_limited_size(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "MAX_SIZE", 2_000)
    image = "data:image/png;base64," + base64.b64encode(b"x" * 900).decode()
    content = [{"type": "input_image", "image_url": image}]
    stage.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    assert stage.events[-1]["type"] == "conversation.item.done"

    assert add(stage, "long", "x" * 900)["error"]["code"] == "conversation_too_large"
    assert add(stage, "short", "x" * 700)["type"] == "conversation.item.done"


async def test_a_response_of_its_own_has_a_limited_number_of_items(stage: Stage) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    stage.send("response.create", response={"input": [item] * (conversation.MAX_ITEMS + 1)})

    assert stage.events[-1]["error"]["param"] == "response.input"


async def test_turns_that_wait_for_their_transcripts_are_limited(stage: Stage) -> None:
    may_recognize = threading.Event()
    whole = stage.recognizer.recognize

    def recognize(samples: Samples) -> str:
        assert may_recognize.wait(HANGS)
        return whole(samples)

    stage.recognizer.recognize = recognize  # type: ignore[method-assign]
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    audio = base64.b64encode(bytes(9_600)).decode()
    for _ in range(input_audio.MAX_PENDING):
        stage.send("input_audio_buffer.append", audio=audio)
        stage.send("input_audio_buffer.commit")
    item = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": audio}]}
    assert "error" not in stage.types()

    stage.send("input_audio_buffer.append", audio=audio)
    stage.send("input_audio_buffer.commit")
    stage.send("conversation.item.create", item=item)

    assert [event["error"]["code"] for event in stage.events if event["type"] == "error"] == ["rate_limit_exceeded"] * 3
    assert len(stage.engine.conversation.items) == input_audio.MAX_PENDING
    may_recognize.set()
    await stage.until("conversation.item.input_audio_transcription.completed", input_audio.MAX_PENDING)
    await stage.engine._input_audio.until_recognized()
    stage.send("conversation.item.create", item=item)
    assert stage.types()[-1] == "conversation.item.done"


async def test_responses_out_of_band_are_limited(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime, "MAX_OUT_OF_BAND", 2)
    stage.responder.says = ["…"]
    for _ in range(3):
        stage.send("response.create", response={"conversation": "none"})

    assert stage.events[-1]["error"]["code"] == "rate_limit_exceeded"
    assert len(stage.engine._out_of_band) == 2


async def test_the_tutor_compares_only_the_end_of_thousands_of_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    for name in ("find", "plain"):
        whole = getattr(tutor, name)

        def watched(text: str, whole: Any = whole) -> Any:
            compared.append(text)
            return whole(text)

        monkeypatch.setattr(tutor, name, watched)
    answer = tutor.Tutor().reply("What is the weather? " * 5_000 + "What is ICE?")

    assert "ICE" in answer
    assert compared
    assert max(map(len, compared)) <= tutor.MAX_MATCHED


class UnreadWebSocket:
    """A WebSocket whose client does not read."""

    async def send_text(self, _: str) -> None:
        await asyncio.Event().wait()

    async def receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("the event is never set")


async def test_a_websocket_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_QUEUED_BYTES", 1_000)
    socket = BufferedWebSocket(UnreadWebSocket())  # type: ignore[arg-type]
    socket.send("x" * 5_000)  # a single message may be larger
    await asyncio.sleep(0)
    assert not socket._sending.done()

    socket.send("x")

    assert await socket.received() is None
    socket.send("x" * 5_000)  # nothing is kept for it any more
    assert socket._waiting_bytes == 5_000


async def test_a_webrtc_client_that_does_not_receive_is_hung_up() -> None:
    calls = await calls_with()
    call = calls.find((await calls.begin(await offer(), SETTINGS, Responder())).call_id)
    sent: list[str] = []
    channel = SimpleNamespace(readyState="open", bufferedAmount=0, send=sent.append)
    call._channel = channel  # type: ignore[assignment]
    call.engine.begin()
    count = len(sent)

    channel.bufferedAmount = webrtc_call.MAX_BUFFERED_BYTES + 1
    call.engine.fail("One more event.", "server_error")

    await call.ended.wait()
    assert (len(sent), count) == (2, 2)
    assert calls.ids == []


async def test_sideband_connections_to_a_call_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    websockets = pytest.importorskip("websockets")
    monkeypatch.setattr(realtime, "MAX_CLIENTS", 2)
    headers = {"Authorization": "Bearer right", "Content-Type": "application/sdp"}
    async with server_of_two() as address, httpx.AsyncClient(headers=headers, trust_env=False) as client:
        made = await client.post(f"http://{address}/v1/realtime/calls?model=any", content=await offer())
        call_id = made.headers["location"].rsplit("/", 1)[1]
        url = f"ws://{address}/v1/realtime?call_id={call_id}"
        async with websockets.connect(url, additional_headers={"Authorization": "Bearer right"}):
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with websockets.connect(url, additional_headers={"Authorization": "Bearer right"}):
                    pass
        assert refused.value.response.status_code == 429
