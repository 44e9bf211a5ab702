"""The exercises about the first call accept what is right, and name what is wrong."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget.errors import InvalidStateError
from rtc_widget.lessons import check, until
from tests.limits import HANGS
from tests.unit.lessons.doubles import FakeEvent, FakePeer, settled, signaling

PAIRS = [{"selected": True, "remote": {"type": "prflx"}}]


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        (FakePeer(events=[settled("add_ice_candidate")]), "was told a candidate"),
        (FakePeer(connection_state="new"), "must be connected, and is new"),
    ],
)
def test_one_side_is_enough(peer, words):
    failed = settled("add_ice_candidate", name="InvalidStateError")
    assert check("one side is enough", FakePeer(pairs=PAIRS, events=[failed])).text.endswith("type prflx.")
    assert not check("one side is enough", peer)
    assert words in check("one side is enough", peer).text


def test_the_wrong_order():
    assert check("the wrong order", InvalidStateError("no"))
    assert "got ValueError" in check("the wrong order", ValueError()).text


OFFERED = [signaling("have-local-offer"), signaling("stable")]


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        (FakePeer(), "set an offer first"),
        (FakePeer(signaling_state="have-local-offer", events=OFFERED[:1]), 'type="rollback"'),
        (FakePeer(events=[*OFFERED, settled("set_remote_description")]), "by an answer"),
    ],
)
def test_roll_back(peer, words):
    assert check("roll back", FakePeer(events=OFFERED))
    assert not check("roll back", peer)
    assert words in check("roll back", peer).text


TALKED = FakePeer(events=[FakeEvent("message")])


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (TALKED, TALKED, "two ends"),
        (FakePeer(), FakePeer(), "no message has arrived"),
        (TALKED, FakePeer(signaling_state="have-remote-offer"), "the second peer is in the signaling state"),
        (FakePeer(local_description=None), TALKED, "the first peer"),
        (FakePeer(connection_state="new"), FakePeer(connection_state="new"), "no peer is connected"),
    ],
)
def test_a_call_of_your_own(one, other, words):
    assert check("a call of your own", FakePeer(), TALKED)
    assert not check("a call of your own", one, other)
    assert words in check("a call of your own", one, other).text


async def test_until_waits_for_a_condition():
    ready: list[int] = []
    asyncio.get_running_loop().call_soon(ready.append, 1)
    await until(lambda: ready, HANGS)
    with pytest.raises(TimeoutError, match=r"The condition was not true within 0\.01 s"):
        await until(lambda: False, 0.01)
