"""Two JupyterLab tabs on one notebook: one holds the call, the other follows it live and can take it over.

Part of what `-k lifecycle` runs: however the call moves, no microphone stays open and the server has one call at most.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Error, expect

from tests.e2e.conftest import numbers
from tests.e2e.lab import GIVEN_UP, Lab, NotebookPage, evaluate, eventually
from tests.e2e.voice_server import VoiceServer
from tests.limits import HANGS

WIDGET = """
import rtc_widget
chat = rtc_widget.VoiceChat({signaling})
seen = []
chat.observe(lambda change: seen.append(change.new), "status")
chat
"""

# JupyterLab's widget manager looks for a model every 100 ms, for 2 s. In the first load of a page its second look comes
# after those 2 s, as on a starved machine, and when the model has been made; but then it does not look again.
LATE_LOOKS = """
if (!sessionStorage.getItem("late")) {
  sessionStorage.setItem("late", "once");
  const timely = window.setTimeout;
  window.setTimeout = (callback, ms, ...rest) => {
    if (ms !== 100 || !new Error().stack.includes("get_model")) return timely(callback, ms, ...rest);
    const start = performance.now();
    const isMade = () => document.querySelector("style[id^='rtc_widget.']") !== null;
    const look = () => (isMade() && performance.now() - start > 2_000 ? callback() : timely(look, 100));
    return timely(look, 100);
  };
}
"""


@pytest.fixture(scope="module")
def spare() -> Iterator[list[NotebookPage]]:
    """Tabs that are still there after a test, for the next one: JupyterLab takes its time to load."""
    tabs: list[NotebookPage] = []
    yield tabs
    for tab in tabs:
        tab.page.close()


@pytest.fixture
def tab(lab: Lab, silent_browser: Browser, spare: list[NotebookPage]) -> Iterator[Callable[[str], NotebookPage]]:
    """Opens a notebook in a tab that is as if in a browser of its own."""
    used: list[NotebookPage] = []

    def open(notebook: str) -> NotebookPage:
        if spare:
            used.append(spare.pop())
            used[-1].is_shared = False
            used[-1].open(notebook)
        else:
            used.append(NotebookPage(lab, silent_browser, notebook))
        return used[-1]

    yield open
    for page in used:
        try:
            page.leave()
        except Error:  # it was closed, or it has crashed
            continue
        page.is_shared = True
        spare.append(page)


@pytest.fixture
def two_tabs(lab: Lab, tab: Callable[[str], NotebookPage], server: VoiceServer) -> tuple[NotebookPage, NotebookPage]:
    """Two tabs; the first has run the cell."""
    server.wait_for_calls(0)
    name = lab.notebook(f"tabs{next(numbers)}.ipynb", WIDGET.format(signaling=server.signaling))
    first = tab(name)
    first.focus_first_cell()
    first.run_next()
    first.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    second = tab(name)
    second.wait_for_restored_widget()
    return first, second


def click(page: NotebookPage, action: str) -> None:
    page.page.locator(f"button[data-action={action}]").first.click()


def take_over(page: NotebookPage) -> None:
    click(page, "take-over")
    page.page.locator(".rtc-widget[data-status=connected] button[data-action=disconnect]").wait_for()


def ask(page: NotebookPage, question: str) -> None:
    box = page.page.locator(".rtc-widget textarea")
    box.fill(question)
    box.press("Enter")


def wait_for_words(page: NotebookPage, words: str, status: str = "completed") -> None:
    turn = page.page.locator(f".rtc-turn[data-turn-status={status}]", has_text=words)
    turn.first.wait_for()


def microphones(page: NotebookPage) -> list[str]:
    return page.spy("spy.microphone.map((track) => track.readyState)")


def test_lifecycle_of_a_call_that_another_tab_follows_and_takes_over(two_tabs, server, lab):
    first, second = two_tabs
    kernel = lab.kernel_client()
    click(first, "connect")
    first.wait_for_status("connected")
    [call] = server.wait_for_calls(1)

    # The second follows: states, transcript while it grows, log.
    second.wait_for_status("connected")
    expect(second.widget()).to_contain_text("The call is in another window")
    ask(first, "What is ICE?")
    wait_for_words(second, "What is ICE?")
    wait_for_words(second, "Interactive Connectivity Establishment")
    assert microphones(second) == []
    second.page.locator(".rtc-panel > summary").click()
    second.page.locator(".rtc-event", has_text="response.done").wait_for()

    # It takes the call over: one call, one microphone, the conversation goes on.
    take_over(second)
    [new] = server.wait_for_calls(1)
    assert new != call
    eventually(lambda: microphones(first) == ["ended"])
    assert microphones(second) == ["live"]
    eventually(lambda: first.spy("spy.peers.map((peer) => peer.connectionState)") == ["closed"])
    error = first.page.locator(".rtc-error").first
    expect(error).to_have_attribute("data-code", "call_taken_over")
    eventually(lambda: evaluate(kernel, "[chat.status, chat.error]") == ["connected", None])
    assert "reconnecting" not in evaluate(kernel, "seen")
    carried = (
        "[e.raw['item']['content'][0]['text'] for e in chat.events.of('conversation.item.create') if 'id' in e.item]"
    )
    assert evaluate(kernel, carried)[0] == "What is ICE?"
    first.page.locator("button[data-action=take-over]").wait_for()
    ask(second, "What is DTLS?")
    wait_for_words(first, "What is DTLS?")

    # The first tab closes: the call of the second goes on.
    leave(first)
    second.page.wait_for_timeout(1_500)
    assert server.calls() == [new]
    assert microphones(second) == ["live"]
    assert evaluate(kernel, "chat.status") == "connected"
    click(second, "disconnect")
    server.wait_for_calls(0)
    assert set(microphones(second)) == {"ended"}


def test_lifecycle_of_a_follower_whose_holder_closes_or_crashes(two_tabs, tab, server, lab):
    first, second = two_tabs
    kernel = lab.kernel_client()
    click(first, "connect")
    first.wait_for_status("connected")
    second.wait_for_status("connected")
    take_over(second)

    # Who has taken the call over closes the tab: the other one shows the end, and may call.
    leave(second)
    server.wait_for_calls(0)
    # At once if the browser lets its last words out, else when two signs of life have not been answered.
    first.page.locator("button[data-action=connect]").wait_for()
    eventually(lambda: evaluate(kernel, "chat.status") in ("idle", "error"))
    assert evaluate(kernel, "chat.active_page") is None

    # A tab that crashes says nothing. Python's connect finds the one that is there.
    third = tab(first.name)
    third.wait_for_restored_widget()
    click(third, "connect")
    third.wait_for_status("connected")
    first.wait_for_status("connected")
    crash(third)
    take_over(first)
    server.wait_for_calls(1)
    assert microphones(first)[-1] == "live"
    click(first, "disconnect")
    server.wait_for_calls(0)


def test_lifecycle_when_python_connects_after_the_newer_tab_has_crashed(two_tabs, server, lab):
    first, second = two_tabs
    kernel = lab.kernel_client()
    second.page.wait_for_timeout(1_000)  # what it says when it comes has been said
    crash(second)

    reply = kernel.execute_interactive(f"await chat.connect(timeout={HANGS})", timeout=HANGS)
    assert reply["content"]["status"] == "ok", reply["content"]
    first.wait_for_status("connected")
    assert evaluate(kernel, "chat.status") == "connected"
    assert microphones(first) == ["live"]
    kernel.execute_interactive(f"await chat.disconnect(timeout={HANGS})", timeout=HANGS)
    server.wait_for_calls(0)
    assert microphones(first) == ["ended"]


def test_a_kernel_restarted_from_another_tab_gets_no_microphone_opened(two_tabs, server):
    first, second = two_tabs
    click(first, "connect")
    first.wait_for_status("connected")
    server.wait_for_calls(1)
    second.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    # At once, while the old kernel may still be about to go: who clicks is told, and opens nothing.
    first.page.evaluate(
        """() => {
          const click = () => document.querySelector("button[data-action=connect]:enabled")?.click();
          window.clicking = setInterval(click, 20);
        }"""
    )
    first.page.locator(".rtc-error[data-code=kernel_died]").wait_for()
    first.page.locator("button[data-action=connect]:disabled").wait_for()
    server.wait_for_calls(0)
    for page, count in ((first, 1), (second, 0)):
        assert microphones(page) == ["ended"] * count
        # One cause, told once.
        text = page.widget().inner_text()
        assert "The server closed the call" not in text
        assert ("The kernel restarted or died" in text) + ("has lost its kernel" in text) == 1
    first.page.evaluate("() => clearInterval(window.clicking)")


def test_a_widget_that_jupyterlab_gave_up_is_there_when_the_page_is_loaded_again(tab, server, lab, silent_browser):
    name = lab.notebook("late.ipynb", WIDGET.format(signaling=server.signaling))
    first = tab(name)
    first.focus_first_cell()
    first.run_next()
    first.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    second = NotebookPage(lab, silent_browser, name, script=LATE_LOOKS)
    second.page.get_by_text(GIVEN_UP).wait_for()
    second.wait_for_restored_widget()
    click(second, "connect")
    second.wait_for_status("connected")
    second.page.close()
    server.wait_for_calls(0)


def leave(page: NotebookPage) -> None:
    """Go away and close the tab: the page hears of it, and what it says still leaves the browser."""
    page.page.goto(f"{page.lab.url}/api/status")
    page.page.close()


def crash(page: NotebookPage) -> None:
    """End the tab's process: no event of the page's tells of it."""
    with contextlib.suppress(Error):
        page.page.goto("chrome://crash")
