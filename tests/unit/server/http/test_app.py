"""The HTTP interface, tested on a real server."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from rtc_widget.server.process import Address

SDP = "application/sdp"


@pytest.fixture
def client(address: Address) -> Any:
    headers = {"Authorization": f"Bearer {address.token}"}
    with httpx.Client(base_url=address.url, headers=headers, trust_env=False) as made:
        yield made


def error(response: httpx.Response) -> dict[str, Any]:
    body = response.json()["error"]
    assert set(body) == {"message", "type", "param", "code"}
    assert body["message"]
    return dict(body)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Bearer wröng", "Basic dXNlcjpwdw=="])
def test_without_the_token_nobody_calls(client: httpx.Client, authorization: str) -> None:
    headers = {"Authorization": authorization.encode(), "Content-Type": SDP}
    response = client.post("/v1/realtime/calls", content="v=0", headers=headers)  # type: ignore[arg-type]

    assert response.status_code == 401
    assert error(response)["code"] == "invalid_api_key"


@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://localhost:8888"])
def test_no_web_page_may_call(client: httpx.Client, origin: str) -> None:
    response = client.get("/health", headers={"Origin": origin})

    assert response.status_code == 403
    assert error(response)["code"] == "invalid_origin"


def test_a_foreign_host_name_is_refused(client: httpx.Client) -> None:
    response = client.get("/health", headers={"Host": "rebound.example.org"})

    assert response.status_code == 403
    assert error(response)["code"] == "invalid_host"


@pytest.mark.parametrize("sdp", ["", "hello", "v=0", "v=0\r\ns=-\r\nt=0 0\r\n", "v=0\r\nm=audio 9 X 0\r\n"])
def test_what_is_no_offer_is_refused(client: httpx.Client, sdp: str) -> None:
    response = client.post("/v1/realtime/calls?model=any", content=sdp, headers={"Content-Type": SDP})

    assert response.status_code == 400
    assert error(response)["code"] == "invalid_offer"
    assert client.get("/health").json()["call_ids"] == []


def test_an_unknown_setting_is_refused_with_its_path(client: httpx.Client) -> None:
    session = {"type": "realtime", "model": "any", "audio": {"input": {"loudness": 11}}}
    files = {"sdp": (None, "v=0", SDP), "session": (None, json.dumps(session), "application/json")}
    response = client.post("/v1/realtime/calls", files=files)

    assert response.status_code == 400
    assert error(response)["code"] == "unknown_parameter"
    assert error(response)["param"] == "session.audio.input.loudness"


@pytest.mark.parametrize(
    ("parts", "code", "param"),
    [
        ({"sdp": "v=0", "session": "{"}, "invalid_json", "session"),
        ({"sdp": "v=0", "session": "[]"}, "invalid_value", "session"),
        ({"session": "{}"}, "missing_required_parameter", "sdp"),
        ({"sdp": "v=0", "extra": "1"}, "unknown_parameter", "extra"),
    ],
)
def test_bad_parts_are_refused(client: httpx.Client, parts: dict[str, str], code: str, param: str) -> None:
    response = client.post("/v1/realtime/calls", files={name: (None, text) for name, text in parts.items()})

    assert response.status_code == 400
    assert (error(response)["code"], error(response)["param"]) == (code, param)


def test_a_broken_multipart_body_is_refused(client: httpx.Client) -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        response = client.post("/v1/realtime/calls", content=b"\xff\xff", headers={"Content-Type": content_type})
        assert response.status_code == 400
        error(response)


def test_other_content_types_are_refused(client: httpx.Client) -> None:
    response = client.post("/v1/realtime/calls", json={"sdp": "v=0"})

    assert response.status_code == 415
    assert "application/sdp" in error(response)["message"]


def test_a_body_that_is_too_large_is_refused(client: httpx.Client) -> None:
    response = client.post("/v1/realtime/calls", content="v" * 2_000_000, headers={"Content-Type": SDP})

    assert response.status_code == 413
    assert error(response)["code"] == "body_too_large"


def test_a_call_needs_a_model(client: httpx.Client) -> None:
    response = client.post("/v1/realtime/calls", content="v=0", headers={"Content-Type": SDP})

    assert response.status_code == 400
    assert error(response)["message"].startswith("You must provide a model parameter")


def test_there_is_one_model(client: httpx.Client) -> None:
    models = client.get("/v1/models").json()

    assert [model["id"] for model in models["data"]] == ["rtc-widget-local"]
    assert models["object"] == "list"


def test_a_client_secret_is_what_openai_s_client_expects(address: Address) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=f"{address.url}/v1", api_key=address.token) as client:
        made = client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 60},
            session={"type": "realtime", "model": "any", "instructions": "Be brief."},
        )

    assert made.value.startswith("ek_")
    assert made.expires_at == pytest.approx(time.time() + 60, abs=5)
    assert made.session.instructions == "Be brief."


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("{", "invalid_json", None),
        ({"expires_after": {"seconds": 5}}, "invalid_value", "expires_after.seconds"),
        ({"session": {"type": "realtime", "loudness": 11}}, "unknown_parameter", "session.loudness"),
        ({"key": 1}, "unknown_parameter", "key"),
    ],
)
def test_a_client_secret_is_not_made_of_nonsense(client: httpx.Client, body: Any, code: str, param: str | None) -> None:
    sent = body if isinstance(body, str) else json.dumps(body)
    response = client.post("/v1/realtime/client_secrets", content=sent)

    assert response.status_code == 400
    assert (error(response)["code"], error(response)["param"]) == (code, param)


def test_an_ephemeral_key_begins_calls_and_nothing_else(client: httpx.Client) -> None:
    pending = {"session": {"type": "realtime", "model": "any"}}
    key = client.post("/v1/realtime/client_secrets", json=pending).json()["value"]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": SDP}

    offered = client.post("/v1/realtime/calls", content="v=0", headers=headers)
    assert error(offered)["code"] == "invalid_offer", "the key was taken, and its model; only the offer is bad"
    for method, path in (("POST", "client_secrets"), ("POST", "calls/rtc_nobody/hangup")):
        response = client.request(method, f"/v1/realtime/{path}", headers=headers)
        assert response.status_code == 401
    assert client.get("/v1/models", headers=headers).status_code == 401


def test_hanging_up_an_unknown_call_is_told(client: httpx.Client) -> None:
    response = client.post("/v1/realtime/calls/rtc_nobody/hangup")

    assert response.status_code == 404
    assert error(response)["code"] == "call_id_not_found"


def test_other_paths_are_told_too(client: httpx.Client) -> None:
    assert error(client.get("/v1/nothing"))["code"] == "unknown_url"
    assert client.get("/v1/realtime/calls").status_code == 405


def test_health_tells_a_stranger_no_ids(client: httpx.Client, address: Address) -> None:
    mine = client.get("/health").json()
    strange = httpx.get(f"{address.url}/health", trust_env=False).json()

    assert mine["ready"] is True
    assert set(mine["engines"]) == {"recognizer", "speaker"}
    assert strange == {key: value for key, value in mine.items() if key != "call_ids"}
