from __future__ import annotations

import pytest

pytest.importorskip("typer")

from rtc_widget.cli.talk import _server
from rtc_widget.errors import MissingKey

ELSEWHERE = "https://voice.example.org/v1"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-for-openai")
    monkeypatch.delenv("RTC_WIDGET_TOKEN", raising=False)


@pytest.mark.parametrize("host", [ELSEWHERE, "https://openai.com.example.org/v1", "https://notopenai.com/v1"])
def test_the_key_of_openai_goes_nowhere_else(host):
    with pytest.raises(MissingKey, match="No key for"):
        _server(host, "")._read_key()


def test_another_server_gets_its_own_token(monkeypatch):
    monkeypatch.setenv("RTC_WIDGET_TOKEN", "token-of-elsewhere")
    assert _server(ELSEWHERE, "")._read_key() == "token-of-elsewhere"
    assert _server(ELSEWHERE, "given")._read_key() == "given"


def test_openai_gets_the_key_that_is_given_else_its_own():
    assert _server("", "given")._read_key() == "given"
    assert _server("https://api.openai.com/v1", "")._read_key() == "key-for-openai"
    assert _server("", "") is None
