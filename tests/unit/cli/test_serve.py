from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, get_type_hints

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from rtc_widget import cli
from rtc_widget._version import __version__
from rtc_widget.cli.serve import serve
from rtc_widget.server.http.app import Access
from rtc_widget.server.responders.chat_completions import ChatResponder
from rtc_widget.server.transport.registry import Limits
from tests.limits import HANGS

COMMAND = [sys.executable, "-c", "from rtc_widget.cli import main; main()"]


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["rtc-widget", "--version"])
    cli.main()

    assert capsys.readouterr().out == f"rtc-widget {__version__}\n"


def test_without_the_extra_it_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtc_widget.signaling.local.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["rtc-widget", "serve"])
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    assert capsys.readouterr().err == f"{cli.MISSING}\n"


@pytest.mark.speech
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent there")
def test_serve_says_where_it_listens_and_stops_on_ctrl_c() -> None:
    with subprocess.Popen([*COMMAND, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = ""
        while "Ctrl-C stops it." not in said:
            line = server.stdout.readline()
            assert line, said
            said += line
        url, token = re.findall(r"Listening on (\S+)/v1|Token +(\S+)", said)
        with httpx.Client(base_url=url[0], headers={"Authorization": f"Bearer {token[1]}"}, trust_env=False) as client:
            assert client.get("/health").json()["ready"]
            assert client.post("/v1/realtime/calls/rtc_nobody/hangup").status_code == 404
        server.send_signal(signal.SIGINT)
        rest, _ = server.communicate(timeout=HANGS)

    assert "Responder    the WebRTC tutor" in said
    assert f'VoiceChat(OpenAI("{token[1]}", base_url="{url[0]}/v1"))' in said, "ready to be pasted"
    assert rest == "Stopped.\n"
    assert server.returncode == 0


def run(*arguments: str) -> Result:
    """Run `rtc-widget serve` in this process: what ends at once needs none of its own."""
    return CliRunner().invoke(
        cli.create_app(), ["serve", *arguments], env={"COLUMNS": "200", "NO_COLOR": "1", "RTC_WIDGET_TOKEN": None}
    )


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port))

    assert ended.exit_code == 1
    assert ended.stdout.startswith(f"Cannot listen on 127.0.0.1:{port}:")
    assert ended.stdout.endswith("Try another --port.\n")


def test_an_address_that_is_not_here_is_told_in_one_line() -> None:
    ended = run("--host", "203.0.113.1")

    assert ended.exit_code == 1
    assert ended.stdout.startswith("Cannot listen on 203.0.113.1:8089:")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--chat-url", "http://127.0.0.1:11434/v1"], "--chat-url and --chat-model must be given together"),
        (["--allow-origin", "localhost"], "--allow-origin must be a web origin"),
        (["--udp-ports", "50100-50000"], "--udp-ports must be two ports"),
        (["--udp-ports", "0"], "--udp-ports must be two ports"),
        (["--public-address", "my.host"], "--public-address must be an IP address"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(arguments: list[str], says: str) -> None:
    ended = run("--port", "0", *arguments)

    assert ended.exit_code == 1
    assert ended.stdout.startswith(says)


@pytest.mark.speech
def test_an_engine_that_is_not_there_is_told_in_one_line() -> None:
    ended = run("--port", "0", "--voice", "darth-vader")

    assert ended.exit_code == 1
    assert "The voice 'darth-vader' is not installed" in ended.stdout


def test_help_explains_every_option() -> None:
    shown = run("--help").stdout

    options = get_type_hints(serve, include_extras=True)
    del options["return"]
    for name, option in options.items():
        assert f"--{name.replace('_', '-')}" in shown
        [info] = option.__metadata__
        assert info.help, f"--{name} is not explained"
        assert " ".join(info.help.split()[:3]) in " ".join(shown.split())


def test_what_is_asked_for_on_the_command_line_is_what_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    served = SimpleNamespace()

    async def serve_on(listener: socket.socket, access: Access, **rest: Any) -> None:
        listener.close()
        served.access, served.limits, served.responder = access, rest["limits"], rest["responder_for"]

    # Open to other machines only as far as the command knows.
    loopback = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr("rtc_widget.server.serve.bound_socket", lambda host, port: loopback)
    monkeypatch.setattr("rtc_widget.server.serve.serve", serve_on)
    options = {"host": "0.0.0.0", "chat_url": "http://127.0.0.1:1/v1", "chat_model": "llama"}
    serve(max_calls=3, max_minutes=1.5, **options)

    assert len(served.access.token) >= 32, "never without a token"
    assert served.limits == Limits(3, 1.5)
    assert isinstance(served.responder({}), ChatResponder)


@pytest.mark.speech
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent there")
def test_the_log_tells_of_calls_and_holds_no_key() -> None:
    secret = "my-very-own-token"
    command = [*COMMAND, "serve", "--port", "0", "--verbose"]
    environment = {**os.environ, "RTC_WIDGET_TOKEN": secret}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        said = ""
        while "Ctrl-C stops it." not in said:
            line = server.stdout.readline()
            assert line, said
            said += line
        url = re.findall(r"Listening on (\S+)/v1", said)[0]
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/sdp"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
            assert client.post("/v1/realtime/calls?model=any", content="v=0").status_code == 400
        server.send_signal(signal.SIGINT)
        rest, log = server.communicate(timeout=HANGS)

    assert secret not in said + rest + log
    assert 'os.environ["RTC_WIDGET_TOKEN"]' in said
    assert "offer refused" in log or "ended" in log
