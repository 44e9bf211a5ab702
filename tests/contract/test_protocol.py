"""`protocol.py` against the contract that `js/test/contract.test.ts` asserts as well."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import anywidget
import pytest
import traitlets

from rtc_widget import VoiceChat, errors
from rtc_widget.comm import protocol
from rtc_widget.comm.decoding import MalformedMessage
from rtc_widget.errors.texts import TRANSIENT
from rtc_widget.headless import errors as headless

CONTRACT = json.loads((Path(__file__).parent / "protocol.json").read_text(encoding="utf-8"))
OWN_TRAITS = {
    name: trait
    for name, trait in VoiceChat.class_traits(sync=True).items()
    if name not in anywidget.AnyWidget.class_traits() and not name.startswith("_")
}


def test_protocol_number():
    assert CONTRACT["protocol"] == protocol.PROTOCOL


def test_traits_are_those_of_the_contract():
    assert set(OWN_TRAITS) == set(CONTRACT["traits"])


@pytest.mark.parametrize("name", CONTRACT["traits"])
def test_trait_has_the_type_and_default_of_the_contract(name):
    trait, wanted = OWN_TRAITS[name], CONTRACT["traits"][name]
    kinds = {
        "string": (traitlets.Unicode, traitlets.Enum),
        "boolean": traitlets.Bool,
        "integer": traitlets.Int,
        "object": traitlets.Dict,
    }
    assert isinstance(trait, kinds[wanted["type"]])
    assert trait.default() == wanted["default"]
    assert trait.read_only, "Python alone writes traits, and not by accident"
    if "enum" in wanted:
        assert list(trait.values) == wanted["enum"]


@pytest.mark.parametrize("kind", CONTRACT["from_page"])
def test_samples_of_the_page_are_understood(kind):
    decoded = protocol.decode(CONTRACT["from_page"][kind]["sample"])
    assert type(decoded).__name__.lower() == kind.replace("_", "")


REQUIRED = [(kind, field) for kind, entry in CONTRACT["from_page"].items() for field in entry["required"]]


MAY_BE_ABSENT = ("attempt", "call_id", "before", "heard_until_ms", "preparation")


# An attempt may be absent: before the first call there is none. So may a call's id: not every server gives one;
# the end of what is recalled; and the time until which a call was heard, before its end.
@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, field in REQUIRED if field not in MAY_BE_ABSENT])
def test_a_message_without_a_required_field_is_refused(kind, field):
    message = {key: value for key, value in CONTRACT["from_page"][kind]["sample"].items() if key != field}
    with pytest.raises(MalformedMessage):
        protocol.decode(message)


def test_messages_to_the_page_are_those_of_the_contract():
    entries = CONTRACT["to_page"]
    made = {
        "welcome": protocol.welcome("p1"),
        "connect": protocol.request("connect", "p1", "k:1", microphone=None, resume=False),
        "disconnect": protocol.request("disconnect", "p1", "k:2"),
        "send": protocol.request("send", "p1", "k:3", events=['{"type":"response.create"}']),
        "mute": protocol.request("mute", "p1", "k:4", muted=True),
        "devices": protocol.request("devices", "p1", "k:5"),
        "use_device": protocol.request("use_device", "p1", "k:6", device_kind="microphone", device="Desk microphone"),
        "diagnose": protocol.request("diagnose", "p1", "k:7"),
        "release_call": protocol.request("release_call", "p1", "k:12"),
        "log_grew": protocol.log_grew("p1", 12),
        "listening": protocol.listening("p1", on=False),
        "preparation": protocol.preparation("p1", entries["preparation"]["sample"]["preparation"]),
        "approve": protocol.request(
            "approve",
            "p1",
            "k:8",
            call_id="call_1",
            name="delete_file",
            arguments={"path": "notes.txt"},
            seconds=60,
        ),
        "note": protocol.request(
            "note",
            "p1",
            "k:9",
            code="callback_failed",
            message="show failed: ValueError: no.",
            hint="chat.errors has the traceback.",
        ),
        "talk": protocol.request("talk", "p1", "k:10", on=True),
        "play_clip": protocol.request("play_clip", "p1", "k:8", clip="c1"),
        "flush_audio": protocol.request("flush_audio", "p1", "k:9"),
        "cancel_clip": protocol.request("cancel_clip", "p1", "k:10", clip="c1"),
        "silence_output": protocol.request("silence_output", "p1", "k:11"),
        "media_ack": protocol.media_ack("p1", 2, missing=False),
        "ping": protocol.ping("p1"),
        "bundle": protocol.bundle("p1", [protocol.ping("p1")]),
        "resend": protocol.resend("p1", 7),
        "ack": protocol.ack("p1", 12),
        "reply": protocol.result("p1", "p1:2", entries["reply"]["sample"]["result"]),
    }
    assert made == {kind: entry["sample"] for kind, entry in entries.items()}


def test_every_error_code_of_the_page_has_a_class_of_its_own():
    for code in CONTRACT["error"]["page_codes"]:
        error = errors.error_from_wire({"code": code, "message": "m", "hint": "h"})
        assert error.code == code
        assert error.to_wire() == {"code": code, "message": "m", "hint": "h"}


def test_both_kinds_of_page_call_again_after_the_same_errors():
    assert set(CONTRACT["error"]["transient_codes"]) == TRANSIENT
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert {kind.code for kind in kinds if hasattr(kind, "code")} >= TRANSIENT


def test_error_codes_are_unique_and_drawn_in_the_tree():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.RtcWidgetError)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert kind.__name__ in (errors.__doc__ or "")


def test_every_error_text_belongs_to_a_class_and_a_page_code():
    texts = json.loads((Path(errors.__file__).parent / "texts.json").read_text(encoding="utf-8"))
    kinds = {kind.code: kind for _, kind in inspect.getmembers(errors, inspect.isclass) if hasattr(kind, "code")}
    assert set(texts["page"]) == set(CONTRACT["error"]["page_codes"])
    assert set(texts["page"]) | set(texts["kernel"]) | set(texts["transient"]) <= set(kinds)
    assert not set(texts["page"]) & set(texts["kernel"])
    for code, text in (texts["page"] | texts["kernel"]).items():
        assert kinds[code].default_hint == text.get("kernel_hint", text["hint"])
        assert all(words.endswith(".") for words in text.values())


def test_the_headless_page_uses_the_texts_of_the_browsers_page():
    texts = json.loads((Path(errors.__file__).parent / "texts.json").read_text(encoding="utf-8"))["page"]
    makers = (headless.cancelled, headless.connection_failed, headless.not_connected, headless.server_hung_up)
    for error in [*(make() for make in makers), headless.channel_timeout(15.0)]:
        assert error.to_wire() == {"code": error.code} | {key: texts[error.code][key] for key in ("message", "hint")}
