"""`live_event_names.json` lists every event of the package `openai`; `js/check_event_names.mjs` reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contract.test_realtime_event_names import _members, _types

LISTED = json.loads((Path(__file__).parent / "live_event_names.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("side", "union"), [("client", "ClientEvent"), ("server", "ServerEvent")])
def test_the_list_holds_every_live_event_of_the_sdk(side: str, union: str) -> None:
    live = pytest.importorskip("openai.types.live")
    known = {name for event in _members(getattr(live, union)) for name in _types(event)}
    assert len(known) > 10
    assert known <= set(LISTED[side])
