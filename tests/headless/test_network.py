"""`chat.network`: a real call with the embedded server over a network that is broken on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from rtc_widget import Local, OpenAI, VoiceChat
from rtc_widget._aiortc.network import NetworkReport
from rtc_widget.errors import NetworkUnsupported, NotConnected
from rtc_widget.server.process import running_address
from rtc_widget.webrtc.stats import StatsSample
from tests.limits import HANGS, eventually


@pytest.fixture
async def chat(make: Callable[..., VoiceChat]) -> VoiceChat:
    made: VoiceChat = make(Local(reply=lambda text: "Yes."), microphone="clips", stats_interval=0.2)
    await made.connect(timeout=HANGS)
    return made


async def until_passed(chat: VoiceChat, packets: int) -> NetworkReport:
    """Wait until so many packets more have been on their way in both directions."""

    def seen(report: NetworkReport) -> int:
        return min(path.carried + path.dropped for path in (report.sent, report.received))

    begin = seen(await chat.network())
    async with asyncio.timeout(HANGS):
        while seen(report := await chat.network()) < begin + packets:
            await asyncio.sleep(0.2)
    return report


def mean(chat: VoiceChat, since: int, name: str) -> float:
    values = [getattr(sample, name) for sample in chat.stats[since:]]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else 0.0


@pytest.mark.parametrize("loss", [0.1, 0.3])
async def test_the_statistics_show_the_loss_of_both_directions(chat, loss):
    await chat.network(loss=loss, seed=1)
    since = len(chat.stats)
    before = await chat.network()
    report = await until_passed(chat, 400)

    for path, earlier in ((report.sent, before.sent), (report.received, before.received)):
        passed = path.carried + path.dropped - earlier.carried - earlier.dropped
        assert loss / 2 < (path.lost - earlier.lost) / passed < loss * 1.7
        assert (path.queue_full, path.link_down) == (0, 0)
    assert loss / 2 < mean(chat, since, "loss") < loss * 1.7
    # What the server reports covers the time since its last report (RFC 3550, section 6.4.1).
    assert loss / 3 < mean(chat, since, "sent_loss") < loss * 2


async def test_the_statistics_show_the_delay(chat):
    await chat.network(delay=80)

    def is_late(sample: StatsSample) -> bool:
        return (sample.round_trip_time or 0) > 0.155

    await eventually(lambda: any(map(is_late, chat.stats)))


async def test_one_direction_is_impaired_alone(chat):
    await chat.network(down=True, direction="received")
    report = await until_passed(chat, 30)

    assert report.sent.dropped == 0
    assert report.received.link_down >= 30
    await chat.network(down=False)
    carried = (await chat.network()).received.carried
    report = await until_passed(chat, 30)
    assert report.received.carried > carried
    assert chat.status in ("connected", "reconnecting")


async def test_a_call_that_has_ended_has_no_network(chat):
    await chat.disconnect()
    with pytest.raises(NotConnected, match="the widget has no call"):
        await chat.network(loss=0.1)
    with pytest.raises(NotConnected, match="the call has ended"):
        await Local().network("rtc_over")


async def test_the_next_call_begins_with_a_perfect_network(chat):
    await chat.network(loss=0.3)
    await chat.disconnect()
    await chat.connect(timeout=HANGS)

    assert (await chat.network()).sent.conditions.loss == 0


async def test_the_same_server_called_as_openai_does_not_change_its_network(make):
    address = running_address()
    assert address is not None
    chat = make(OpenAI(address.token, base_url=f"{address.url}/v1"))
    with pytest.raises(NetworkUnsupported):
        await chat.network(loss=0.1)
