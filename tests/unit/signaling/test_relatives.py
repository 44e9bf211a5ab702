"""Servers that differ from OpenAI in small things: each double refuses and answers as its server was measured to."""

from __future__ import annotations

import asyncio
import json

import pytest

from rtc_widget import Local, OpenAI
from rtc_widget.errors import InvalidAnswer, InvalidIceServers, InvalidOffer, ServerError
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.signaling.base import Answer
from tests.unit.signaling.http_double import ANSWER, Received, Reply, http_double

OFFER = "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


async def on_io(work):
    return await asyncio.wrap_future(io_thread().run(work))


def speech_to_speech(request: Received) -> Reply:
    """Hugging Face speech-to-speech 1.1.0."""
    if request.method == "DELETE":
        return Reply(200)
    if request.path != "/v1/realtime/calls":
        return Reply(404, '{"detail":"Not Found"}')
    if request.kind != "application/sdp":
        return Reply(415, "Content-Type must be application/sdp")
    return Reply(201, ANSWER, {"Location": "/v1/realtime/calls/s1", "Content-Type": "application/sdp"})


async def test_hugging_face_speech_to_speech_works_as_it_is_without_a_key():
    with http_double(speech_to_speech) as server:
        openai = OpenAI(base_url=server.url, instructions="Be brief.")
        await on_io(openai.prepare(lambda words: None))
        answer = await on_io(openai.exchange(OFFER, {"output_modalities": ["audio"]}))
        await on_io(openai.hang_up(answer.call_id))
        again = await on_io(openai.exchange(OFFER, {}))
    assert openai.name == "127.0.0.1"
    assert OpenAI(model="m", base_url=server.url).name == "127.0.0.1 · m"
    update = {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}
    assert again.first_messages == [update]
    update["session"]["output_modalities"] = ["audio"]
    assert answer == Answer(ANSWER, "s1", [update])
    assert server.lines == [
        "POST /v1/realtime/calls",
        "POST /v1/realtime/calls",
        "POST /v1/realtime/calls/s1/hangup",
        "DELETE /v1/realtime/calls/s1",
        "POST /v1/realtime/calls",
    ]
    assert all("authorization" not in request.headers for request in server.received)
    assert [request.body for request in server.received if request.kind == "application/sdp"] == [OFFER, OFFER]


@pytest.mark.parametrize(
    ("protocol", "path", "reply"),
    [
        ("live", "/v1/live/sessions", Reply(201, '{"session": {"id": "live_1"}, "transport": {}}')),
        ("live", "/v1/live/sessions", Reply(201, '{"session": {"id": "live_1"}, "trans')),
        ("live", "/v1/live/sessions", Reply(201, "no JSON")),
        ("live", "/v1/live/sessions", Reply(201, f'{{"transport": {{"sdp": {json.dumps(ANSWER)}}}}}')),
        ("realtime", "/v1/realtime/calls", Reply(201, "no SDP", {"Location": "/v1/realtime/calls/rtc_1"})),
    ],
)
async def test_a_shared_server_s_unusable_answer_is_named_and_its_call_hung_up(protocol, path, reply):
    with http_double(lambda request: reply if request.path == path else Reply(200)) as server:
        local = Local(protocol=protocol, server=server.url, token="token")
        with pytest.raises(InvalidAnswer):
            await on_io(local.exchange(OFFER, {}))
    known = next((name for name in ("live_1", "rtc_1") if name in f"{reply}"), None)
    assert server.lines == [f"POST {path}", *([f"POST {path}/{known}/hangup"] if known else [])]


async def test_a_server_that_takes_no_settings_with_the_offer_gets_no_defaults_of_openai_either():
    with http_double(speech_to_speech) as server:
        answer = await on_io(OpenAI(base_url=server.url).exchange(OFFER, {}))
    assert answer.first_messages == []


async def test_settings_that_must_be_in_the_offer_are_not_lost_without_a_word():
    with http_double(speech_to_speech) as server:
        openai = OpenAI(base_url=server.url, settings="offer", instructions="Be brief.")
        with pytest.raises(InvalidOffer, match="settings") as raised:
            await on_io(openai.exchange(OFFER, {}))
    assert 'settings="update"' in raised.value.hint
    assert server.lines == ["POST /v1/realtime/calls"]


async def test_only_415_is_followed_by_another_offer():
    busy = Reply(503, "All slots are taken.")
    with http_double(lambda request: busy) as server, pytest.raises(ServerError, match="slots"):
        await on_io(OpenAI(base_url=server.url).exchange(OFFER, {}))
    assert server.lines == ["POST /v1/realtime/calls"]


async def test_settings_go_as_the_first_update_where_that_is_asked_for():
    with http_double(lambda request: Reply(201, ANSWER, {"Location": "/v1/realtime/calls/c1"})) as server:
        openai = OpenAI("k", "m", base_url=server.url, settings="update", voice="Clive")
        answer = await on_io(openai.exchange(OFFER, {"instructions": "Be brief."}))
    assert answer.first_messages == [
        {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "model": "m",
                "audio": {"output": {"voice": "Clive"}},
                "instructions": "Be brief.",
            },
        }
    ]
    assert "Clive" not in server.received[0].body


def inworld(request: Received) -> Reply:
    if request.headers.get("authorization") != "Bearer base64-key":
        return Reply(401, '{"error":{"message":"No key."}}')
    if request.path == "/v1/realtime/ice-servers":
        servers = [{"urls": ["turn:turn.test:3478"], "username": "u", "credential": "c"}]
        return Reply(200, json.dumps({"ice_servers": servers}), {"Content-Type": "application/json"})
    if request.kind == "application/json":
        body = json.loads(request.body)
        assert body["sdp"] == OFFER
        answer = {"id": "call_abc123", "sdp": ANSWER, "got": body["session"]}
        return Reply(200, json.dumps(answer), {"Content-Type": "application/json; charset=utf-8"})
    return Reply(200)


async def test_inworld_names_its_ice_servers_before_the_call():
    with http_double(inworld) as server:
        openai = OpenAI("base64-key", base_url=server.url, offer="json", ice_servers="fetch", voice="Clive")
        assert openai.ice_servers == []
        await on_io(openai.prepare(lambda words: None))
        answer = await on_io(openai.exchange(OFFER, {}))
        await on_io(openai.hang_up("call_abc123"))
    assert openai.ice_servers == [{"urls": ["turn:turn.test:3478"], "username": "u", "credential": "c"}]
    assert (answer.sdp, answer.call_id, answer.first_messages) == (ANSWER, "call_abc123", ())
    sent = json.loads(next(request.body for request in server.received if request.kind == "application/json"))
    assert sent["session"]["audio"]["output"] == {"voice": "Clive"}
    assert server.lines[-1] == "POST /v1/realtime/calls/call_abc123/hangup"


@pytest.mark.parametrize("body", ["[1]", "{}", "no JSON"])
async def test_a_server_without_ice_servers_is_named(body):
    with http_double(lambda request: Reply(200, body)) as server, pytest.raises(InvalidIceServers, match="ICE servers"):
        await on_io(OpenAI(base_url=server.url, ice_servers="fetch").prepare(lambda words: None))


async def test_localai_answers_in_json_with_a_session_id():
    def localai(request: Received) -> Reply:
        body = json.loads(request.body)
        assert (body["model"], body["sdp"]) == ("gpt-oss", OFFER)
        reply = json.dumps({"sdp": ANSWER, "session_id": "s7"})
        return Reply(201, reply, {"Content-Type": "application/json"})

    with http_double(localai) as server:
        openai = OpenAI(model="gpt-oss", base_url=server.url, offer="json", settings="update", voice="v")
        answer = await on_io(openai.exchange(OFFER, {}))
    assert (answer.sdp, answer.call_id) == (ANSWER, "s7")
    assert answer.first_messages[0]["session"]["audio"] == {"output": {"voice": "v"}}


async def test_json_without_an_answer_is_an_error():
    reply = Reply(200, '{"sdp": 7}', {"Content-Type": "application/json"})
    with http_double(lambda request: reply) as server, pytest.raises(InvalidAnswer, match="SDP"):
        await on_io(OpenAI(base_url=server.url, offer="json").exchange(OFFER, {}))


async def test_litellm_gets_a_client_secret_and_the_offer_with_it():
    def litellm(request: Received) -> Reply:
        if request.path == "/v1/realtime/client_secrets":
            assert request.headers["authorization"] == "Bearer sk-litellm"
            return Reply(200, '{"value":"encrypted-token-1"}')
        if request.path == "/v1/realtime/calls" and request.headers["authorization"] != "Bearer encrypted-token-1":
            return Reply(401, '{"error":{"message":"Invalid token."}}')
        return Reply(201, ANSWER, {"Location": "/v1/realtime/calls/rtc_u0"})

    with http_double(litellm) as server:
        openai = OpenAI("sk-litellm", "gpt-realtime", base_url=server.url, offer="secret", voice="marin")
        answer = await on_io(openai.exchange(OFFER, {}))
        await on_io(openai.hang_up(answer.call_id))
    assert answer.call_id == "rtc_u0"
    mint, call, end = server.received
    assert json.loads(mint.body)["session"]["audio"]["output"] == {"voice": "marin"}
    assert (call.kind, call.body) == ("application/sdp", OFFER)
    assert end.headers["authorization"] == "Bearer sk-litellm"


@pytest.mark.parametrize(
    "options",
    [{"offer": "raw"}, {"settings": "later"}, {"hang_up": "bye"}, {"offer": "sdp", "settings": "offer"}],
)
def test_wrong_options_fail_at_definition(options):
    with pytest.raises(ValueError, match="must be"):
        OpenAI(**options)
