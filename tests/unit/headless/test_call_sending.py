"""What a headless page's call sends: all of the events, or none and a clear error."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("aiortc")

from rtc_widget.errors import SendQueueFull
from rtc_widget.headless.call import INITIAL_STATE, MAX_BUFFERED_BYTES, Call


async def test_a_flood_is_refused_while_the_channel_holds_what_has_not_left() -> None:
    sent: list[str] = []
    peer = SimpleNamespace(max_message_size=None, buffered_bytes=MAX_BUFFERED_BYTES - 3, send=sent.append)
    listener: Any = SimpleNamespace(event_passed=lambda attempt, direction, text: None)
    unused: Any = None
    call = Call(unused, unused, listener, unused)
    call.attempt = SimpleNamespace(id="a1", peer=peer)  # type: ignore[assignment]
    call.state = replace(INITIAL_STATE, data_channel_state="open")
    call.send(["{}"])
    with pytest.raises(SendQueueFull, match=f"{MAX_BUFFERED_BYTES - 3} bytes wait"):
        call.send(["{}", "{}"])
    assert sent == ["{}"]
    peer.buffered_bytes = 0
    call.send(["{}", "{}"])
    assert sent == ["{}"] * 3
