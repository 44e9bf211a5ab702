"""Calls from Firefox with default settings: its offers hold only names of multicast DNS, which need not resolve."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import QUESTION, numbers
from tests.e2e.firefox import Firefox, firefox, firefox_program
from tests.e2e.lab import Lab, evaluate, eventually
from tests.e2e.voice_server import VoiceServer, voice_server
from tests.speech import speak_wav, word_error_rate

WIDGET = """
import rtc_widget
chat = rtc_widget.VoiceChat({signaling}, reconnect=rtc_widget.Reconnect(grace=1))
chat
"""
CONNECT, DISCONNECT = (f".rtc-widget button[data-action={action}]" for action in ("connect", "disconnect"))
ENTER = "\ue007"
FOCUS = "document.querySelector('.rtc-widget textarea').focus()"
RUN = """(() => {
  const { shell, commands } = window.jupyterapp;
  shell.currentWidget.content.activeCellIndex = 0;
  return commands.execute("notebook:run-cell");
})()"""
IS_OPEN = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'"


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    program = firefox_program()
    if program is None:
        pytest.skip("Firefox is not installed")
    with firefox(program) as browser:
        yield browser


@pytest.fixture(scope="module")
def server() -> Iterator[VoiceServer]:
    with voice_server() as server:
        yield server


def wait_for_status(browser: Firefox, status: str) -> None:
    browser.wait_for(f"document.querySelector('.rtc-widget').dataset.status === '{status}'")


def ask(browser: Firefox, question: str, responses: int) -> None:
    """Write a question with the keyboard and wait until so many responses are over; a lost call cuts its own."""
    browser.evaluate(FOCUS)
    browser.press(question + ENTER)
    over = "[data-role=assistant]:is([data-turn-status=completed], [data-turn-status=interrupted])"
    browser.wait_for(f"document.querySelectorAll('{over}').length >= {responses}")


@pytest.mark.alone
def test_a_call_from_firefox_writes_speaks_reconnects_and_ends(
    browser: Firefox, lab: Lab, server: VoiceServer, tmp_path
):
    name = lab.notebook(f"firefox{next(numbers)}.ipynb", WIDGET.format(signaling=server.signaling))
    browser.open(f"{lab.url}/lab/tree/{name}?reset")
    browser.wait_for(IS_OPEN)
    browser.evaluate(RUN)
    browser.wait_for(f"document.querySelector('{CONNECT}') !== null")
    kernel = lab.kernel_client()

    browser.click(CONNECT)
    wait_for_status(browser, "connected")
    candidates = browser.evaluate("__spy.peers[0].localDescription.sdp.match(/a=candidate:.*/g)")
    assert candidates
    assert all(".local" in candidate for candidate in candidates), "as Firefox comes"

    ask(browser, "What is ICE?", 1)
    # The fake device sounds all the time, so that a turn of the user may follow.
    # Python has it a moment later than the page: nobody there waits for it.
    said = "[turn.text for turn in chat.transcript if turn.role == 'assistant'][-1]"
    eventually(lambda: "Interactive Connectivity Establishment" in evaluate(kernel, said))

    # The fake device sounds all the time; the clip is sent in its place.
    wav = speak_wav(tmp_path / "question.wav", QUESTION, lead=0.3, tail=0.3)
    evaluate(kernel, "chat.mute()")
    evaluate(kernel, f"(await chat.say({str(wav)!r})) and None")
    spoken = "[turn.text for turn in chat.transcript if turn.role == 'user' and 'jitter' in turn.text]"
    eventually(lambda: len(evaluate(kernel, spoken)) == 1)
    assert word_error_rate(QUESTION, evaluate(kernel, spoken)[0]) <= 0.2

    [call] = server.calls()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        wait_for_status(browser, "reconnecting")
        browser.wait_for("__spy.peers.length === 2")  # the old connection has been given up
    finally:
        os.kill(server.pid, signal.SIGCONT)
    wait_for_status(browser, "connected")
    [new] = server.wait_for_calls(1)
    assert new != call

    browser.click(DISCONNECT)
    wait_for_status(browser, "idle")
    server.wait_for_calls(0)
    assert set(browser.evaluate("__spy.microphone.map((track) => track.readyState)")) == {"ended"}
    eventually(lambda: evaluate(kernel, "[chat.status, chat.error]") == ["idle", None])
