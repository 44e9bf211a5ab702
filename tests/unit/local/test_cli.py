from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx
import pytest

from rtc_widget import cli
from rtc_widget._version import __version__

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
        rest, _ = server.communicate(timeout=10)

    assert rest == "Stopped.\n"
    assert server.returncode == 0


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    command = [*COMMAND, "serve", "--host", "203.0.113.1"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=30, check=False)

    assert ended.returncode == 1
    assert ended.stdout.startswith("Cannot listen on 203.0.113.1:8089:")
