"""Settings of calls and devices: wrong values are refused, others reach the page at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import ipywidgets
import pytest

from rtc_widget import VoiceChat
from rtc_widget.comm.settings import Reconnect
from rtc_widget.errors import InvalidSetting
from rtc_widget.webrtc.devices import Device


async def test_settings_of_a_call_reach_the_page_at_once(chat):
    chat.reconnect = Reconnect(max_attempts=1, grace=2)
    chat.view_timeout = 3
    assert chat.settings["reconnect"]["grace"] == 2
    assert (chat.settings["view_timeout"], chat.view_timeout) == (3.0, 3)
    chat.reconnect = None
    assert chat.settings["reconnect"] is None
    chat.microphone = False
    assert chat.settings["microphone"] is False
    chat.exchange = "browser"
    assert chat.settings["exchange"] == chat.exchange == "browser"
    with pytest.raises(ValueError, match="telegraph"):
        chat.exchange = "telegraph"
    assert chat.exchange == "browser"


def test_what_the_interface_shows_and_does_reaches_the_page():
    chat = VoiceChat(layout="compact", text_interrupts=False)
    assert (chat.settings["layout"], chat.settings["text_interrupts"]) == ("compact", False)
    chat.text_interrupts = True
    assert chat.settings["text_interrupts"] is True
    with pytest.raises(TypeError, match="text_interrupts must be True or False"):
        chat.text_interrupts = "never"
    chat.close()


def test_a_layout_of_ipywidgets_is_that_of_every_widget():
    chat = VoiceChat(layout=ipywidgets.Layout(width="50%"))
    assert (chat.layout.width, chat.settings["layout"]) == ("50%", "full")
    chat.close()


def test_a_setting_that_nobody_would_read_is_refused(chat):
    with pytest.raises(AttributeError, match=r"await chat\.update_session\(voice=…\)"):
        chat.voice = "marin"
    with pytest.raises(AttributeError, match="Did you mean 'max_duration'"):
        chat.max_duraton = 5
    chat.my_own_notes = "kept"
    assert chat.my_own_notes == "kept"


@pytest.mark.parametrize("name", ["max_duraton", "microfone", "toolz"])
def test_a_misspelt_parameter_is_not_taken_for_a_setting_of_the_session(name):
    with pytest.raises(TypeError, match=f"no parameter {name!r}. Did you mean"):
        VoiceChat(**{name: 5})


@pytest.mark.parametrize("tools", [3, print, None])
def test_tools_that_are_no_list_are_refused_in_words(tools):
    with pytest.raises(TypeError, match="tools must be a list of functions, got"):
        VoiceChat(tools=tools)


@pytest.mark.parametrize("value", [None, 0, 2.5])
def test_what_is_no_microphone_is_refused_in_words(chat, value):
    with pytest.raises(TypeError, match="microphone must be True, False"):
        chat.microphone = value


@pytest.mark.parametrize(
    "settings",
    [{"max_duration": 0}, {"view_timeout": -1}, {"exchange": "telegraph"}, {"max_duration": 1e9}, {"layout": "round"}],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        VoiceChat(**settings)


@pytest.mark.parametrize("numbers", [{"max_attempts": 0}, {"grace": -1}, {"attempt_timeout": 0}])
def test_a_reconnect_that_makes_no_sense_is_refused(numbers):
    with pytest.raises(ValueError, match=next(iter(numbers))):
        Reconnect(**numbers)


async def test_devices_are_listed_and_chosen_by_name(chat, page):
    page.hello()
    entry = {"kind": "microphone", "id": "d1", "name": "Desk", "chosen": True, "in_use": False}
    choosing = asyncio.ensure_future(chat.use_microphone("Desk"))
    await page.reply("use_device", result={"devices": [entry]})
    assert await choosing == [Device("microphone", "Desk", "d1", chosen=True)]
    assert page.heard("use_device")[0] | {"id": ""} == {
        "type": "use_device",
        "page": "p1",
        "id": "",
        "device_kind": "microphone",
        "device": "Desk",
    }
    listing = asyncio.ensure_future(chat.devices())
    await page.reply("devices", result={"devices": [entry]})
    assert [device.name for device in await listing] == ["Desk"]


@pytest.mark.parametrize("name", ["max_duration", "view_timeout", "stats_interval"])
def test_a_setting_that_is_not_a_number_is_refused_and_the_old_one_stays(chat, name):
    before = getattr(chat, name)
    with pytest.raises(ValueError, match=f"{name} must be .* got 'soon'"):
        setattr(chat, name, "soon")
    assert getattr(chat, name) == before
    assert chat.settings[name] == before


@pytest.mark.parametrize(
    ("settings", "meant"),
    [
        ({"max_duration": "1h"}, "max_duration=3600"),
        ({"max_duration": "90 min"}, "max_duration=5400"),
        ({"max_duration": timedelta(hours=2)}, "max_duration=7200"),
        ({"view_timeout": "20"}, "view_timeout=20"),
        ({"stats_interval": "500 ms"}, "stats_interval=0.5"),
        ({"exchange": "browsr"}, "exchange='browser'"),
    ],
)
def test_a_time_that_is_written_otherwise_is_refused_with_its_seconds(settings, meant):
    with pytest.raises(InvalidSetting) as refused:
        VoiceChat(**settings)
    assert refused.value.hint == f"Did you mean {meant}?"
