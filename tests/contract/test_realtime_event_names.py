"""`realtime_event_names.json` lists every event of the package `openai`; `js/check_event_names.mjs` reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

LISTED = json.loads((Path(__file__).parent / "realtime_event_names.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("side", "union"), [("client", "RealtimeClientEvent"), ("server", "RealtimeServerEvent")])
def test_the_list_holds_every_event_of_the_sdk(side: str, union: str) -> None:
    realtime = pytest.importorskip("openai.types.realtime")
    known = {name for event in _members(getattr(realtime, union)) for name in _types(event)}
    assert len(known) > 10
    assert known <= set(LISTED[side])


def test_no_name_is_listed_twice() -> None:
    names = [*LISTED["client"], *LISTED["server"], *LISTED["beta"]]
    assert len(set(names)) == len(names)


def _members(union: Any) -> Iterator[Any]:
    """Return the classes in a union, which may be annotated."""
    for member in get_args(union):
        if hasattr(member, "model_fields"):
            yield member
        else:
            yield from _members(member)


def _types(event: Any) -> tuple[str, ...]:
    return get_args(event.model_fields["type"].annotation)
