"""What goes wrong is said in the page and raised in Python, and nothing stays open."""

from __future__ import annotations

from tests.e2e.lab import chromium

CONNECT = """
try:
    await chat.connect()
except rtc_widget.RtcWidgetError as error:
    print(type(error).__name__, "|", error.code, "|", chat.status)
"""


def test_a_wrong_key_is_told_in_the_server_s_words(opened, silent_browser):
    widget = """
import rtc_widget
from rtc_widget.local.process import shared_process
address = shared_process().ready.result(60)
chat = rtc_widget.VoiceChat(rtc_widget.OpenAI("sk-wrong", base_url=address.url + "/v1"))
chat
"""
    page = opened(silent_browser, widget, CONNECT)
    page.run_next(timeout=60)
    assert "InvalidKey | invalid_key | error" in page.output(1)
    error = page.page.locator(".rtc-error").first.inner_text()
    assert "401" in error
    assert "Check the key" in error
    assert page.spy("spy.microphone.map((track) => track.readyState)") == ["ended"]
    assert page.spy("spy.peers.map((peer) => peer.connectionState)") == ["closed"]


def test_the_openai_client_code_talks_to_any_compatible_server(opened, silent_browser):
    widget = """
import rtc_widget
from rtc_widget.local.process import shared_process
address = shared_process().ready.result(60)
chat = rtc_widget.VoiceChat(rtc_widget.OpenAI(address.token, base_url=address.url + "/v1", voice="marin"))
chat
"""
    talk = """
await chat.connect()
chat.send_text("What is SDP?")
await chat.wait_for("response.done")
print(chat.server, "|", chat.transcript[-1].text)
"""
    page = opened(silent_browser, widget, talk)
    page.run_next(timeout=60)
    assert "127.0.0.1 · gpt-realtime-2.1 |" in page.output(1)
    assert "Session Description Protocol" in page.output(1)


def test_a_refused_microphone_is_explained(opened):
    with chromium(permitted=False) as browser:
        page = opened(browser, "import rtc_widget\nchat = rtc_widget.VoiceChat()\nchat", CONNECT)
        page.run_next(timeout=60)
        assert "MicrophoneDenied | microphone_denied | error" in page.output(1)
        assert "microphone" in page.page.locator(".rtc-error").first.inner_text().lower()
        assert page.page.locator("button[data-action=connect]").is_enabled()


def test_without_a_server_to_call_the_widget_says_what_to_install(opened, silent_browser):
    widget = """
import rtc_widget
from rtc_widget.signaling import local
local.is_installed = lambda: False
chat = rtc_widget.VoiceChat()
chat
"""
    page = opened(silent_browser, widget, CONNECT)
    assert "pip install 'rtc-widget[local]'" in page.page.locator(".rtc-widget").first.inner_text()
    page.run_next()
    assert "MissingKey" in page.output(1)
