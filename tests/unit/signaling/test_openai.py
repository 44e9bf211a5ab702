from __future__ import annotations

import asyncio
import json
import pickle
import socket
import traceback
from itertools import cycle

import pytest
import trustme

from rtc_widget import OpenAI
from rtc_widget.errors import (
    AccessDenied,
    HostNotFound,
    InsecureServer,
    InvalidAnswer,
    InvalidKey,
    InvalidOffer,
    InvalidSession,
    MissingKey,
    QuotaExceeded,
    RateLimited,
    ServerError,
    ServerNotFound,
    ServerUnreachable,
    SignalingError,
    SignalingTimeout,
)
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.signaling import openai as room
from rtc_widget.signaling.http import SignalingClient
from tests.unit.signaling.realtime_server import ANSWER, RealtimeServer, running
from tests.unit.waiting import eventually

OFFER = "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
KEY = "sk-canary-7041"


@pytest.fixture
def server():
    with running(RealtimeServer()) as server:
        yield server


class OnIoThread:
    """Runs a signaling where the product runs it."""

    def __init__(self, signaling):
        self._signaling = signaling

    def __getattr__(self, name):
        method = getattr(self._signaling, name)
        return lambda *arguments: asyncio.wrap_future(io_thread().run(method(*arguments)))


def calling(server, key=KEY, **options):
    return OnIoThread(OpenAI(key, base_url=server.url, **options))


async def test_offer_and_session_go_as_typed_parts_and_the_answer_comes_back_untouched(server):
    answer = await calling(server, instructions="Be brief.").exchange(OFFER, {"audio": {"output": {"voice": "marin"}}})
    [post] = server.posts
    assert post["path"] == "/v1/realtime/calls"
    assert post["headers"]["authorization"] == f"Bearer {KEY}"
    assert "openai-beta" not in post["headers"]
    assert post["parts"]["sdp"] == (OFFER, "application/sdp")
    text, content_type = post["parts"]["session"]
    assert content_type == "application/json"
    assert json.loads(text) == {
        "type": "realtime",
        "model": "gpt-realtime-2.1",
        "instructions": "Be brief.",
        "audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}, "output": {"voice": "marin"}},
    }
    assert (answer.sdp, answer.call_id) == (ANSWER, "rtc_1")


async def test_headers_name_who_is_calling(server):
    signaling = calling(server, organization="org-1", project="proj-1", safety_identifier="hash-1")
    await signaling.exchange(OFFER, {})
    headers = server.posts[0]["headers"]
    assert headers["openai-organization"] == "org-1"
    assert headers["openai-project"] == "proj-1"
    assert headers["openai-safety-identifier"] == "hash-1"


async def test_the_connection_is_opened_early_and_used_for_the_exchange(server):
    signaling = calling(server)
    await signaling.prepare(lambda words: None)
    await eventually(lambda: server.requests)
    await signaling.exchange(OFFER, {})
    early, post = server.requests
    assert early["method"] == "HEAD"
    assert "authorization" not in early["headers"], "nothing secret is needed to open a connection"
    assert early["client"] == post["client"], "the POST went over the connection that was opened early"


@pytest.mark.parametrize(("fresh_seconds", "opens_again"), [(300.0, False), (0.0, True)])
async def test_a_connection_that_was_used_just_now_is_not_opened_again(server, monkeypatch, fresh_seconds, opens_again):
    monkeypatch.setattr("rtc_widget.signaling.http._FRESH_SECONDS", fresh_seconds)
    signaling = calling(server)
    for opens in (True, opens_again):
        before = len(server.requests)
        await signaling.prepare(lambda words: None)
        if opens:
            await eventually(lambda before=before: len(server.requests) > before)
        await signaling.exchange(OFFER, {})
    again = ["HEAD"] if opens_again else []
    assert [request["method"] for request in server.requests] == ["HEAD", "POST", *again, "POST"]


async def test_a_connection_is_opened_before_a_call_without_asking_for_the_key(server):
    signaling = OpenAI(lambda: pytest.fail("nobody calls yet"), base_url=server.url)

    async def warm_up():
        signaling.warm_up()

    await asyncio.wrap_future(io_thread().run(warm_up()))
    await eventually(lambda: server.requests)
    assert [request["method"] for request in server.requests] == ["HEAD"]


async def test_an_exchange_that_follows_at_once_opens_its_connection_itself(server, monkeypatch):
    monkeypatch.setattr("rtc_widget.signaling.http._IMMINENT_SECONDS", 300.0)
    signaling = calling(server)
    await signaling.prepare(lambda words: None)
    await signaling.prepare(lambda words: None)
    await signaling.exchange(OFFER, {})
    assert [request["method"] for request in server.requests] == ["POST"]
    assert signaling._signaling._client._warms_soon is None


async def test_the_key_is_read_when_the_call_is_made(server, monkeypatch):
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        await OnIoThread(OpenAI()).exchange(OFFER, {})
    keys = iter([KEY, "sk-canary-2"])
    signaling = calling(server, lambda: next(keys))
    await signaling.exchange(OFFER, {})
    await signaling.exchange(OFFER, {})
    assert [post["headers"]["authorization"] for post in server.posts] == [f"Bearer {KEY}", "Bearer sk-canary-2"]


async def test_the_key_may_come_from_a_function(server):
    await calling(server, lambda: KEY).exchange(OFFER, {})
    assert server.posts[0]["headers"]["authorization"] == f"Bearer {KEY}"


async def test_keys_of_a_function_are_not_kept_and_yet_struck_out(server):
    keys = cycle(["made-up.key.number.1", "made-up.key.number.2"])
    openai = OpenAI(lambda: next(keys), base_url=server.url)
    for _ in range(2):
        await OnIoThread(openai).exchange(OFFER, {})
    said = openai.redacted('{"a":"made-up.key.number.1","b":"made-up.key.number.2."} made-up.key.number.3')
    assert said.count("made-up.key") == 1
    held = pickle.dumps(
        [cell.cell_contents for cell in openai._redact_keys.__closure__ if not callable(cell.cell_contents)]
    )
    assert b"made-up" not in held


async def test_a_function_that_finds_no_key_is_told_so(server):
    with pytest.raises(MissingKey, match="No API key"):
        await calling(server, lambda: None).exchange(OFFER, {})


async def test_a_key_with_odd_characters_is_refused_before_it_is_sent(server):
    with pytest.raises(MissingKey, match="characters"):
        await calling(server, "sk-…").exchange(OFFER, {})
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_offer", InvalidOffer),
        (400, "unknown_parameter", InvalidSession),
        (401, "invalid_api_key", InvalidKey),
        (403, None, AccessDenied),
        (404, None, ServerNotFound),
        (429, "rate_limit_exceeded", RateLimited),
        (429, "insufficient_quota", QuotaExceeded),
        (500, None, ServerError),
        (503, None, ServerError),
        (302, None, ServerError),
    ],
)
async def test_each_refusal_is_an_exception_of_its_own_with_the_servers_words(server, status, code, kind):
    server.status = status
    server.body = json.dumps({"error": {"message": f"Because of {KEY}.", "type": "t", "param": None, "code": code}})
    with pytest.raises(kind, match="Because of") as caught:
        await calling(server).exchange(OFFER, {})
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.hint or kind in (InvalidOffer, InvalidSession)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert len(server.posts) == 1, "a POST that may have been billed is not tried again"


async def test_a_refusal_without_json_shows_its_words(server):
    server.status, server.body = 502, "<html>Bad gateway</html>"
    with pytest.raises(ServerError, match="Bad gateway"):
        await calling(server).exchange(OFFER, {})


@pytest.mark.parametrize("body", ["", "<html>", '{"sdp": "v=0"}', "\x00" * 50, "v=1\r\n", "x" * 2_000_000])
async def test_a_body_that_is_no_sdp_is_an_error_and_the_call_is_hung_up(server, body):
    server.body = body
    with pytest.raises(InvalidAnswer):
        await calling(server).exchange(OFFER, {})
    assert [post["path"] for post in server.posts][1:] == ["/v1/realtime/calls/rtc_1/hangup"]


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("padding", [0, 290])
async def test_the_key_is_struck_out_of_whatever_the_server_says(server, status, padding):
    server.status, server.body = status, "x" * padding + f" Authorization: Bearer {KEY}"
    with pytest.raises(SignalingError) as caught:
        await calling(server).exchange(OFFER, {})
    assert "sk-canary" not in "".join(traceback.format_exception(caught.value))


async def test_a_slow_server_is_given_up(server, monkeypatch):
    server.delay = 1
    monkeypatch.setattr(room, "SignalingClient", lambda name: SignalingClient(name, answer_seconds=0.1))
    with pytest.raises(SignalingTimeout, match="within"):
        await calling(server).exchange(OFFER, {})


async def test_an_unknown_host_says_so():
    with pytest.raises(HostNotFound, match="unknown"):
        await calling(RealtimeServer(url="http://no-such-host.invalid/v1")).exchange(OFFER, {})


async def test_a_closed_port_says_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        await calling(RealtimeServer(url=f"http://127.0.0.1:{port}/v1")).exchange(OFFER, {})


async def test_an_untrusted_certificate_says_so(tmp_path):
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    options = {"ssl_keyfile": str(tmp_path / "key.pem"), "ssl_certfile": str(tmp_path / "cert.pem")}
    with running(RealtimeServer(), **options) as server, pytest.raises(InsecureServer, match="CERTIFICATE"):
        await calling(server).exchange(OFFER, {})


async def test_a_location_in_any_form_gives_the_call_id(server):
    server.headers = {"Location": "https://host.example/v1/realtime/calls/rtc_2/?x=1"}
    assert (await calling(server).exchange(OFFER, {})).call_id == "rtc_2"
    server.headers = {}
    assert (await calling(server).exchange(OFFER, {})).call_id is None


@pytest.mark.parametrize("status", [200, 400, 404])
async def test_hanging_up_a_call_that_has_ended_is_no_error(server, status):
    server.hang_up_status = status
    await calling(server).hang_up("rtc_1")
    assert server.posts[0]["path"] == "/v1/realtime/calls/rtc_1/hangup"
    assert server.posts[0]["headers"]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("url", ["api.openai.com", "ftp://host/v1", "", "http://"])
def test_a_base_url_that_is_none_is_refused_at_once(url):
    with pytest.raises(ServerNotFound, match="must be an http or https URL, got"):
        OpenAI(base_url=url)


def test_unknown_settings_name_the_nearest_known_one():
    with pytest.raises(InvalidSession, match=r"'audio\.input\.turn_detecton'.*'turn_detection'"):
        OpenAI(audio={"input": {"turn_detecton": None}})
    with pytest.raises(InvalidSession, match="temperature"):
        OpenAI(temperature=0.5)


def test_what_is_not_known_yet_goes_through_extra_session():
    assert OpenAI(extra_session={"brand_new": {"x": None}}).session["brand_new"] == {"x": None}


def test_shorthands_land_where_the_api_wants_them_and_null_means_off():
    session = OpenAI(voice="cedar", turn_detection=None, transcription=None).session
    assert session["audio"] == {"input": {"turn_detection": None, "transcription": None}, "output": {"voice": "cedar"}}


def test_the_key_is_nowhere_in_the_object():
    signaling = OpenAI(KEY)
    assert KEY not in repr(signaling) + str(vars(signaling)) + repr(signaling._client.__dict__)
    assert signaling.name == "OpenAI · gpt-realtime-2.1"
    assert OpenAI(base_url="http://localhost:8000/v1").name == "localhost"
    assert OpenAI(base_url="https://notopenai.com/v1").name == "notopenai.com"


async def test_a_short_lived_secret_is_minted_with_the_session_and_does_not_show(server):
    secret = await calling(server, instructions="Be brief.").create_client_secret(
        {"audio": {"output": {"voice": "marin"}}}
    )
    assert (secret.value, secret.url) == ("ek_1", f"{server.url}/realtime/calls")
    assert "ek_1" not in repr(secret)
    [post] = server.posts
    assert post["path"] == "/v1/realtime/client_secrets"
    assert post["headers"]["authorization"] == f"Bearer {KEY}"
    assert post["json"]["expires_after"] == {"anchor": "created_at", "seconds": 60}
    assert post["json"]["session"]["instructions"] == "Be brief."
    assert post["json"]["session"]["audio"]["output"] == {"voice": "marin"}


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("body", ["", "[]", "{}", '{"value":7}', '{"value":""}', "<html>", "[" * 100_000])
async def test_an_answer_without_a_secret_is_an_error(server, body):
    server.secret_body = body
    with pytest.raises(InvalidAnswer, match="did not return a client secret"):
        await calling(server).create_client_secret({})


async def test_a_hang_up_that_fails_does_not_hide_why_there_is_no_call(server, monkeypatch):
    async def fails(self, call_id):
        raise ServerUnreachable("It is gone.")

    monkeypatch.setattr(OpenAI, "hang_up", fails)
    server.body = "nothing"
    with pytest.raises(InvalidAnswer):
        await calling(server).exchange(OFFER, {})


def test_only_openai_itself_gets_an_offer_without_candidates_and_only_on_a_direct_path() -> None:
    elsewhere = OpenAI("sk-test", base_url="https://voice.example/v1")
    relayed = OpenAI("sk-test", ice_servers=["turn:relay.example"])
    fetched = OpenAI("sk-test", ice_servers="fetch")
    made = (OpenAI("sk-test"), elsewhere, relayed, fetched)
    assert [server.needs_candidates for server in made] == [False, True, True, True]
