"""The network of a call over HTTP: conditions in, counts out."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from rtc_widget._aiortc.network import Network, NetworkConditions
from rtc_widget.server.errors import ApiError
from rtc_widget.server.http.app import Access, create_app
from rtc_widget.server.http.network import change_network
from rtc_widget.server.process import Address
from rtc_widget.signaling.local import Local
from tests.unit.server.peer import Peer

PATH = "/v1/realtime/calls/{}/network"


def client_of(address: Address, **headers: str) -> httpx.AsyncClient:
    authorized = {"Authorization": f"Bearer {address.token}", **headers}
    return httpx.AsyncClient(base_url=address.url, headers=authorized, trust_env=False)


async def test_the_network_of_a_call_is_changed_and_counted(local_server: Local, address: Address) -> None:
    async with Peer(local_server) as peer, client_of(address) as client:
        assert peer.answer is not None
        path = PATH.format(peer.answer.call_id)
        changed = await client.post(path, json={"loss": 0.25, "seed": 3, "direction": "sent"})
        assert changed.status_code == 200
        assert changed.json()["sent"]["conditions"]["loss"] == 0.25
        assert changed.json()["received"]["conditions"]["loss"] == 0.0

        counted = (await client.post(path)).json()
        assert counted["sent"]["conditions"]["loss"] == 0.25
        assert counted["sent"]["carried"] > 0
        assert counted["received"]["carried"] > 0


async def test_only_the_token_of_the_server_changes_it(local_server: Local, address: Address) -> None:
    async with Peer(local_server) as peer, client_of(address) as client:
        assert peer.answer is not None
        path = PATH.format(peer.answer.call_id)
        secret = (await client.post("/v1/realtime/client_secrets", json={})).json()["value"]
        for given in ("", "Bearer guess", f"Bearer {secret}"):
            response = await client.post(path, json={"down": True}, headers={"Authorization": given})
            assert response.status_code == 401
        assert (await client.post(path)).json()["sent"]["conditions"]["down"] is False


async def test_an_unknown_call_has_no_network(address: Address) -> None:
    async with client_of(address) as client:
        response = await client.post(PATH.format("rtc_unknown"), json={"loss": 0.1})

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "call_id_not_found"


async def test_a_server_that_local_did_not_start_has_no_such_route() -> None:
    async def status(**settings: Any) -> str:
        app = create_app(Access("token"), engines=asyncio.Future(), responder_for=lambda _: None, **settings)  # type: ignore[arg-type, return-value]
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            response = await client.post(PATH.format("rtc_unknown"), headers={"Authorization": "Bearer token"})
        return str(response.json()["error"]["code"])

    assert await status() == "unknown_url"
    assert await status(has_network_control=True) == "call_id_not_found"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("[]", "invalid_value", None),
        ("{", "invalid_json", None),
        ('{"lost": 0.1}', "unknown_parameter", "lost"),
        ('{"loss": 10}', "invalid_value", "loss"),
        ('{"loss": "10 %"}', "invalid_value", "loss"),
        ('{"loss": null}', "invalid_value", "loss"),
        ('{"down": "yes"}', "invalid_value", "down"),
        ('{"direction": "up"}', "invalid_value", "direction"),
        ('{"direction": ["sent"]}', "invalid_value", "direction"),
        ('{"rate": 1e400}', "invalid_json", None),
        (f'{{"burst": 1{400 * "0"}}}', "invalid_value", "burst"),
    ],
)
def test_an_invalid_body_changes_nothing(body: str, code: str, param: str | None) -> None:
    network = Network()
    network.change(NetworkConditions(loss=0.5))
    with pytest.raises(ApiError) as refused:
        change_network(network, body.encode())

    assert (refused.value.code, refused.value.param) == (code, param)
    assert network.report().sent.conditions == NetworkConditions(loss=0.5)
