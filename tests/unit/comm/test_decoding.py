"""A message with a wrong field is refused, and the error names the field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtc_widget.comm import protocol
from rtc_widget.comm.decoding import MalformedMessage

CONTRACT = json.loads((Path(__file__).parents[2] / "contract/protocol.json").read_text(encoding="utf-8"))
SAMPLES = {kind: entry["sample"] for kind, entry in CONTRACT["from_page"].items()}


@pytest.mark.parametrize(
    ("kind", "changes", "error"),
    [
        ("hello", {"page": 5}, "page must be a string, got 5"),
        ("hello", {"protocol": -1}, "protocol must be an integer of at least 0, got -1"),
        ("hello", {"protocol": True}, "protocol must be an integer of at least 0, got True"),
        ("hello", {"type": "telegram"}, "unknown message type 'telegram'"),
        ("hello", {"type": ["hello"]}, r"unknown message type \['hello'\]"),
        ("state", {"resumes": 1}, "resumes must be true or false, got 1"),
        ("state", {"state": []}, "state must be an object, got list"),
        (
            "state",
            {"state": SAMPLES["state"]["state"] | {"status": "lost"}},
            "status must be one of idle, .* got 'lost'",
        ),
        ("state", {"state": SAMPLES["state"]["state"] | {"error": {"code": "x"}}}, "error.message must be a string"),
        ("events", {"events": [["sideways", 1, "{}"]]}, "events must be .direction, milliseconds, text. each"),
        ("history", {"without": "a2"}, "without must be a list, got str"),
        ("audio", {"data": "?"}, "data must be base64"),
        ("audio", {"data": "AAAA"}, "data must be 16-bit samples, got 3 bytes"),
        ("audio", {"rate": 8}, "rate must be between 1000 and 768000 Hz, got 8"),
        ("audio", {"track": "nobody"}, "track must be one of user, assistant, got 'nobody'"),
        ("stats", {"reports": ["x"]}, "reports must be an object, got str"),
        ("pong", {"time_ms": float("nan")}, "time_ms must be a finite number, got nan"),
        ("pong", {"time_ms": 10**400}, "time_ms must be a finite number"),
        ("reply", {"result": {}}, "either a result or an error"),
        ("reply", {"error": None}, "either a result or an error"),
    ],
)
def test_a_wrong_field_is_named(kind, changes, error):
    with pytest.raises(MalformedMessage, match=error):
        protocol.decode(SAMPLES[kind] | changes)


@pytest.mark.parametrize("content", [None, [], "hello", 5])
def test_a_message_must_be_an_object(content):
    with pytest.raises(MalformedMessage, match="a message must be an object"):
        protocol.decode(content)


def test_unknown_fields_are_ignored():
    assert protocol.decode(SAMPLES["hello"] | {"later": 1}) == protocol.decode(SAMPLES["hello"])
