"""A call over a line that breaks: browser and server stand in network namespaces of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient
from playwright.sync_api import Browser, Playwright, expect

from rtc_widget.errors import ReconnectFailed
from tests.e2e import networks
from tests.e2e.another_browser import Switchboard, switchboard
from tests.e2e.browser import browser_arguments, browser_program, chromium
from tests.e2e.conftest import numbers
from tests.e2e.lab import Lab, NotebookPage, evaluate, eventually, jupyterlab
from tests.e2e.networks import Line
from tests.e2e.voice_server import VoiceServer, voice_server
from tests.speech import recognize, speak_wav, word_error_rate

# There is one pair of networks with these names on a machine.
pytestmark = pytest.mark.alone

WIDGET = """
import rtc_widget
chat = rtc_widget.VoiceChat({signaling})
seen = []
chat.observe(lambda change: seen.append(change.new), "status")
chat
"""


NAME_IN_USE = """await (async () => {
  const reports = [...(await spy.peers[0].getStats()).values()];
  const transport = reports.find(({ type }) => type === "transport");
  const pair = reports.find(({ id }) => id === transport.selectedCandidatePairId);
  return reports.find(({ id }) => id === pair.localCandidateId).usernameFragment;
})()"""


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    reason = networks.why_not()
    if reason:
        pytest.skip(reason)
    with networks.networks() as line:
        yield line


OVER = "[data-role=assistant]:is([data-turn-status=completed], [data-turn-status=interrupted])"


@pytest.fixture(scope="module")
def server(line: Line) -> Iterator[VoiceServer]:
    with voice_server(networks.SERVER_HOST, prefix=networks.inside(networks.SERVER)) as server:
        yield server


@pytest.fixture(scope="module")
def lab(line: Line) -> Iterator[Lab]:
    with jupyterlab(host=networks.LAB_HOST) as lab:
        yield lab


@pytest.fixture(scope="module")
def browser(
    playwright: Playwright, lab: Lab, silence_wav: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    # The page is no localhost there; the browser must be told that it may have a microphone all the same.
    with chromium(
        playwright,
        silence_wav,
        wrap=lambda program: networks.wrapped(program, networks.PAGE, tmp_path_factory.mktemp("browser")),
        arguments=[f"--unsafely-treat-insecure-origin-as-secure={lab.url}"],
    ) as browser:
        yield browser


@pytest.fixture
def calling(
    lab: Lab, browser: Browser, show: Callable[[Browser, str], NotebookPage], line: Line
) -> Iterator[Callable[..., NotebookPage]]:
    """Opens a notebook and makes a call."""
    line.loss = 0.0

    def call(signaling: str, before: str = "") -> NotebookPage:
        widget = before + WIDGET.format(signaling=signaling)
        page = show(browser, lab.notebook(f"recovery{next(numbers)}.ipynb", widget))
        page.record_audio()
        page.focus_first_cell()
        page.run_next()
        page.page.locator("button[data-action=connect]").first.click()
        page.wait_for_status("connected")
        return page

    yield call
    line.loss = 0.0
    lab.end_kernels()


@pytest.fixture
def page(calling: Callable[..., NotebookPage], server: VoiceServer) -> NotebookPage:
    server.wait_for_calls(0)
    page = calling(server.signaling)
    ask(page, "What is ICE?", 1)
    return page


def ask(page: NotebookPage, question: str, answers: int) -> None:
    """Write a question and wait until so many responses are over; one that a lost call was speaking is interrupted."""
    box = page.page.locator(".rtc-widget textarea")
    box.fill(question)
    box.press("Enter")
    page.page.wait_for_function(
        "([over, count]) => document.querySelectorAll(over).length >= count",
        arg=[OVER, answers],
    )


def test_two_seconds_without_a_line_heal_by_themselves(page, line, server):
    [call] = server.calls()
    line.loss = 1.0
    page.page.wait_for_timeout(2_000)
    line.loss = 0.0
    ask(page, "What is DTLS?", 2)
    page.wait_for_status("connected")
    assert server.calls() == [call], "the same call goes on"
    assert page.spy("spy.peers.length") == 1


def test_eight_seconds_without_a_line_are_recovered_by_a_new_call(page, line, server, lab):
    [call] = server.calls()
    line.loss = 1.0
    page.wait_for_status("reconnecting")
    page.page.wait_for_timeout(6_000)
    line.loss = 0.0
    started = time.monotonic()
    page.wait_for_status("connected")
    print(f"connected again {time.monotonic() - started:.1f} s after the line was back")
    [new] = server.wait_for_calls(1)
    assert new != call
    assert page.spy("spy.microphone.map((track) => track.readyState)")[-1] == "live"
    assert page.spy("spy.microphone.filter((track) => track.readyState === 'live').length") == 1

    # What was said is known to the new call, and the seam is shown in the page and in Python.
    ask(page, "What is DTLS?", 2)
    seam = page.page.locator(".rtc-new-call")
    assert seam.all_inner_texts() == ["Connected again"]
    kernel = lab.kernel_client()
    said = evaluate(kernel, "str(chat.transcript)")
    assert "── connected again ──\nuser: What is DTLS?" in said
    carried = (
        "[e.raw['item']['content'][0]['text'] for e in chat.events.of('conversation.item.create') if 'id' in e.item]"
    )
    assert evaluate(kernel, carried)[0] == "What is ICE?"
    assert evaluate(kernel, "seen") == ["connecting", "connected", "reconnecting", "connected"]


def test_a_line_that_stays_cut_is_given_up_with_a_clear_error(calling, server, line, lab):
    page = calling(f"{server.signaling}, reconnect=rtc_widget.Reconnect(grace=2, attempt_timeout=5)")
    line.loss = 1.0
    started = time.monotonic()
    page.wait_for_status("error")
    print(f"given up {time.monotonic() - started:.1f} s after the line was cut")
    error = page.page.locator(".rtc-error").first
    expect(error).to_have_attribute("data-code", ReconnectFailed.code)
    expect(error).to_contain_text("3 attempts to connect again failed")
    assert page.spy("spy.microphone.every((track) => track.readyState === 'ended')")
    assert page.spy("spy.peers.every((peer) => peer.connectionState === 'closed')")
    kernel = lab.kernel_client()
    told = "[chat.status, (chat.error or {}).get('code'), chat.connection_state]"
    eventually(lambda: evaluate(kernel, told) == ["error", ReconnectFailed.code, "closed"])

    # Where it stopped, and every way that was tried: of the last attempt, whose server could not be reached.
    stopped, pairs, words = evaluate(
        kernel,
        "(lambda d: [d.stopped_at.name, [[p.local, p.remote, p.state, p.sent, p.answered] for p in d.pairs], str(d)])"
        "(await chat.diagnose())",
    )
    print(words)
    assert stopped == "ICE connected"
    assert [answered for *_, answered in pairs if answered] == []
    [(state, sent)] = [
        (state, sent) for local, remote, state, sent, _ in pairs if "10.77.2.1:" in local and "10.77.2.2:" in remote
    ]
    assert state in ("in-progress", "failed")
    assert sent > 1
    page.page.locator(".rtc-diagnosis > summary").first.click()
    page.page.locator(".rtc-diagnosis li", has_text="10.77.2.2:").first.wait_for()


def test_one_packet_in_five_lost_keeps_talking(page, line, server, lab, tmp_path):
    """Both sides are still understood, though not every word: nothing sends lost sound again."""
    wav = speak_wav(tmp_path / "question.wav", SPOKEN, lead=0.3, tail=0.3)
    kernel = lab.kernel_client()
    wait_until_spoken(kernel, 1)
    [call] = server.calls()
    line.loss = 0.2
    before, _ = page.recording()
    # Three responses: in one of ten words, chance decides.
    for responses, term in enumerate(("DTLS", "STUN", "SDP"), start=2):
        ask(page, f"What is {term}?", responses)
        wait_until_spoken(kernel, responses)
    page.page.wait_for_timeout(500)  # the recording comes in pieces
    after, rate = page.recording()
    said = " ".join(evaluate(kernel, SAID_BY_ASSISTANT)[1:])
    misheard = word_error_rate(said, recognize(after[len(before) :], rate))

    evaluate(kernel, f"(await chat.say({str(wav)!r})) and None")
    wait_until_spoken(kernel, 5)
    heard = " ".join(evaluate(kernel, SAID_BY_USER)[4:])
    misunderstood = word_error_rate(SPOKEN, heard)
    print(f"of the words {misheard:.0%} were misheard here, {misunderstood:.0%} there")
    assert misheard <= 0.5, "silence and noise have no word right"
    assert heard.strip(), "aiortc conceals no loss, so words may be wrong; but speech was heard, and an answer came"
    page.wait_for_status("connected")
    assert server.calls() == [call]
    assert page.spy("spy.peers.length") == 1


SPOKEN = "What is a jitter buffer, and why does a call over the internet need one?"
SAID_BY_ASSISTANT = "[turn.text for turn in chat.transcript if turn.role == 'assistant']"
SAID_BY_USER = "[turn.text for turn in chat.transcript if turn.role == 'user']"


def wait_until_spoken(kernel: BlockingKernelClient, answers: int) -> None:
    eventually(lambda: evaluate(kernel, "len(chat.events.of('output_audio_buffer.stopped'))") >= answers)


@pytest.fixture
def board(line: Line, browser: Browser, tmp_path: Path) -> Iterator[Switchboard]:
    """A browser beside the voice server, and what leads offers to it."""
    with switchboard(networks.SERVER_LAB_HOST) as board:
        program = browser_program() or browser.browser_type.executable_path
        other = browser.browser_type.launch(
            executable_path=networks.wrapped(program, networks.SERVER, tmp_path),
            args=browser_arguments(arguments=[f"--unsafely-treat-insecure-origin-as-secure={board.url}"]),
        )
        other.new_page().goto(board.url)
        yield board
        other.close()


def test_a_server_that_renegotiates_keeps_its_call_when_the_line_was_cut(lab, calling, board, line):
    page = calling("AnotherBrowser()", board.signaling)
    kernel = lab.kernel_client()

    line.loss = 1.0
    page.wait_for_status("reconnecting")
    eventually(lambda: len(board.offers) == 2)
    page.page.wait_for_timeout(1_000)
    line.loss = 0.0
    started = time.monotonic()
    page.wait_for_status("connected")
    print(f"connected again {time.monotonic() - started:.1f} s after the line was back")
    assert [call for call, _ in board.offers] == ["call_1", "call_1"]
    assert page.spy("spy.peers.length") == 1
    assert page.spy("spy.microphone.map((track) => track.readyState)") == ["live"]

    # The way in use is the new one, and the same data channel goes over it.
    # The old one may be found again first.
    eventually(lambda: f"a=ice-ufrag:{page.spy(NAME_IN_USE)}" in board.offers[1][1])
    evaluate(kernel, "chat.send({'type': 'hello'}) and None")
    eventually(lambda: evaluate(kernel, "len(chat.events.of('echo'))") == 1)
    assert evaluate(kernel, "len(chat.events.of('session.created'))") == 1
    assert evaluate(kernel, "seen") == ["connecting", "connected", "reconnecting", "connected"]
    page.page.locator("button[data-action=disconnect]").first.click()
    page.wait_for_status("idle")
