"""Passwords and keys: in no process that needs none, and in no repr, name, error, log or message."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import socket
import subprocess
import traceback
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from rtc_widget import ChatCompletions, OpenAI, OpenAILive, VoiceChat
from rtc_widget._urls import credentials_of, without_secrets
from rtc_widget.cli.serve import _responder
from rtc_widget.errors import (
    InvalidKey,
    MissingKey,
    RtcWidgetError,
    ServerNotFound,
    ServerUnreachable,
    SignalingTimeout,
)
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.server.process import ServerProcess
from rtc_widget.server.responders.chat_completions import ChatServer
from rtc_widget.server.speech.subprocess_engines import EngineProcess
from rtc_widget.signaling.http import SignalingClient
from tests.unit.signaling.realtime_server import RealtimeServer, running

PASSWORD = "hunter-2-of-nobody"
SECRETS = {
    "OPENAI_API_KEY": "sk-canary-1",
    "RTC_WIDGET_TOKEN": "canary-token",
    "RTC_WIDGET_CHAT_KEY": "canary-chat",
}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://me:{PASSWORD}@host.example/v1", "https://host.example/v1"),
        (f"https://{PASSWORD}@host.example/v1", "https://host.example/v1"),
        (f"https://me:a/{PASSWORD}@host.example/v1", "https://host.example/v1"),
        (f"me:{PASSWORD}@host.example/v1", "host.example/v1"),
        (f"https://host.example/v1?api-key={PASSWORD}&v=2#x", "https://host.example/v1?api-key=…&v=…#…"),
        ("http://127.0.0.1:8089/v1", "http://127.0.0.1:8089/v1"),
    ],
)
def test_a_url_is_shown_without_secrets(url, shown):
    assert without_secrets(url) == shown


def test_escaped_credentials_are_read():
    assert credentials_of("http://me%40x:a%2Fb@host/v1") == ("me@x", "a/b")
    assert credentials_of("http://host/v1") is None


@pytest.mark.parametrize(
    ("base_url", "is_sent"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("http://api.openai.com/v1", False),
        ("https://api.openai.com.example/v1", False),
        ("https://notopenai.com/v1", False),
        ("https://me.openai.azure.com/openai/v1", False),
        ("http://127.0.0.1:8765/v1", False),
    ],
)
@pytest.mark.parametrize("kind", [OpenAI, OpenAILive])
async def test_the_variable_s_key_goes_only_to_openai_s_own_hosts(kind, base_url, is_sent, monkeypatch):
    received = []

    def refuse(request: httpx.Request) -> httpx.Response:
        received.append(request.headers.get("authorization"))
        return httpx.Response(401)

    client = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    monkeypatch.setattr("rtc_widget.signaling.http._client", lambda: client)
    monkeypatch.setenv("OPENAI_API_KEY", SECRETS["OPENAI_API_KEY"])
    with pytest.raises((InvalidKey, MissingKey)) as raised:
        await kind(base_url=base_url).exchange("v=0", {})
    with pytest.raises(InvalidKey):
        await kind("given", base_url=base_url).exchange("v=0", {})
    assert [value for value in received if value] == [f"Bearer {SECRETS['OPENAI_API_KEY']}"] * is_sent + [
        "Bearer given"
    ]
    if isinstance(raised.value, MissingKey):
        assert "api_key=" in raised.value.hint


def _unreadable(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("broken", request=request)


def _silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("silent", request=request)


@pytest.mark.parametrize(
    ("server", "error"),
    [
        (_unreadable, ServerUnreachable),
        (_silent, SignalingTimeout),
        (lambda request: httpx.Response(401, text="No: sk-canary-1"), InvalidKey),
    ],
)
async def test_no_error_of_an_open_response_leads_to_the_credentials(server, error, monkeypatch):
    client = httpx.AsyncClient(transport=httpx.MockTransport(server))
    monkeypatch.setattr("rtc_widget.signaling.http._client", lambda: client)
    lines = SignalingClient("The server").lines("GET", "http://h/v1", headers={}, secret="sk-canary-1", silence=1.0)
    with pytest.raises(error) as raised:
        await anext(lines)
    assert (raised.value.__context__, raised.value.__cause__) == (None, None)
    assert "sk-canary-1" not in str(raised.value)


def test_no_repr_and_no_name_holds_a_password():
    url = f"https://me:{PASSWORD}@host.example/v1"
    server = OpenAI("sk-x", base_url=url)
    chat = VoiceChat(server)
    _, responder = _responder(None, url, "llama", "")  # type: ignore[arg-type]
    for text in (
        *(repr(server), server.name, server.base_url, repr(chat), chat.server, repr(vars(server))),
        *(repr(ChatCompletions(url, "llama")), repr(ChatServer(url, "llama")), ChatServer(url, "llama").shown_url),
        responder,
    ):
        assert PASSWORD not in text
    chat.close()


@pytest.mark.parametrize("url", [f"ftp://me:{PASSWORD}@host/v1", f"me:{PASSWORD}@host", f"//me:{PASSWORD}@host"])
@pytest.mark.parametrize("make", [lambda url: OpenAI("sk-x", base_url=url), lambda url: ChatCompletions(url, "llama")])
def test_no_error_of_a_wrong_url_holds_a_password(url, make):
    with pytest.raises((ServerNotFound, ValueError)) as caught:
        make(url)
    assert PASSWORD not in "".join(traceback.format_exception_only(caught.value))


async def test_credentials_in_a_url_are_sent_and_not_logged(caplog):
    caplog.set_level(logging.INFO)
    with running(RealtimeServer()) as fake:
        server = OpenAI("sk-x", base_url=fake.url.replace("://", f"://me:{PASSWORD}@"))
        await asyncio.wrap_future(io_thread().run(server.exchange("v=0\r\n", {})))
        secret = await asyncio.wrap_future(io_thread().run(server.create_client_secret({})))
        await asyncio.wrap_future(io_thread().run(server.hang_up("rtc_1")))
    expected = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    assert {post["headers"]["authorization"] for post in fake.posts} == {expected}
    assert "HTTP Request" in caplog.text
    assert PASSWORD not in caplog.text
    assert PASSWORD not in secret.url, "it crosses to the page"


async def test_no_error_of_a_call_holds_a_password(unused_tcp_port):
    for host in (f"127.0.0.1:{unused_tcp_port}", "nowhere.invalid"):
        server = OpenAI("sk-x", base_url=f"http://me:{PASSWORD}@{host}/v1")
        with pytest.raises(RtcWidgetError) as caught:
            await asyncio.wrap_future(io_thread().run(server.exchange("v=0\r\n", {})))
        assert PASSWORD not in str(caught.value)


class Started(Exception):
    """A process would be started."""


@pytest.fixture
def environments(monkeypatch):
    """Return the environments of the processes that are started; none is."""
    found: list[dict[str, str]] = []

    def popen(command: object, *, env: dict[str, str] | None = None, **options: Any) -> None:
        found.append(dict(os.environ) if env is None else env)
        raise Started

    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(subprocess, "Popen", popen)
    return found


@pytest.mark.parametrize(
    "start", [ServerProcess, lambda: EngineProcess("recognizer", ""), lambda: EngineProcess("speaker", "heart")]
)
def test_processes_get_no_secret_that_they_do_not_need(environments, start):
    with pytest.raises(Started):
        start()
    [environment] = environments
    assert not SECRETS.keys() & environment.keys()
    assert environment["PATH"] == os.environ["PATH"]


def test_an_engine_of_the_user_keeps_the_key_of_its_service_and_gets_no_token(environments):
    with pytest.raises(Started):
        EngineProcess("recognizer", "my_engines:Cloud")
    assert SECRETS.keys() & environments[0].keys() == {"OPENAI_API_KEY"}


def test_serve_says_that_the_environment_variable_is_safer(monkeypatch):
    import typer

    from rtc_widget.cli.serve import serve

    async def served(listener: socket.socket, *arguments: object, **options: object) -> None:
        listener.close()

    monkeypatch.setattr("rtc_widget.server.serve.serve", served)
    app = typer.Typer()
    app.command()(serve)
    said = CliRunner().invoke(app, ["--port", "0", "--token", "t"]).output
    assert "RTC_WIDGET_TOKEN is safer" in " ".join(said.split())
    said = CliRunner().invoke(app, ["--port", "0"], env={"RTC_WIDGET_TOKEN": "t"}).output
    assert "safer" not in said
    assert "Stopped" in said
    assert "variable is safer" in " ".join(CliRunner().invoke(app, ["--help"]).output.replace("│", " ").split())
