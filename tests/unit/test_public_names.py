"""Every name that a public package lists can be imported from it."""

from __future__ import annotations

import importlib

import pytest

import rtc_widget

PACKAGES = ("rtc_widget", "rtc_widget.errors", "rtc_widget.headless", "rtc_widget.signaling", "rtc_widget.testing")
PUBLIC = [
    "Answer",
    "AudioClip",
    "ChatCompletions",
    "Device",
    "Event",
    "EventLog",
    "Local",
    "OpenAI",
    "OpenAILive",
    "PeerConnection",
    "Reconnect",
    "Recording",
    "ResponsesBackend",
    "RtcWidgetError",
    "SavedSession",
    "SessionDescription",
    "Signaling",
    "StatsLog",
    "Timeline",
    "Tool",
    "Transcript",
    "Turn",
    "VoiceChat",
    "__version__",
    "glossary",
]
NAMES = [(package, name) for package in PACKAGES for name in importlib.import_module(package).__all__]


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_listed_name_can_be_imported(package, name):
    assert getattr(importlib.import_module(package), name) is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_is_listed_once(package):
    listed = importlib.import_module(package).__all__
    assert len(set(listed)) == len(listed)


def test_every_error_class_is_listed():
    errors = importlib.import_module("rtc_widget.errors")
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and not name.startswith("_")}
    assert {name for name in classes if issubclass(getattr(errors, name), errors.RtcWidgetError)} <= set(errors.__all__)


def test_the_public_names_are_these():
    assert sorted(rtc_widget.__all__) == PUBLIC
    assert set(rtc_widget.__all__) == {*rtc_widget._MODULES, "__version__"}
