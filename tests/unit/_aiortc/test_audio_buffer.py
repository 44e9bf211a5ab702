"""Every audio packet that arrives in time is given out, in order, whatever was lost before it."""

from __future__ import annotations

import asyncio
import random

import pytest
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from rtc_widget._aiortc.audio_buffer import MAX_MISORDER, PATIENCE, AudioBuffer, use_audio_buffer

STEP = 960


def packet(number: int) -> RtpPacket:
    """Return the packet of 20 ms of audio with that number, which is also its content."""
    made = RtpPacket(payload_type=111, sequence_number=number % 2**16, timestamp=number * STEP % 2**32)
    made._data = str(number).encode()  # type: ignore[attr-defined]
    return made


def given_out(numbers: list[int], buffer: AudioBuffer | JitterBuffer | None = None) -> list[int]:
    """Return the numbers of the packets that leave a buffer into which these are put."""
    buffer = buffer or AudioBuffer()
    frames = [buffer.add(packet(number))[1] for number in numbers]
    return [int(frame.data) for frame in frames if frame is not None]


def test_without_loss_each_packet_leaves_at_once() -> None:
    buffer = AudioBuffer()
    for number in range(65_530, 65_550):  # the sequence numbers wrap
        assert given_out([number], buffer) == [number]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.2, 0.3])
def test_all_that_arrives_is_given_out_at_any_loss(share: float) -> None:
    chance = random.Random(7)
    arrived = [number for number in range(65_000, 67_000) if chance.random() >= share]

    given = given_out(arrived)

    assert given == arrived[: len(given)]
    assert len(arrived) - len(given) < PATIENCE
    as_shipped = given_out(arrived, JitterBuffer(capacity=16, prefetch=1))
    assert len(as_shipped) < len(given)


def test_a_missing_packet_is_waited_for_until_three_later_ones_have_come() -> None:
    assert given_out([0, 2, 3]) == [0]
    assert given_out([0, 2, 3, 4]) == [0, 2]
    assert given_out([0, 2, 3, 1, 4, 5]) == [0, 1, 2, 3]


def test_packets_that_come_too_late_or_twice_are_left_out() -> None:
    assert given_out([0, 1, 1, 0, 2]) == [0, 1, 2]
    assert given_out([0, 2, 3, 4, 1, 5, 6]) == [0, 2, 3, 4, 5]
    assert given_out([0, 2, 2, 2, 2]) == [0]


def test_a_long_gap_does_not_stop_it() -> None:
    assert given_out([0, *range(20_000, 20_005)]) == [0, 20_000, 20_001, 20_002]


def test_a_source_that_begins_again_is_followed() -> None:
    assert given_out([5_000, 5_001, 10, 11, 12]) == [5_000, 5_001, 11, 12]
    assert given_out([5_000, 5_001, 5_001 - MAX_MISORDER + 2, 5_002]) == [5_000, 5_001, 5_002]


def test_one_packet_that_is_far_too_old_is_no_new_source() -> None:
    assert given_out([5_000, 5_001, 4_800, 5_002, 5_003]) == [5_000, 5_001, 5_002, 5_003]
    assert given_out([5_000, 5_001, 4_800, 5_002, 4_801, 5_003]) == [5_000, 5_001, 5_002, 5_003]


async def test_the_receiver_of_this_aiortc_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = RTCRtpReceiver("audio", Transport())  # type: ignore[arg-type]
    assert isinstance(receiver._RTCRtpReceiver__jitter_buffer, JitterBuffer)  # type: ignore[attr-defined]
    use_audio_buffer(receiver)
    await asyncio.sleep(0)

    assert isinstance(receiver._RTCRtpReceiver__jitter_buffer, AudioBuffer)  # type: ignore[attr-defined]


class Transport:
    state = "new"
