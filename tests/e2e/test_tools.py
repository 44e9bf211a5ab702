"""Tools, asking, leave, session changes and push-to-talk, in a real notebook in a real browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import CURRENT, run_cells
from tests.e2e.lab import NotebookPage, evaluate, eventually
from tests.limits import HANGS

WIDGET = """
import asyncio
import rtc_widget
deleted = []
def get_weather(city: str) -> dict:
    "Tell the weather of a city."
    return {"city": city, "sky": "sunny"}
chat = rtc_widget.VoiceChat(SIGNALING, tools=[get_weather])
chat
"""
CONNECT = f"await chat.connect(timeout={HANGS})"
TOOLS = """
@chat.tool(confirm=True)
def delete_file(path: str) -> str:
    "Delete a file of the notebook."
    deleted.append(path)
    return "it is gone"
turn = await chat.ask("What is the weather in Paris and in Rome?")
print(turn.role, "|", turn.text, "|", [call.status for call in chat.tools.calls])
"""
DELETE = """
asking = asyncio.ensure_future(chat.ask('Delete the file "notes.txt", please.'))
"""
FAILS = """
import asyncio
@chat.on("response.done")
def breaks(event):
    raise ValueError("mine")
@chat.on("response.done")
async def breaks_later(event):
    raise KeyError("also mine")
turn = await chat.ask("What is ICE?", until_spoken=False)
chat.off("response.done", breaks); chat.off("response.done", breaks_later)
while len(chat.errors) < 2:  # the later one fails in a task of its own
    await asyncio.sleep(0.02)
print(turn.text[:3], "|", [str(failure) for failure in chat.errors])
"""
MANUAL = """
session = await chat.update_session(turn_detection=None, instructions="Be brief.")
print(session.turn_detection, session.instructions, chat.session.instructions)
try:
    await chat.update_session(model="another")
except rtc_widget.RtcWidgetError as error:
    print(type(error).__name__, error)
"""
PUSH = f"""
with chat.push_to_talk():
    while not said.exists():
        await asyncio.sleep(0.05)
event = await chat.wait_for("conversation.item.input_audio_transcription.completed", timeout={HANGS})
print(event.transcript)
"""

TYPES = "[event.type for event in chat.events]"
SHOTS = os.environ.get("RTC_WIDGET_SCREENSHOTS")


def shoot(page: NotebookPage, name: str) -> None:
    """Keep a picture of the widget in both themes, where somebody wants to look at it."""
    if SHOTS is None:
        return
    for theme in ("Light", "Dark"):
        page.page.evaluate(
            f"() => window.jupyterapp.commands.execute('apputils:change-theme', {{ theme: 'JupyterLab {theme}' }})"
        )
        page.page.wait_for_timeout(1_500)
        page.widget().screenshot(path=str(Path(SHOTS) / f"{name}-{theme.lower()}.png"))


@pytest.fixture
def widget(server) -> str:
    return WIDGET.replace("SIGNALING", server.signaling)


def test_the_model_calls_python_functions_with_a_person_s_leave(opened, silent_browser, lab, widget):
    page = opened(silent_browser, widget, CONNECT, TOOLS, DELETE, "print((await asking).text, deleted)")
    page.run_next()
    page.run_next()
    said = page.output(2)
    assert "assistant |" in said
    assert said.count("sunny") == 2
    assert "['completed', 'completed']" in said
    page.run_next()
    question = page.page.locator(".rtc-approval")
    question.wait_for()
    expect(question).to_contain_text("delete_file")
    expect(question).to_contain_text("notes.txt")
    shoot(page, "question")
    kernel = lab.kernel_client()
    assert evaluate(kernel, "[deleted, chat.tools.calls[-1].status]") == [[], "asking"]
    page.page.locator("[data-action=allow]").first.click()
    page.run_next()
    expect(page.outputs(4)).to_contain_text("gone. ['notes.txt']")
    expect(question).to_have_count(0)
    # Of parallel calls the model was told together, with one request for each round.
    sent = evaluate(kernel, "[event.type for event in chat.events if event.direction == 'sent']")
    create, ask = "conversation.item.create", "response.create"
    assert sent == [create, ask, create, create, ask, create, ask, create, ask] or sent == [
        "session.update",
        *[create, ask, create, create, ask, create, ask, create, ask],
    ]


@pytest.mark.parametrize("version", [CURRENT, "7.3.0"])
def test_what_callbacks_raise_is_shown_and_the_call_goes_on(opened, silent_browser, lab, widget, version):
    cells = (widget, CONNECT, FAILS, "(await chat.ask('What is STUN?')).text")
    page = run_cells(lab, version, lambda: opened(silent_browser, *cells), 2)
    expect(page.outputs(2)).to_contain_text("breaks failed on response.done: ValueError: mine")
    expect(page.outputs(2)).to_contain_text("breaks_later failed on response.done: KeyError: 'also mine'")
    note = page.page.locator(".rtc-error[data-ends-call=false]").first
    note.wait_for()
    expect(note).to_contain_text("mine")
    page.run_next()
    expect(page.outputs(3)).to_contain_text("STUN")
    expect(page.widget()).to_have_attribute("data-status", "connected")


@pytest.mark.alone
def test_a_person_may_hold_a_button_to_talk(opened, silent_browser, lab, widget, question_wav, tmp_path):
    said = tmp_path / "said"
    widget = f"import pathlib\nsaid = pathlib.Path({str(said)!r})\n{widget}"
    page = opened(silent_browser, widget, CONNECT, MANUAL, PUSH)
    page.will_say(question_wav, when_open=False)
    page.run_next()
    page.run_next()
    output = page.output(2)
    assert "None Be brief. Be brief." in output
    assert "EventRefused" in output
    button = page.page.locator("[data-action=talk]")
    button.wait_for()
    assert page.spy("spy.microphone[0].enabled") is False, "nothing is heard between two turns"
    page.run_next(wait=False)
    page.page.locator("[data-action=talk][data-held=true]").wait_for()
    assert page.spy("spy.microphone[0].enabled") is True
    page.spy("await spy.speak()")
    said.touch()
    shoot(page, "talk")
    kernel = lab.kernel_client()
    eventually(lambda: "input_audio_buffer.committed" in evaluate(kernel, TYPES))
    # And by the mouse: an answer that is being spoken is interrupted.
    page.page.wait_for_function("() => __spy.received.some((text) => text.includes('output_audio_buffer.started'))")
    button.hover()
    page.page.mouse.down()
    page.page.wait_for_timeout(700)
    page.page.mouse.up()
    eventually(lambda: "output_audio_buffer.cleared" in evaluate(kernel, TYPES))
    eventually(lambda: evaluate(kernel, TYPES).count("input_audio_buffer.commit") == 2)
    expect(page.outputs(3)).to_contain_text("jitter buffer")
