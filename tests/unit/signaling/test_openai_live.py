from __future__ import annotations

import asyncio
import json

import pytest

from rtc_widget import OpenAI, OpenAILive, ResponsesBackend, VoiceChat
from rtc_widget.errors import (
    AccessDenied,
    ClientSecretsUnsupported,
    InvalidAnswer,
    InvalidKey,
    InvalidOffer,
    InvalidSession,
    QuotaExceeded,
    RateLimited,
    ServerError,
    SignalingError,
)
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.testing import ScriptedPage
from tests.unit.signaling.realtime_server import ANSWER, RealtimeServer, running

OFFER = "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
KEY = "sk-canary-7041"
CREATED = {"session": {"id": "live_u0/1"}, "transport": {"type": "webrtc", "sdp": ANSWER}}


def on_io_thread(work):
    return asyncio.wrap_future(io_thread().run(work))


@pytest.fixture
def server():
    with running(RealtimeServer(body=json.dumps(CREATED), headers={})) as server:
        yield server


def calling(server, **options):
    return OpenAILive(KEY, base_url=server.url, **options)


@pytest.mark.parametrize("status", [201, 200])
async def test_offer_and_session_go_as_json_and_the_answer_comes_back_untouched(server, status):
    server.status = status
    signaling = calling(server, voice="marin", instructions="Be brief.", idle_timeout=15, safety_identifier="hash-1")
    answer = await on_io_thread(signaling.exchange(OFFER, {"input": []}))
    [post] = server.posts
    assert post["path"] == "/v1/live/sessions"
    assert post["headers"]["authorization"] == f"Bearer {KEY}"
    assert post["json"] == {
        "session": {
            "model": "gpt-live-1.1",
            "store": False,
            "delegation": {"type": "client"},
            "instructions": "Be brief.",
            "audio": {"output": {"voice": "marin"}},
            "idle_timeout_s": 15,
            "safety_identifier": "hash-1",
            "input": [],
        },
        "transport": {"type": "webrtc", "sdp": OFFER},
    }
    assert (answer.sdp, answer.call_id) == (ANSWER, "live_u0/1")


async def test_a_backend_is_a_model_with_its_settings_and_the_tools_of_the_app(server):
    backend = ResponsesBackend("gpt-6-luna", instructions="Plain sentences.", tools=[{"type": "web_search"}])
    signaling = calling(server, backend=backend)
    tools = [{"type": "function", "name": "roll"}]
    asked = {"delegation": {"type": "responses", "responses": {"tools": tools}}}
    await on_io_thread(signaling.exchange(OFFER, asked))
    assert server.posts[0]["json"]["session"]["delegation"] == {
        "type": "responses",
        "responses": {
            "model": "gpt-6-luna",
            "instructions": "Plain sentences.",
            "tools": [{"type": "web_search"}, *tools],
            "parallel_tool_calls": False,
        },
    }


@pytest.mark.parametrize("backend", [None, lambda text: text])
async def test_tools_need_a_model_as_backend(server, backend):
    signaling = calling(server, backend=backend)
    with pytest.raises(InvalidSession, match="backend="):
        await on_io_thread(signaling.exchange(OFFER, {"delegation": {"type": "responses", "responses": {"tools": []}}}))
    assert server.posts == []


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize(
    ("body", "is_hung_up"),
    [
        ("no JSON", False),
        ('{"session": {"id": "live_1", "object": "live.session"}, "transport": {"sdp": "v=0' + "x" * 1_000_000, True),
        ('{"session": {"id": "live_1"}, "transp', True),
        ("x" * 1_000_001, False),
        ("{}", False),
        ('{"session": {"id": "live_1"}}', True),
        ('{"session": {"id": "live_1"}, "transport": {"type": "webrtc", "sdp": "<html>"}}', True),
        ('{"session": {"id": 7}, "transport": {"sdp": null}}', False),
        ("[" * 100_000, False),
    ],
)
async def test_a_session_without_a_usable_answer_is_hung_up(server, body, is_hung_up):
    server.body = body
    with pytest.raises(InvalidAnswer, match="SDP answer"):
        await on_io_thread(calling(server).exchange(OFFER, {}))
    paths = [post["path"] for post in server.posts]
    assert paths == ["/v1/live/sessions", *(["/v1/live/sessions/live_1/hangup"] if is_hung_up else [])]


async def test_a_session_without_an_id_is_not_used(server):
    server.body = json.dumps({"session": {}, "transport": {"type": "webrtc", "sdp": ANSWER}})
    with pytest.raises(InvalidAnswer, match="id of the session"):
        await on_io_thread(calling(server).exchange(OFFER, {}))


async def test_the_first_error_is_reported_if_hanging_up_fails_too(server):
    server.body, server.hang_up_status = '{"session": {"id": "live_1"}}', 500
    with pytest.raises(InvalidAnswer):
        await on_io_thread(calling(server).exchange(OFFER, {}))


@pytest.mark.parametrize("status", [200, 404])
async def test_a_session_is_hung_up_by_its_id(server, status):
    server.hang_up_status = status
    await on_io_thread(calling(server).hang_up("live u0"))
    assert server.posts[0]["path"] == "/v1/live/sessions/live u0/hangup"
    assert server.posts[0]["headers"]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "unknown_parameter", InvalidSession),
        (400, "invalid_offer", InvalidOffer),
        (400, "model_not_found", AccessDenied),
        (401, "invalid_api_key", InvalidKey),
        (403, None, AccessDenied),
        (429, "rate_limit_exceeded", RateLimited),
        (429, "credit_balance_exhausted", QuotaExceeded),
        (500, None, ServerError),
    ],
)
async def test_each_failure_has_a_class_of_its_own(server, status, code, error):
    server.status = status
    server.body = json.dumps({"error": {"code": code, "message": f"No: 'session.voice' {KEY}", "param": "x"}})
    with pytest.raises(SignalingError) as raised:
        await on_io_thread(calling(server).exchange(OFFER, {}))
    assert type(raised.value) is error
    assert "session.voice" in str(raised.value)
    assert KEY not in str(raised.value)
    assert len(server.posts) == 1, "a second POST would bill another session"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"turn_detection": None}, "has no session setting 'turn_detection'"),
        ({"audio": {"output": {"voise": "marin"}}}, "'audio.output.voise'.*'voice'"),
        ({"audio": {"format": {}}}, "SDP"),
        ({"tools": []}, "backend="),
        ({"voces": "marin"}, "'voces'.*'voice'"),
        ({"input": [{}] * 129}, "at most 128 messages, got 129"),
        ({"triggers": {1}}, "cannot be written as JSON"),
        ({"instructions": "x" * 200_001}, "at most 200,000 bytes"),
        ({"reasoning": {"effort": "low"}}, "needs a model that the service runs"),
        ({"backend": lambda text: text, "backend_instructions": "x"}, "needs a model that the service runs"),
        ({"instructions": 5}, "'instructions' must be a string, got 5"),
        ({"idle_timeout": -1}, "'idle_timeout_s' must be a whole number that is not negative, got -1"),
        ({"idle_timeout": True}, "must be a whole number"),
        ({"idle_timeout": 1.5}, "must be a whole number"),
        ({"input": "hello"}, "'input' must be a list of messages, got 'hello'"),
        ({"store": 1}, "'store' must be True or False, got 1"),
        ({"audio": "marin"}, "'audio' must be a mapping, got 'marin'"),
        ({"backend": ResponsesBackend("m", options={"tools": 5})}, "'delegation.responses.tools' must be a list"),
    ],
)
def test_settings_are_checked_before_anything_is_sent(settings, words):
    with pytest.raises(InvalidSession, match=words):
        OpenAILive(KEY, **settings)


async def test_settings_of_the_widget_are_checked_too(server):
    with pytest.raises(InvalidSession, match="'speed'"):
        await on_io_thread(calling(server).exchange(OFFER, {"speed": 2}))
    assert server.posts == []


async def test_settings_of_a_backend_need_one_in_the_widget_too(server):
    with pytest.raises(InvalidSession, match=r"needs a model.*backend="):
        await on_io_thread(calling(server).exchange(OFFER, {"delegation": {"responses": {"tool_choice": "auto"}}}))
    assert server.posts == []


async def test_unknown_settings_can_be_sent_all_the_same(server):
    await on_io_thread(calling(server, extra_session={"brand_new": 1}).exchange(OFFER, {}))
    assert server.posts[0]["json"]["session"]["brand_new"] == 1


def test_each_class_names_the_other_one():
    with pytest.raises(InvalidSession, match=r"Use OpenAILive\(model='gpt-live-1'\)"):
        OpenAI(KEY, model="gpt-live-1")
    with pytest.raises(InvalidSession, match=r"Use OpenAI\(model='gpt-realtime-2.1'\)"):
        OpenAILive(KEY, model="gpt-realtime-2.1")


def test_a_page_that_shall_make_the_exchange_is_refused_before_any_call():
    with pytest.raises(ClientSecretsUnsupported, match='exchange="browser" is not possible'):
        VoiceChat(OpenAILive(KEY), page=ScriptedPage(), exchange="browser")
    chat = VoiceChat(OpenAILive(KEY), page=ScriptedPage())
    with pytest.raises(ClientSecretsUnsupported, match='exchange="kernel"'):
        chat.exchange = "browser"
    assert chat.exchange == "kernel"
    chat.close()
    chat = VoiceChat(OpenAI(KEY), page=ScriptedPage(), exchange="browser")
    assert chat.exchange == "browser"
    chat.close()


async def test_a_page_cannot_make_the_exchange(server):
    with pytest.raises(ClientSecretsUnsupported, match='exchange="browser" is not possible'):
        await on_io_thread(calling(server).create_client_secret({}))


@pytest.mark.parametrize("backend", [7, ["gpt-6-luna"]])
def test_a_backend_is_a_model_or_a_function(backend):
    with pytest.raises(TypeError, match="backend must be"):
        OpenAILive(KEY, backend=backend)


def test_the_key_is_in_no_text():
    signaling = OpenAILive(KEY)
    assert KEY not in repr(signaling) + repr(vars(signaling))
    assert signaling.redacted(f"x {KEY} y") == "x [removed] y"
