"""Old public names work for one release, with a warning."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest

import rtc_widget.errors
from rtc_widget import VoiceChat
from rtc_widget.signaling.base import ClientSecret
from rtc_widget.testing import ScriptedPage, scripted_server
from tests.unit.waiting import eventually

ERRORS = {
    "AnswerFailed": "ResponseFailed",
    "AwaitNotPossible": "AwaitUnsupported",
    "CallUnwatched": "NoView",
    "KernelGone": "KernelDied",
    "ListeningOnly": "ReceiveOnly",
    "RenegotiationNotPossible": "RenegotiationUnsupported",
    "SayInterrupted": "ClipInterrupted",
    "SecretNotPossible": "ClientSecretsUnsupported",
    "TurnDetectionOn": "TurnDetectionEnabled",
}


@pytest.mark.parametrize(("old", "new"), ERRORS.items())
def test_an_old_error_class_is_the_new_one(old, new):
    with pytest.warns(DeprecationWarning, match=f"{old} is deprecated; use .*{new}"):
        assert getattr(rtc_widget.errors, old) is getattr(rtc_widget.errors, new)


def test_an_unknown_error_class_is_still_unknown():
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = rtc_widget.errors.Nonsense


@pytest.mark.parametrize(
    ("old", "new"), [("listening_only", "receive_only"), ("activity", "progress"), ("holder", "active_page")]
)
def test_an_old_trait_is_read_and_observed(old, new, chat):
    with pytest.warns(DeprecationWarning, match=f"VoiceChat.{old} is deprecated; use VoiceChat.{new}"):
        assert getattr(chat, old) == getattr(chat, new)
    seen = []
    with pytest.warns(DeprecationWarning, match=f"'{old}' is deprecated; use '{new}'"):
        chat.observe(seen.append, old)
    value = True if new == "receive_only" else "p9"
    chat.set_trait(new, value)
    assert [change.new for change in seen] == [value]
    with pytest.warns(DeprecationWarning, match=old):
        chat.unobserve(seen.append, [old])
    chat.set_trait(new, False if new == "receive_only" else "")
    assert len(seen) == 1


def test_traits_are_observed_by_their_names_without_a_warning(chat):
    seen = []
    chat.observe(seen.append, ["progress", "receive_only"])
    chat.observe(seen.append)
    chat.set_trait("progress", "Loading")
    assert seen


def test_the_old_view_setting_sets_the_new_one(signaling):
    with pytest.warns(DeprecationWarning, match="view_timeout"):
        chat = VoiceChat(signaling, page=ScriptedPage(), view_grace=3.0)
    assert chat.view_timeout == 3.0
    with pytest.warns(DeprecationWarning, match="use VoiceChat.view_timeout"):
        chat.view_grace = 4.0
    assert chat.settings["view_timeout"] == 4.0
    chat.close()


@pytest.mark.parametrize("module", ["rtc_widget.testing.scripted_server", "rtc_widget.testing.server_script"])
def test_an_old_scripted_class_is_the_new_one(module):
    old = importlib.import_module(module)
    name = "ScriptedAnswer" if module.endswith("scripted_server") else "ScriptedResponse"
    with pytest.warns(DeprecationWarning, match="is deprecated; use rtc_widget.testing.scripted_server"):
        assert getattr(old, name) is scripted_server.ScriptedResponse


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [("raw_page", "MessagePage", "RawPage"), ("scripted_server", "ScriptedSound", "ScriptedAudio")],
)
def test_an_old_class_of_the_scripted_page_is_the_new_one(module, old, new):
    found = importlib.import_module(f"rtc_widget.testing.{module}")
    with pytest.warns(DeprecationWarning, match=f"{old} is deprecated; use .*{new}"):
        assert getattr(found, old) is getattr(found, new)


async def test_a_signaling_that_still_has_mint_gives_secrets(page, signaling):
    async def mint(session):
        return ClientSecret("ek_1", "https://voice.example.org/calls")

    signaling.mint = mint

    async def asks() -> None:
        page.say("create_client_secret", id="p1:1", attempt="a1")
        await eventually(lambda: page.heard("reply"))

    with pytest.warns(DeprecationWarning, match="create_client_secret"):
        await asks()
    assert page.heard("reply")[-1]["result"]["secret"] == "ek_1"


def test_speech_engines_written_for_the_old_package_name_still_import():
    old = r"rtc_widget\.local\.speech is deprecated; use rtc_widget\.server\.speech"
    with pytest.warns(DeprecationWarning, match=old):
        speech = importlib.import_module("rtc_widget.local.speech")
    with pytest.warns(DeprecationWarning, match="MonoAudio"):
        assert speech.Sound is importlib.import_module("rtc_widget.server.speech").MonoAudio
    assert speech.INPUT_RATE == 16_000


def test_a_warning_names_the_line_that_uses_the_old_name():
    chat = VoiceChat(page=ScriptedPage())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        chat.view_grace = 4
        chat.observe(print, "activity")
        chat.observe(print, ["activity", "holder"])
        chat.unobserve(print, ["activity"])
    assert {warning.filename for warning in caught} == {__file__}
    assert len(caught) == 5
    chat.close()


def test_an_old_name_of_a_module_warns_once():
    with pytest.warns(DeprecationWarning, match="use rtc_widget.testing.scripted_server.ScriptedResponse") as caught:
        from rtc_widget.testing.server_script import ScriptedAnswer
    assert ScriptedAnswer is scripted_server.ScriptedResponse
    assert len(caught) == 1


def test_old_arguments_and_methods_work():
    page = ScriptedPage()
    with pytest.warns(DeprecationWarning, match=r"ScriptedPage\.will_respond"):
        page.will_answer(scripted_server.ScriptedResponse("Hello."))
    chat = VoiceChat(page=page)
    page.connect()
    with pytest.warns(DeprecationWarning, match="use 'respond'"):
        chat.send_image(np.zeros((4, 4)), "Look.", answer=False)
    assert [event["type"] for event in page.sent] == ["conversation.item.create"]
    chat.close()
