"""What the widget has recorded can be copied and pickled, or says why not; what cannot be set says what to do."""

from __future__ import annotations

import copy
import pickle
from threading import Lock

import numpy as np
import pytest
import traitlets

from rtc_widget import AudioClip, VoiceChat
from rtc_widget.testing import ScriptedPage
from rtc_widget.testing.scripted_server import ScriptedCall, ScriptedResponse
from tests.limits import HANGS
from tests.unit.waiting import settled


@pytest.fixture
async def page():
    return ScriptedPage()


@pytest.fixture
async def chat(page):
    widget = VoiceChat(page=page)
    yield widget
    widget.close()


COPIES = [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]


@pytest.mark.parametrize("copied", COPIES)
async def test_the_log_of_tool_calls_can_be_copied(chat, page, copied):
    @chat.tool
    def double(number: int) -> dict[str, int]:
        if number > 5:
            raise ValueError("Too many.")
        return {"double": 2 * number}

    page.will_respond(
        ScriptedResponse(calls=(ScriptedCall("double", {"number": 2}), ScriptedCall("double", {"number": 6})))
    )
    page.will_say("Four.")
    await chat.connect()
    await chat.ask("Twice?", timeout=HANGS)
    twin = copied(chat.tools.calls)
    assert [(call.name, call.arguments, call.result, call.status, repr(call.error)) for call in twin] == [
        ("double", {"number": 2}, {"double": 4}, "completed", "None"),
        ("double", {"number": 6}, None, "failed", "ValueError('Too many.')"),
    ]
    assert repr(twin) == repr(chat.tools.calls)


async def test_a_result_that_cannot_be_pickled_is_named(chat, page):
    @chat.tool
    def lock() -> Lock:
        return Lock()

    page.will_call("lock")
    page.will_say("Here.")
    await chat.connect()
    await chat.ask("A lock?", timeout=HANGS)
    with pytest.raises(TypeError, match=r"result or the exception of lock .* cannot pickle '_thread.lock' object"):
        pickle.dumps(chat.tools.calls)
    assert len(copy.deepcopy(chat.tools.calls)) == 1


@pytest.mark.parametrize("copied", COPIES)
async def test_a_recording_can_be_copied(chat, page, copied):
    empty = copied(chat.recording)
    assert (empty.duration, repr(empty)) == (0.0, "<Recording: empty>")
    await chat.connect()
    chat.record()
    samples = np.arange(24_000, dtype=np.float32) / 48_000
    page.person_says("Hello", sound=AudioClip(samples, 24_000))
    await settled()
    recording = chat.recording
    assert recording.duration > 0
    twin = copied(recording)
    assert repr(twin) == repr(recording)
    np.testing.assert_array_equal(twin.user.pcm, recording.user.pcm)
    np.testing.assert_array_equal(twin.assistant.pcm, recording.assistant.pcm)


@pytest.mark.parametrize(
    ("name", "words"),
    [("muted", r"use chat\.mute\(\)"), ("status", r"use chat\.connect\(\)"), ("progress", "cannot be set")],
)
async def test_a_state_that_cannot_be_set_says_what_to_use(chat, name, words):
    with pytest.raises(traitlets.TraitError, match=rf"{name} is read-only: .*{words}"):
        setattr(chat, name, True)
