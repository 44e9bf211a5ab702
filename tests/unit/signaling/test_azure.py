"""Azure, against a double that refuses as Azure is reported to: its keys make no calls, and only raw SDP is taken."""

from __future__ import annotations

import asyncio
import json

import pytest

from rtc_widget import Azure
from rtc_widget.errors import InvalidKey, MissingKey
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.signaling.base import Answer
from tests.unit.signaling.http_double import ANSWER, Received, Reply, http_double

OFFER = "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
KEY = "azure-key-0123"
TOKEN = "entra.token.0123"


async def on_io(work):
    return await asyncio.wrap_future(io_thread().run(work))


def is_trusted(request: Received) -> bool:
    return request.headers.get("api-key") == KEY or request.headers.get("authorization") == f"Bearer {TOKEN}"


def azure(request: Received) -> Reply:
    calls = "/openai/v1/realtime/calls"
    if request.path == "/openai/v1/realtime/client_secrets":
        return Reply(200, '{"value":"ek_azure_1"}') if is_trusted(request) else Reply(401, f"Access denied: {KEY}")
    if request.path == calls:
        if request.headers.get("authorization") != "Bearer ek_azure_1":
            return Reply(401, '{"error":{"message":"This operation requires ephemeral tokens"}}')
        if request.kind != "application/sdp":
            return Reply(415)
        return Reply(201, ANSWER, {"Location": f"{calls}/rtc_9"})
    return Reply(200 if request.path == f"{calls}/rtc_9/hangup" and is_trusted(request) else 404)


async def async_token() -> str:
    return TOKEN


@pytest.mark.parametrize(
    "credential",
    [{"api_key": KEY}, {"api_key": lambda: KEY}, {"token": TOKEN}, {"token": lambda: TOKEN}, {"token": async_token}],
)
async def test_a_call_needs_a_client_secret_and_raw_sdp(credential):
    with http_double(azure) as server:
        url = server.url.removesuffix("/v1")
        signaling = Azure(url, "my-deployment", **credential, instructions="Be brief.")
        answer = await on_io(signaling.exchange(OFFER, {"output_modalities": ["audio"]}))
        await on_io(signaling.hang_up(answer.call_id))
    assert answer == Answer(ANSWER, "rtc_9")
    mint, call, end = server.received
    assert json.loads(mint.body)["session"] == {
        "type": "realtime",
        "model": "my-deployment",
        "instructions": "Be brief.",
        "audio": {"input": {"transcription": {"model": "whisper-1"}}},
        "output_modalities": ["audio"],
    }
    assert call.body == OFFER
    assert "api-key" not in call.headers
    assert end.path.endswith("/rtc_9/hangup")


async def test_multipart_is_the_fall_back():
    def documented(request: Received) -> Reply:
        if request.path.endswith("/calls") and request.kind == "application/sdp":
            return Reply(415)
        return Reply(201, ANSWER) if request.path.endswith("/calls") else azure(request)

    with http_double(documented) as server:
        signaling = Azure(server.url.removesuffix("/v1"), "d", api_key=KEY)
        assert (await on_io(signaling.exchange(OFFER, {}))).sdp == ANSWER
    assert server.received[-1].kind == "multipart/form-data"
    assert server.received[-1].headers["authorization"] == "Bearer ek_azure_1"


async def test_a_refused_key_is_named_and_not_shown():
    def refuse(request: Received) -> Reply:
        return Reply(401, f"Access denied: {request.headers['api-key']}")

    with http_double(refuse) as server, pytest.raises(InvalidKey, match="Azure OpenAI") as raised:
        await on_io(Azure(server.url, "d", api_key="azure-key-wrong").exchange(OFFER, {}))
    assert "azure-key-wrong" not in str(raised.value)


async def test_the_key_comes_from_the_environment(monkeypatch):
    monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    signaling = Azure("my-resource", "d")
    with pytest.raises(MissingKey, match="AZURE_OPENAI_API_KEY"):
        await on_io(signaling.exchange(OFFER, {}))
    assert signaling.base_url == "https://my-resource.openai.azure.com/openai/v1"


async def test_a_page_may_post_the_offer_itself():
    with http_double(azure) as server:
        signaling = Azure(server.url.removesuffix("/v1"), "d", token=TOKEN)
        secret = await on_io(signaling.create_client_secret({}))
    assert (secret.value, secret.url) == ("ek_azure_1", f"{server.url.removesuffix('/v1')}/openai/v1/realtime/calls")


@pytest.mark.parametrize(
    "arguments", [{"api_key": "k", "token": "t"}, {"resource": ""}, {"deployment": " "}, {"offer": "sdp"}]
)
def test_wrong_arguments_fail_at_definition(arguments):
    with pytest.raises(Exception, match=r"must not|offer"):
        Azure(**{"resource": "r", "deployment": "d", **arguments})


def test_neither_key_nor_token_is_in_the_object():
    for credential in ({"api_key": KEY}, {"token": TOKEN}):
        signaling = Azure("r", "d", **credential)
        assert KEY not in repr(vars(signaling)) + repr(signaling)
        assert TOKEN not in repr(vars(signaling)) + repr(signaling)
