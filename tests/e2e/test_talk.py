"""The main job: a spoken question in a notebook, heard, answered aloud, and every event a Python object."""

from __future__ import annotations

import json
import shutil

import nbformat
import pytest

from tests.e2e.conftest import CURRENT, QUESTION
from tests.e2e.lab import ROOT, NotebookPage, evaluate, eventually
from tests.speech import recognize, word_error_rate

WIDGET = """
import rtc_widget
chat = rtc_widget.VoiceChat()
seen = []
chat.observe(lambda change: seen.append((change.name, change.new)),
             ["status", "connection_state", "data_channel_state", "microphone_permission"])
chat
"""
# The models must be loaded before the microphone opens: the fake one speaks only once.
READY = """
import asyncio
from rtc_widget.server.process import running_address
async with asyncio.timeout(60):
    while running_address() is None:
        await asyncio.sleep(0.1)
"""
TALK = """
await chat.connect()
print("status after connect:", chat.status)
await chat.wait_for("output_audio_buffer.stopped", timeout=60)
"""
SERVER_CALLS = (
    "__import__('httpx').get(running_address().url + '/health', "
    "headers={'Authorization': 'Bearer ' + running_address().token}, trust_env=False).json()['call_ids']"
)


def values(seen: list[list[str]], name: str) -> list[str]:
    return [value for key, value in seen if key == name]


@pytest.mark.parametrize("version", [CURRENT, "7.3.0"])
def test_a_spoken_question_is_heard_and_answered_aloud(opened, asking_browser, lab, version):
    page = opened(asking_browser, WIDGET, READY, TALK)
    page.run_next(timeout=90)
    page.run_next(timeout=90)
    assert "status after connect: connected" in page.output(2), "awaiting works inside a cell"

    kernel = lab.kernel_client()
    assert evaluate(kernel, "__import__('ipykernel').__version__").startswith(version)

    # The page shows what was said, and so does the kernel.
    user = page.page.locator(".rtc-transcript [data-role=user]").first.inner_text()
    assert word_error_rate(QUESTION, user.removeprefix("You")) <= 0.2
    turns = evaluate(kernel, "[(turn.role, turn.text) for turn in chat.transcript]")
    assert [role for role, _ in turns] == ["user", "assistant"]
    assert word_error_rate(QUESTION, turns[0][1]) <= 0.2
    assert "jitter" in turns[1][1]
    assert turns[1][1] in page.page.locator(".rtc-transcript [data-role=assistant]").first.inner_text()

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
    assert values(seen, "connection_state") == ["connecting", "connected"]
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


def test_the_microphone_is_asked_for_with_what_a_voice_call_needs(opened, silent_browser):
    page = opened(silent_browser, WIDGET)
    page.page.locator("button[data-action=connect]").click()
    page.wait_for_status("connected", timeout=60)
    assert page.spy("spy.constraints") == {
        "audio": {"echoCancellation": True, "noiseSuppression": True, "autoGainControl": True}
    }
    assert page.spy("spy.channels.map((channel) => channel.label)") == ["oai-events"]


def test_two_displays_show_one_call(opened, silent_browser):
    page = opened(silent_browser, WIDGET, "chat", "await chat.connect()\nchat.send_text('What is ICE?')")
    page.run_next()
    page.run_next(timeout=60)
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('.rtc-transcript')].filter((view) =>"
        " view.querySelector('[data-role=assistant]')?.textContent.includes('ICE')).length === 2",
        timeout=30_000,
    )
    assert page.page.locator(".rtc-widget[data-status=connected]").count() == 2
    assert page.spy("spy.peers.length") == 1
    assert page.spy("spy.microphone.length") == 1


def test_a_written_question_is_answered_aloud(opened, silent_browser):
    page = opened(silent_browser, WIDGET)
    page.page.locator("button[data-action=connect]").click()
    page.wait_for_status("connected", timeout=60)
    box = page.page.locator(".rtc-widget textarea")
    box.fill(QUESTION)
    box.press("Enter")
    answer = page.page.locator(".rtc-transcript [data-role=assistant]").first
    answer.get_by_text("jitter").wait_for(timeout=30_000)
    assert box.input_value() == ""
    page.page.wait_for_function("() => __spy.received.some((text) => text.includes('output_audio_buffer.stopped'))")
    page.page.wait_for_timeout(1_000)  # what the server has sent is still played out of the browser's buffer
    text = answer.inner_text().removeprefix("Assistant")
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
    talk = """
await chat.connect(timeout=60)
chat.send_text("A number, please.")
done = await chat.wait_for("response.done")
print(done.response.status, "|", chat.transcript[-1].text)
"""
    page = opened(silent_browser, widget, talk)
    page.run_next(timeout=90)
    assert "completed | You asked for number 42." in page.output(1)


def test_a_busy_kernel_does_not_hurt_the_conversation(opened, asking_browser, lab):
    """The cell holds the kernel while question and answer are spoken; afterwards everything is there, in order."""
    page = opened(
        asking_browser, WIDGET, READY, "await chat.connect()", "import time; time.sleep(16)", "len(chat.transcript)"
    )
    for _ in range(2):
        page.run_next(timeout=90)
    page.run_next(wait=False)
    page.page.locator(".rtc-transcript [data-role=assistant]").first.wait_for(timeout=15_000)
    assert page.page.locator(".jp-CodeCell").nth(3).locator(".jp-InputPrompt").inner_text().strip() == "[*]:"
    page.page.wait_for_function("() => __spy.received.some((text) => text.includes('output_audio_buffer.stopped'))")
    page.run_next(timeout=60)
    kernel = lab.kernel_client()
    received = evaluate(kernel, "[event.raw for event in chat.events if event.direction == 'received']")
    assert received == [json.loads(text) for text in page.spy("spy.received")]


def test_ipykernel_6_raises_at_once_and_the_two_cell_way_works(labs, silent_browser):
    lab = labs("6.31.0")
    try:
        cell = """
import time
started = time.monotonic()
try:
    await chat.connect()
except rtc_widget.RtcWidgetError as error:
    print(type(error).__name__, error, "| after", round(time.monotonic() - started, 1))
call = asyncio.ensure_future(chat.connect(timeout=60))
"""
        cells = ("import asyncio" + WIDGET, cell, "call.result(), chat.status")
        page = NotebookPage(lab, silent_browser, lab.notebook("six.ipynb", *cells))
        page.focus_first_cell()
        page.run_next()
        page.run_next()
        assert "AwaitUnsupported ipykernel 6.31" in page.output(1)
        assert "Split the cell in two" in page.output(1)
        assert float(page.output(1).rpartition("| after ")[2]) < 2, "at once, not at a time limit"
        page.wait_for_status("connected", timeout=60)
        kernel = lab.kernel_client()
        eventually(lambda: evaluate(kernel, "call.done()"))
        page.run_next()
        assert "(None, 'connected')" in page.output(2)
    finally:
        lab.end_kernels()


def test_the_first_notebook_runs_from_top_to_bottom(lab, silent_browser):
    name = "01_talk.ipynb"
    shutil.copy(ROOT / "notebooks" / name, lab.folder)
    page = NotebookPage(lab, silent_browser, name)
    page.focus_first_cell()
    for _ in nbformat.read(lab.folder / name, nbformat.NO_CONVERT).cells:
        page.run_next(timeout=180)
    outputs = page.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells"
        ".flatMap((cell) => cell.outputs ?? [])"
    )
    assert outputs
    assert [output for output in outputs if output["output_type"] == "error"] == []
    said = "".join("".join(output.get("text", "")) for output in outputs)
    assert "Interactive Connectivity Establishment" in said
    assert page.widget().get_attribute("data-status") == "idle"
    assert page.spy("spy.microphone.map((track) => track.readyState)") == ["ended"]
