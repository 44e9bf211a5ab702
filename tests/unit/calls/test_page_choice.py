"""The choice of the page: the browser, or a page in this process."""

from __future__ import annotations

import pytest

from rtc_widget import VoiceChat
from rtc_widget.calls.page_choice import choose_page
from rtc_widget.errors import HeadlessNotInstalled


class QuietPage:
    name = "quiet page"
    makes_calls = False

    def __init__(self):
        self.heard, self.settings, self.is_closed = [], None, False

    def take_settings(self, settings):
        self.settings = settings

    def open(self, say):
        assert self.settings is not None
        say({"type": "hello", "page": "q1", "protocol": 2})

    def hear(self, message):
        self.heard.append(message)

    def close(self):
        self.is_closed = True


async def test_a_page_in_this_process_speaks_with_the_widget_without_a_comm():
    page = QuietPage()
    chat = VoiceChat(page=page, max_duration=7)
    assert page.heard[0] == {"type": "welcome", "page": "q1", "protocol": 2}
    assert page.settings["max_duration"] == 7
    chat.max_duration = 8
    assert page.settings["max_duration"] == 8
    assert "quiet page" in repr(chat)
    assert chat._repr_mimebundle_() == {"text/plain": repr(chat)}, "no buttons that would do nothing"
    chat.close()
    assert page.is_closed


async def test_a_cell_of_ipykernel_6_can_wait_for_a_page_in_this_process(monkeypatch):
    from rtc_widget.kernel import ipykernel as awaiting

    monkeypatch.setattr(awaiting, "kernel_version", lambda: (6, 31))
    chat = VoiceChat(page=QuietPage())

    async def cell():
        with pytest.raises(TimeoutError):
            await chat.wait_for("*", timeout=0.01)

    cell.__qualname__ = "InteractiveShell.run_cell_async"
    await cell()
    chat.close()


def test_a_page_of_no_kind_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="got 'firefox'"):
        VoiceChat(page="firefox")
    with pytest.raises(TypeError, match="ScriptedPage"):
        VoiceChat(page=7)
    monkeypatch.setenv("RTC_WIDGET_PAGE", "firefox")
    with pytest.raises(ValueError, match=r"RTC_WIDGET_PAGE must be .* got 'firefox'"):
        VoiceChat()


def test_without_its_parts_a_headless_page_says_what_to_install(monkeypatch):
    monkeypatch.setattr("rtc_widget.headless.page._NEEDED", ("no_such_module",))
    with pytest.raises(HeadlessNotInstalled, match=r"no_such_module.*rtc-widget\[local\]"):
        VoiceChat(page="headless")


def test_by_default_the_page_is_the_browsers():
    assert choose_page(None) is None
    assert choose_page("browser") is None
