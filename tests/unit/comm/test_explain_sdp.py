"""A page asks for the lines of an offer or an answer with their explanations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtc_widget.sdp.explained_lines import explained_lines
from rtc_widget.sdp.private_parts import hidden
from tests.unit.sdp.texts import NAMES, capture, random_texts

PROTOCOL = Path(__file__).parents[2] / "contract" / "protocol.json"
ENTRY = json.loads(PROTOCOL.read_text(encoding="utf-8"))["from_page"]["explain_sdp"]


async def test_the_kernel_explains_each_line_and_names_what_is_private(chat, page):
    page.hello()
    page.say("explain_sdp", id="p1:8", sdp=ENTRY["sample"]["sdp"])
    assert (await page.hears("reply"))["result"] == ENTRY["reply"]


@pytest.mark.parametrize("name", NAMES)
def test_all_lines_are_there_and_hidden_as_in_a_notebook(name):
    description = capture(name)
    lines = explained_lines(description.sdp)
    assert ["".join(text for text, _ in line["parts"]) for line in lines] == [line.text for line in description.lines]
    shown = ["".join("•••" if kind else text for text, kind in line["parts"]) for line in lines]
    assert shown == [hidden(line) for line in description.lines]
    assert all(line["says"] for line in lines)


def test_any_text_has_lines_that_json_can_hold():
    for text in random_texts(200):
        json.dumps(explained_lines(text), ensure_ascii=False).encode()


def test_long_texts_are_cut():
    lines = explained_lines("a=x:" + "y" * 10_000 + "\r\na=mid:0" * 1_000)
    assert len(lines) == 500
    assert len(lines[0]["parts"][0][0]) == 2_000
