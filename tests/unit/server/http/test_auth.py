"""The web pages that may use the server."""

from __future__ import annotations

import httpx
import pytest
from starlette.responses import PlainTextResponse

from rtc_widget.server.http.auth import AuthMiddleware
from rtc_widget.server.http.client_secrets import EphemeralKeys

PAGE = "http://localhost:5173"


@pytest.fixture
def client() -> httpx.AsyncClient:
    async def app(scope: object, receive: object, send: object) -> None:
        await PlainTextResponse("come in")(scope, receive, send)  # type: ignore[arg-type]

    guarded = AuthMiddleware(
        app, token="right", keys=EphemeralKeys(), origins=frozenset({PAGE}), open_paths=frozenset({"/health"})
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://localhost:8089")


async def test_a_page_that_was_allowed_may_ask_and_read(client: httpx.AsyncClient) -> None:
    asked = await client.options("/v1/realtime/calls", headers={"Origin": PAGE})
    answered = await client.post("/v1/realtime/calls", headers={"Origin": PAGE, "Authorization": "Bearer right"})

    assert asked.status_code == 204
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert answered.text == "come in"
    assert answered.headers["access-control-allow-origin"] == PAGE
    assert answered.headers["access-control-expose-headers"] == "location"


async def test_a_page_that_was_allowed_needs_a_key_all_the_same(client: httpx.AsyncClient) -> None:
    answered = await client.post("/v1/realtime/calls", headers={"Origin": PAGE, "Authorization": "Bearer wrong"})

    assert answered.status_code == 401
    assert answered.headers["access-control-allow-origin"] == PAGE, "so that the page learns why"


@pytest.mark.parametrize("host", ["[::1", "[", "[::1]x[", "", "a b", "localhost/health?", "localhost#", "me@localhost"])
async def test_a_host_that_is_none_is_a_bad_request(client: httpx.AsyncClient, host: str) -> None:
    answered = await client.get("/v1/models", headers={"Host": host, "Authorization": "Bearer right"})

    assert answered.status_code == 400
    assert answered.json()["error"]["code"] == "invalid_host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8089", "127.0.0.1", "[::1]:8089"])
async def test_every_name_of_this_machine_will_do(client: httpx.AsyncClient, host: str) -> None:
    answered = await client.get("/v1/models", headers={"Host": host, "Authorization": "Bearer right"})

    assert answered.text == "come in"


async def test_any_other_page_may_not_even_ask(client: httpx.AsyncClient) -> None:
    for origin in ("http://localhost:5174", "https://localhost:5173", "http://evil.example", "null"):
        for method in ("OPTIONS", "POST"):
            headers = {"Origin": origin, "Authorization": "Bearer right"}
            answered = await client.request(method, "/v1/realtime/calls", headers=headers)
            assert answered.status_code == 403, origin
            assert "access-control-allow-origin" not in answered.headers
