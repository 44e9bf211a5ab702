"""What goes wrong is said in the page and raised in Python, and nothing stays open."""

from __future__ import annotations

import nbformat
from ipywidgets.embed import dependency_state
from nbformat.sign import NotebookNotary
from playwright.sync_api import expect

from rtc_widget import VoiceChat
from tests.e2e.browser import chromium
from tests.e2e.lab import Lab
from tests.e2e.voice_server import TOKEN
from tests.limits import HANGS

WIDGET = """
import rtc_widget
chat = rtc_widget.VoiceChat(rtc_widget.OpenAI({key!r}, base_url="{url}/v1", voice="marin"))
chat
"""
CONNECT = f"""
try:
    await chat.connect(timeout={HANGS})
except rtc_widget.RtcWidgetError as error:
    print(type(error).__name__, "|", error.code, "|", chat.status)
"""


def test_a_wrong_key_is_told_in_the_server_s_words(opened, silent_browser, server):
    page = opened(silent_browser, WIDGET.format(key="sk-wrong", url=server.url), CONNECT)
    page.run_next()
    assert "InvalidKey | invalid_key | error" in page.output(1)
    error = page.page.locator(".rtc-error").first.inner_text()
    assert "401" in error
    assert "Check the key" in error
    assert page.spy("spy.microphone.map((track) => track.readyState)") == ["ended"]
    assert page.spy("spy.peers.map((peer) => peer.connectionState)") == ["closed"]


def test_the_openai_client_code_talks_to_any_compatible_server(opened, silent_browser, server):
    talk = f"""
await chat.connect(timeout={HANGS})
chat.send_text("What is SDP?")
await chat.wait_for("response.done", timeout={HANGS})
print(chat.server, "|", chat.transcript[-1].text)
"""
    page = opened(silent_browser, WIDGET.format(key=TOKEN, url=server.url), talk)
    page.run_next()
    assert "127.0.0.1 |" in page.output(1)
    assert "Session Description Protocol" in page.output(1)


def test_a_refused_microphone_is_explained(opened, playwright, server):
    with chromium(playwright, permitted=False) as browser:
        page = opened(browser, WIDGET.format(key=TOKEN, url=server.url), CONNECT)
        page.run_next()
        assert "MicrophoneDenied | microphone_denied | error" in page.output(1)
        expect(page.page.locator(".rtc-error").first).to_contain_text("microphone", ignore_case=True)
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
    expect(page.page.locator(".rtc-widget").first).to_contain_text("pip install 'rtc-widget[local]'")
    page.run_next()
    assert "MissingKey" in page.output(1)


def test_a_widget_of_an_earlier_kernel_opens_no_microphone_and_says_so(show, lab, silent_browser):
    page = show(silent_browser, _notebook_with_saved_widget(lab))
    page.wait_for_restored_widget()
    page.page.locator("button[data-action=connect]").first.click()
    error = page.page.locator(".rtc-error").first
    error.wait_for()
    expect(error).to_have_attribute("data-code", "kernel_died")
    expect(error).to_contain_text("earlier kernel")
    assert page.spy("spy.microphone.length") == 0


def _notebook_with_saved_widget(lab: Lab) -> str:
    """As JupyterLab writes it with *Save Widget State Automatically*, in a kernel that has ended since."""
    chat = VoiceChat()
    view = {"model_id": chat.model_id, "version_major": 2, "version_minor": 0}
    output = nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": view})
    state = {"state": dependency_state([chat], drop_defaults=False), "version_major": 2, "version_minor": 0}
    chat.close()
    file = lab.folder / lab.notebook("saved.ipynb", "chat")
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[0].outputs = [output]
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    # Widgets of a notebook that nobody has signed are not shown.
    NotebookNotary(data_dir=str(lab.folder.parent / "data")).sign(notebook)
    nbformat.write(notebook, file)
    return file.name
