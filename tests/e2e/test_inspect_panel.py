"""The statistics, the session and the usage in the widget, in a real notebook in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.lab import NotebookPage, evaluate, eventually

PRICES = {"text_input": 4.0, "text_output": 16.0, "audio_output": 64.0, "audio_input": 32.0}
WIDGET = """
import rtc_widget
chat = rtc_widget.VoiceChat({signaling}, microphone=False, prices={prices})
chat
"""
LABELS = {
    "roundTripTime": re.compile(r"^Round trip: [\d.]+ ms$"),
    "receivedBitrate": re.compile(r"^Received: \d+ kbit/s$"),
}


@pytest.fixture
def page(opened, silent_browser, server) -> NotebookPage:
    """A page with a call, and with the panel open."""
    page = opened(silent_browser, WIDGET.format(signaling=server.signaling, prices=PRICES))
    page.page.locator("button[data-action=connect]").click()
    page.wait_for_status("connected")
    page.page.locator(".rtc-panel > summary").click()
    return page


def open_tab(page: NotebookPage, name: str):
    page.page.locator(f"[data-tab={name}]").click()
    return page.page.locator(f"[data-tab-panel={name}]")


def test_a_person_changes_the_session_in_the_widget(page, lab):
    tab = open_tab(page, "session")
    instructions = tab.locator("[name=instructions]")
    instructions.fill("Say everything twice.")
    update = tab.locator("[data-action=update-session]")
    update.click()
    expect(tab.locator("[data-setting=instructions] .rtc-field-note")).to_have_text("Confirmed.")
    kernel = lab.kernel_client()
    assert evaluate(kernel, "chat.session.instructions") == "Say everything twice."

    speed = tab.locator("[name=speed]")
    speed.fill("9")
    expect(update).to_be_enabled()
    speed.press("Enter")
    expect(speed).to_have_attribute("aria-invalid", "true")
    expect(tab.locator("[data-setting=speed] .rtc-field-note")).to_contain_text("1.5")
    assert evaluate(kernel, "chat.session.speed") == 1

    tab.locator("[name=turn_detection]").select_option("off")
    speed.fill("1")
    update.click()
    eventually(lambda: evaluate(kernel, "chat.session.turn_detection is None"))


def test_the_widget_shows_what_a_call_uses_and_measures(page, lab):
    tab = open_tab(page, "usage")
    expect(tab).to_contain_text("Nothing used yet")
    page.page.locator(".rtc-draft").fill("What is ICE?")
    page.page.locator(".rtc-draft").press("Enter")
    expect(tab.locator("[data-kind=text_output]")).to_be_visible()
    kernel = lab.kernel_client()
    amounts = evaluate(kernel, "{kind: amount for kind, amount in chat.usage.items() if amount}")
    assert amounts == evaluate(kernel, "chat.usage_totals['amounts']")
    for kind, amount in amounts.items():
        expect(tab.locator(f"[data-kind={kind}] td")).to_contain_text(f"{amount:,}")
    expect(tab.locator(".rtc-cost")).to_contain_text(f"{evaluate(kernel, 'chat.usage.cost(chat.prices)'):.3g}"[:4])

    tab = open_tab(page, "statistics")
    for series, label in LABELS.items():
        expect(tab.locator(f"[data-series={series}] svg")).to_have_attribute("aria-label", label)


def test_a_switch_and_python_set_whether_writing_interrupts(page, lab):
    page.page.locator("button[data-action=devices]").click()
    switch = page.page.locator("[data-setting=text_interrupts]")
    expect(switch).to_be_checked()
    switch.click()
    kernel = lab.kernel_client()
    eventually(lambda: evaluate(kernel, "chat.text_interrupts") is False)
    evaluate(kernel, "setattr(chat, 'text_interrupts', True)")
    expect(switch).to_be_checked()
