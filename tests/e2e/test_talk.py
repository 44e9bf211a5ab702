"""The main job: a spoken question in a notebook, heard, answered aloud, and every event a Python object."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.e2e.browser import chromium
from tests.e2e.conftest import QUESTION
from tests.e2e.lab import ROOT, evaluate, eventually
from tests.limits import HANGS
from tests.speech import recognize, speak_wav, word_error_rate

WIDGET = """
import rtc_widget
chat = rtc_widget.VoiceChat({signaling})
seen = []
chat.observe(lambda change: seen.append((change.name, change.new)),
             ["status", "connection_state", "data_channel_state", "microphone_permission"])
chat
"""
CONNECT = f"await chat.connect(timeout={HANGS})"
LOCAL = WIDGET.format(signaling="")
# The models must be loaded before the microphone opens: the fake one speaks only once.
READY = """
import asyncio
from rtc_widget.server.process import running_address
while running_address() is None:
    await asyncio.sleep(0.1)
"""
TALK = f"""
{CONNECT}
print("status after connect:", chat.status)
await chat.wait_for("output_audio_buffer.stopped", timeout={HANGS})
"""
SERVER_CALLS = (
    "__import__('httpx').get(running_address().url + '/health', "
    "headers={'Authorization': 'Bearer ' + running_address().token}, trust_env=False).json()['call_ids']"
)


def values(seen: list[list[str]], name: str) -> list[str]:
    return [value for key, value in seen if key == name]


@pytest.fixture(scope="package")
def asking_browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose own microphone asks, four seconds after it is opened: the call stands by then."""
    wav = speak_wav(tmp_path_factory.mktemp("microphone") / "question.wav", QUESTION, lead=4.0, tail=1.0)
    with chromium(playwright, wav) as browser:
        yield browser


@pytest.mark.alone
def test_a_spoken_question_is_heard_and_answered_aloud(opened, asking_browser, lab):
    page = opened(asking_browser, LOCAL, READY, TALK)
    page.record_audio()
    page.run_next()
    page.run_next()
    assert "status after connect: connected" in page.output(2), "awaiting works inside a cell"

    # The page shows what was said, and so does the kernel.
    kernel = lab.kernel_client()
    user = page.page.locator(".rtc-transcript [data-role=user]").first.inner_text()
    assert word_error_rate(QUESTION, user.removeprefix("You")) <= 0.2
    turns = evaluate(kernel, "[(turn.role, turn.text) for turn in chat.transcript]")
    assert [role for role, _ in turns] == ["user", "assistant"]
    assert word_error_rate(QUESTION, turns[0][1]) <= 0.2
    assert "jitter" in turns[1][1]
    expect(page.page.locator(".rtc-transcript [data-role=assistant]").first).to_contain_text(turns[1][1])

    # A voice said the answer: what came over the remote track is recognised again.
    heard = recognize(*page.recording())
    assert word_error_rate(turns[1][1], heard) <= 0.2

    # The kernel holds, in order and whole, what the server sent.
    received = evaluate(kernel, "[event.raw for event in chat.events if event.direction == 'received']")
    assert received == [json.loads(text) for text in page.spy("spy.received")]
    assert received[0]["type"] == "session.created"

    # Python's traits went through the right states.
    seen = evaluate(kernel, "seen")
    assert values(seen, "status") == ["connecting", "connected"]
    assert values(seen, "connection_state") == page.spy("spy.connectionStates")
    assert values(seen, "connection_state")[-1] == "connected"
    assert values(seen, "data_channel_state") == ["connecting", "open"]
    assert values(seen, "microphone_permission")[-1] == "granted"
    assert evaluate(kernel, "chat.call_id") == evaluate(kernel, SERVER_CALLS)[0]

    # Disconnect leaves nothing open anywhere.
    page.page.locator("button[data-action=disconnect]").click()
    page.wait_for_status("idle")
    assert page.spy("spy.microphone.map((track) => track.readyState)") == ["ended"]
    assert page.spy("spy.peers.map((peer) => peer.connectionState)") == ["closed"]
    eventually(lambda: evaluate(kernel, SERVER_CALLS) == [])
    gone = ["idle", "closed", None]
    eventually(lambda: evaluate(kernel, "[chat.status, chat.connection_state, chat.call_id]") == gone)


def test_the_microphone_is_asked_for_with_what_a_voice_call_needs(opened, silent_browser, server):
    page = opened(silent_browser, WIDGET.format(signaling=server.signaling))
    page.page.locator("button[data-action=connect]").click()
    page.wait_for_status("connected")
    assert page.spy("spy.constraints") == {
        "audio": {"echoCancellation": True, "noiseSuppression": True, "autoGainControl": True}
    }
    assert page.spy("spy.channels.map((channel) => channel.label)") == ["oai-events"]


def test_two_displays_show_one_call(opened, silent_browser, server):
    widget = WIDGET.format(signaling=server.signaling)
    page = opened(silent_browser, widget, "chat", f"{CONNECT}\nchat.send_text('What is ICE?')")
    page.run_next()
    page.run_next()
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('.rtc-transcript')].filter((view) =>"
        " view.querySelector('[data-role=assistant]')?.textContent.includes('ICE')).length === 2"
    )
    expect(page.page.locator(".rtc-widget[data-status=connected]")).to_have_count(2)
    assert page.spy("spy.peers.length") == 1
    assert page.spy("spy.microphone.length") == 1


@pytest.mark.alone
def test_a_written_question_is_answered_aloud(opened, silent_browser, server):
    page = opened(silent_browser, WIDGET.format(signaling=server.signaling))
    page.record_audio()
    page.page.locator("button[data-action=connect]").click()
    page.wait_for_status("connected")
    box = page.page.locator(".rtc-widget textarea")
    box.fill(QUESTION)
    box.press("Enter")
    answer = page.page.locator(".rtc-transcript [data-role=assistant]").first
    answer.get_by_text("jitter").wait_for()
    assert box.input_value() == ""
    page.page.wait_for_function("() => __spy.received.some((text) => text.includes('output_audio_buffer.stopped'))")
    page.page.wait_for_timeout(1_000)  # what the server has sent is still played out of the browser's buffer
    text = answer.locator(".rtc-turn-text").first.inner_text()
    assert word_error_rate(text, recognize(*page.recording())) <= 0.2


def test_a_python_function_of_the_notebook_answers(opened, silent_browser, lab):
    widget = """
import rtc_widget
from rtc_widget import Local
count = 41
def answer(text):
    global count
    count += 1
    return f"You asked for number {count}."
chat = rtc_widget.VoiceChat(Local(reply=answer))
chat
"""
    talk = f"""
await chat.connect(timeout={HANGS})
chat.send_text("A number, please.")
done = await chat.wait_for("response.done")
print(done.response.status, "|", chat.transcript[-1].text)
"""
    page = opened(silent_browser, widget, talk)
    page.run_next()
    assert "completed | You asked for number 42." in page.output(1)


def test_a_busy_kernel_does_not_hurt_the_conversation(opened, silent_browser, lab, server, question_wav, tmp_path):
    """The cell holds the kernel while question and answer are spoken; afterwards everything is there, in order."""
    spoken = tmp_path / "spoken"
    hold = f"import pathlib, time\nwhile not pathlib.Path({str(spoken)!r}).exists(): time.sleep(0.05)"
    page = opened(silent_browser, WIDGET.format(signaling=server.signaling), CONNECT, hold, "len(chat.transcript)")
    page.will_say(question_wav, when_open=False)
    page.run_next()
    page.run_next(wait=False)
    prompt = page.page.locator(".jp-CodeCell").nth(2).locator(".jp-InputPrompt")
    expect(prompt).to_have_text("[*]:")
    page.page.evaluate("() => __spy.speak()")
    page.page.locator(".rtc-transcript [data-role=assistant]").first.wait_for()
    page.page.wait_for_function("() => __spy.received.some((text) => text.includes('output_audio_buffer.stopped'))")
    expect(prompt).to_have_text("[*]:")
    spoken.touch()
    page.run_next()
    kernel = lab.kernel_client()
    received = evaluate(kernel, "[event.raw for event in chat.events if event.direction == 'received']")
    assert received == [json.loads(text) for text in page.spy("spy.received")]


@pytest.mark.parametrize("version", ["6.31.0"])
def test_ipykernel_6_raises_at_once_and_the_two_cell_way_works(opened, silent_browser, lab, server):
    cell = f"""
import time
started = time.monotonic()
try:
    await chat.connect(timeout={HANGS})
except rtc_widget.RtcWidgetError as error:
    print(type(error).__name__, error, "| after", round(time.monotonic() - started, 1))
call = asyncio.ensure_future(chat.connect(timeout={HANGS}))
"""
    widget = "import asyncio" + WIDGET.format(signaling=server.signaling)
    page = opened(silent_browser, widget, cell, "call.result(), chat.status")
    page.run_next()
    assert "AwaitUnsupported ipykernel 6.31" in page.output(1)
    assert "Split the cell in two" in page.output(1)
    assert float(page.output(1).rpartition("| after ")[2]) < HANGS / 10, "at once, not at a time limit"
    page.wait_for_status("connected")
    kernel = lab.kernel_client()
    eventually(lambda: evaluate(kernel, "call.done()"))
    page.run_next()
    assert "(None, 'connected')" in page.output(2)


def test_the_first_notebook_runs_from_top_to_bottom(show, lab, silent_browser, question_wav):
    name = "01_talk.ipynb"
    shutil.copy(ROOT / "notebooks" / name, lab.folder)
    page = show(silent_browser, name)
    page.will_say(question_wav, when_open=False)
    page.focus_first_cell()
    cells = nbformat.read(lab.folder / name, nbformat.NO_CONVERT).cells
    reacts = next(place for place, cell in enumerate(cells) if "speech_started" in cell.source)
    for _ in cells[: reacts + 1]:
        page.run_next()
    # The line of the callback appears under its cell, while the kernel is idle.
    page.spy("spy.speak()")
    code_cells = [cell for cell in cells[:reacts] if cell.cell_type == "code"]
    page.outputs(len(code_cells)).get_by_text("you speak, at").wait_for()
    for _ in cells[reacts + 1 :]:
        page.run_next()
    outputs = page.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells"
        ".flatMap((cell) => cell.outputs ?? [])"
    )
    assert outputs
    assert [output for output in outputs if output["output_type"] == "error"] == []
    said = "".join("".join(output.get("text", "")) for output in outputs)
    assert "Interactive Connectivity Establishment" in said
    expect(page.widget()).to_have_attribute("data-status", "idle")
    assert page.spy("spy.microphone.map((track) => track.readyState)") == ["ended"]
