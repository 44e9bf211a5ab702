"""However a call ends: the microphone stops, and the server has no call left."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest
from jupyter_client import BlockingKernelClient
from playwright.sync_api import Browser, expect

from tests.e2e.lab import NotebookPage, evaluate, eventually
from tests.e2e.voice_server import VoiceServer
from tests.limits import HANGS

WIDGET = """
import os, rtc_widget
chat = rtc_widget.VoiceChat({signaling}, {settings})
chat
"""


@pytest.fixture
def calling(
    opened: Callable[..., NotebookPage], silent_browser: Browser, server: VoiceServer
) -> Callable[..., NotebookPage]:
    """Opens a notebook whose first cell shows the widget, and makes a call."""
    server.wait_for_calls(0)

    def call(settings: str = "", *cells: str) -> NotebookPage:
        page = opened(silent_browser, WIDGET.format(signaling=server.signaling, settings=settings), *cells)
        connect(page, server)
        return page

    return call


def connect(page: NotebookPage, server: VoiceServer) -> None:
    page.page.locator("button[data-action=connect]").first.click()
    page.wait_for_status("connected")
    assert page.spy("spy.microphone.at(-1).readyState") == "live"
    server.wait_for_calls(1)


def until(kernel: BlockingKernelClient, expression: str, value: object) -> None:
    """Wait until the kernel, which hears of the page a moment later, says so."""
    eventually(lambda: evaluate(kernel, expression) == value)


def assert_over(page: NotebookPage, server: VoiceServer) -> None:
    """The microphone has stopped, the connection is closed, the server has hung up."""
    page.page.wait_for_function(
        "() => __spy.microphone.every((track) => track.readyState === 'ended')"
        " && __spy.peers.every((peer) => peer.connectionState === 'closed')"
    )
    server.wait_for_calls(0)


def test_ends_that_leave_the_kernel_running(calling, lab, server):
    """One page, one kernel, one way after the other."""
    page = calling("view_timeout=1")
    kernel = lab.kernel_client()

    page.page.locator("button[data-action=disconnect]").first.click()
    assert_over(page, server)

    connect(page, server)
    evaluate(kernel, "chat.close()")
    assert_over(page, server)

    again(page, server)
    evaluate(kernel, "globals().pop('chat') and None")
    assert_over(page, server)

    again(page, server)
    with pytest.raises(RuntimeError, match="text"):
        evaluate(kernel, "chat.send_text('')")
    evaluate(kernel, "globals().pop('chat') and None")  # the traceback above still leads to it
    assert_over(page, server)

    again(page, server)
    page.focus_first_cell()
    page.run_next()  # the name is given to a new widget
    assert_over(page, server)
    until(kernel, "chat.status", "idle")

    connect(page, server)
    page.focus_first_cell()
    page.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-cell-output')")
    assert_over(page, server)
    until(kernel, "[chat.status, (chat.error or {}).get('code')]", ["error", "no_view"])

    again(page, server, "max_duration=8, ")
    assert_over(page, server)
    expect(page.page.locator(".rtc-error").first).to_have_attribute("data-code", "call_too_long")
    until(kernel, "(chat.error or {}).get('code')", "call_too_long")


def again(page: NotebookPage, server: VoiceServer, settings: str = "") -> None:
    """Run the widget's cell once more and make a call."""
    page.page.evaluate(
        "(settings) => { const { model } = window.jupyterapp.shell.currentWidget.content.widgets[0];"
        " model.sharedModel.setSource(model.sharedModel.source.replace(/max_duration=8, |view_timeout/, (found) =>"
        " found === 'view_timeout' ? settings + found : '')); }",
        settings,
    )
    page.focus_first_cell()
    page.run_next()
    connect(page, server)


def test_a_call_goes_on_while_its_cell_is_scrolled_out_of_sight(calling, server):
    page = calling("view_timeout=1", *["print('line\\n' * 60)"] * 8)
    page.page.set_viewport_size({"width": 1280, "height": 500})
    page.focus_cell(1)
    for _ in range(8):
        page.run_next()
    page.page.evaluate(
        "() => { const { content } = window.jupyterapp.shell.currentWidget; content.activeCellIndex = 8;"
        " content.node.scrollTop = content.node.scrollHeight; return content.scrollToItem(8, 'end'); }"
    )
    assert not page.widget().is_visible() or page.widget().bounding_box()["y"] < 0
    page.page.wait_for_timeout(2_500)
    assert page.spy("spy.microphone.at(-1).readyState") == "live"
    assert len(server.calls()) == 1


def test_kernel_restart(calling, server):
    page = calling()
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    assert_over(page, server)
    expect(page.widget()).to_contain_text("The kernel restarted or died")


def test_kernel_death(calling, lab, server):
    page = calling()
    os.kill(evaluate(lab.kernel_client(), "os.getpid()"), signal.SIGKILL)
    assert_over(page, server)
    expect(page.widget()).to_contain_text("The kernel restarted or died")


def test_kernel_shutdown(calling, server):
    page = calling()
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    assert_over(page, server)
    page.page.locator(".rtc-error[data-code=kernel_died]").wait_for()
    assert "The server closed the call" not in page.widget().inner_text()


def test_notebook_closed(calling, server):
    page = calling("view_timeout=1")
    page.page.evaluate("() => { window.jupyterapp.shell.currentWidget.dispose(); }")
    assert_over(page, server)


def test_tab_closed(calling, server):
    page = calling()
    page.page.close(run_before_unload=False)
    server.wait_for_calls(0)


def test_page_reload(calling, server, lab):
    page = calling()
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    box = page.page.locator(".rtc-widget textarea")
    box.fill("What is ICE?")
    box.press("Enter")
    page.page.locator("[data-role=assistant][data-turn-status=completed]").wait_for()
    # The turn is complete before the response is done; what a page has not told the kernel goes with it.
    kernel = lab.kernel_client()
    eventually(lambda: evaluate(kernel, "len(chat.events.of('response.done'))") == 1)
    page.page.reload()
    server.wait_for_calls(0)
    page.wait_for_restored_widget()

    # What was said, the log so far, and that the call has ended: all of it asked of the kernel.
    page.page.locator(".rtc-turn", has_text="Interactive Connectivity Establishment").wait_for()
    page.page.locator(".rtc-new-call", has_text="Call ended").wait_for()
    page.page.locator(".rtc-panel > summary").click()
    page.page.locator(".rtc-event", has_text="response.done").click()
    page.page.locator(".rtc-event", has_text="response.created").last.click()
    page.page.locator("[data-action=copy-index]").click()
    place = page.page.locator(".rtc-event-details [role=status]", has_text="chat.events[")
    [expression] = re.findall(r"chat\.events\[\d+\]", place.inner_text(timeout=1000 * HANGS))
    assert evaluate(kernel, f"{expression}.type") == "response.created"
    connect(page, server)
    page.page.locator("button[data-action=disconnect]").first.click()
    assert_over(page, server)


def test_a_call_without_a_microphone_hears_the_answer(opened, silent_browser, server):
    """By choice; nobody is asked for a microphone, and the report says so."""
    ask = f"""
chat.send_text("What is ICE?")
await chat.wait_for("output_audio_buffer.stopped", timeout={HANGS})
print(chat.receive_only, "|", chat.transcript[-1].text, "|", await chat.diagnose(timeout={HANGS}))
"""
    page = opened(silent_browser, WIDGET.format(signaling=server.signaling, settings=""), ask)
    page.record_audio()
    page.page.locator(".rtc-invitation [data-action=listen]").click()
    page.wait_for_status("connected")
    page.focus_cell(1)
    page.run_next()
    said = page.output(1)
    assert said.startswith("True |")
    assert "✓ Data channel opened: open" in said
    assert "✕" not in said
    assert page.spy("spy.microphone.length") == 0
    assert page.spy("spy.levels.some(([who]) => who === 'assistant')"), "the answer was heard"
