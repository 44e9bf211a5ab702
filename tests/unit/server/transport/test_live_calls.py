"""Live sessions over real HTTP, WebSockets and WebRTC; the flows of the protocol are in `tests/conformance`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import websockets

from rtc_widget.signaling.base import Answer
from tests.limits import eventually
from tests.unit.server.peer import Peer
from tests.unit.server.scripted_server import server_of_two

SESSIONS = "/v1/live/sessions"
ANY = {"model": "any"}
RIGHT = {"Authorization": "Bearer right"}


class ByHttp:
    """A signaling of a few lines, as a user writes one."""

    name, data_channel_label, ice_servers = "live", "oai-events", ()

    def __init__(self, host: str, **transport: Any) -> None:
        self.base = f"http://{host}"
        self.transport = transport

    async def prepare(self, progress: Any) -> None:
        """Nothing is to be prepared."""

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        body = {"session": {**ANY, **session}, "transport": {"type": "webrtc", "sdp": offer, **self.transport}}
        async with httpx.AsyncClient(base_url=self.base, headers=RIGHT) as client:
            response = await client.post(SESSIONS, json=body)
        assert response.status_code == 201, response.text
        created = response.json()
        assert created.keys() == {"session", "transport"}
        assert created["transport"]["type"] == "webrtc"
        return Answer(created["transport"]["sdp"], created["session"]["id"])

    async def hang_up(self, call_id: str) -> None:
        async with httpx.AsyncClient(base_url=self.base, headers=RIGHT) as client:
            response = await client.post(f"{SESSIONS}/{call_id}/hangup")
        assert response.status_code in (200, 404)


async def test_a_session_begins_with_its_channel_and_ends_with_its_last_event() -> None:
    async with server_of_two() as host, Peer(ByHttp(host), first="session.started") as peer:
        assert peer.answer is not None
        assert peer.events[0]["session"]["id"] == peer.answer.call_id
        peer.send({"type": "session.close", "event_id": "c1"})
        closed = await peer.wait_for("session.closed")
        assert closed["client_event_id"] == "c1"
        # The call ends by itself, so that the client need not hang up.
        await eventually(lambda: peer.connection.connectionState == "closed")
        async with httpx.AsyncClient(base_url=f"http://{host}", headers=RIGHT) as client:
            again = await client.post(f"{SESSIONS}/{peer.answer.call_id}/hangup")
            assert (again.status_code, again.json()["error"]["code"]) == (404, "session_id_not_found")


async def test_a_channel_that_the_client_negotiates() -> None:
    async with (
        server_of_two() as host,
        Peer(ByHttp(host, dcid=7), first="session.started", channel_id=7) as peer,
    ):
        peer.send({"type": "session.input_audio.mute"})
        await peer.wait_for("session.input_audio.muted")


async def test_requests_that_are_refused() -> None:
    transport = {"type": "webrtc", "sdp": "v=0\r\n"}
    async with server_of_two() as host, httpx.AsyncClient(base_url=f"http://{host}", headers=RIGHT) as client:

        async def refusal(body: object) -> tuple[int, str, str | None]:
            response = await client.post(SESSIONS, json=body)
            error = response.json()["error"]
            return response.status_code, error["code"], error["param"]

        assert await refusal({"transport": transport}) == (400, "missing_required_parameter", "session")
        assert await refusal({"session": ANY}) == (400, "missing_required_parameter", "transport")
        assert await refusal({"session": ANY, "transport": transport, "sdp": ""}) == (400, "unknown_parameter", "sdp")
        assert await refusal({"session": {}, "transport": transport}) == (
            400,
            "missing_required_parameter",
            "session.model",
        )
        wrong = {**transport, "type": "websocket"}
        assert await refusal({"session": ANY, "transport": wrong}) == (400, "invalid_value", "transport.type")
        assert await refusal({"session": ANY, "transport": transport}) == (400, "invalid_offer", "transport.sdp")
        no_json = await client.post(SESSIONS, content="v=0", headers={"content-type": "application/sdp"})
        assert no_json.status_code == 415
        secret = (await client.post("/v1/realtime/client_secrets", json={})).json()["value"]
        by_secret = await client.post(SESSIONS, json={}, headers={"Authorization": f"Bearer {secret}"})
        assert by_secret.status_code == 401
        assert (await client.get(f"{SESSIONS}/live_1/content")).status_code == 501
        assert (await client.get("/health")).json()["calls"] == 0


async def test_a_primary_websocket_must_start_its_session() -> None:
    async with server_of_two() as host:
        url = f"ws://{host}{SESSIONS}"
        for message, code in (
            ({"type": "session.close", "event_id": "c1"}, "session_not_started"),
            ({"type": "session.start", "event_id": "c1", "session": {}}, "missing_required_parameter"),
        ):
            async with websockets.connect(url, additional_headers=RIGHT) as socket:
                await socket.send(json.dumps(message))
                error = json.loads(await socket.recv())["error"]
                assert (error["code"], error["client_event_id"]) == (code, "c1")
                with pytest.raises(websockets.ConnectionClosedOK):
                    await socket.recv()


async def test_a_sideband_needs_a_session() -> None:
    async with server_of_two() as host:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"ws://{host}{SESSIONS}/live_of_nobody/attach", additional_headers=RIGHT)

    assert refused.value.response.status_code == 404


async def test_a_peer_that_leaves_is_told_to_the_sideband() -> None:
    async with server_of_two() as host, Peer(ByHttp(host), first="session.started") as peer:
        assert peer.answer is not None
        url = f"ws://{host}{SESSIONS}/{peer.answer.call_id}/attach"
        async with websockets.connect(url, additional_headers=RIGHT) as sideband:
            assert json.loads(await sideband.recv())["type"] == "session.started"
            await peer.connection.close()
            last = [json.loads(message) async for message in sideband][-1]

    assert (last["type"], last["reason"]) == ("session.closed", "remote_hangup")
