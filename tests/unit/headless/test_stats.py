"""The statistics of aiortc, in the units of W3C."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

pytest.importorskip("aiortc")

from aiortc import RTCConfiguration
from aiortc.stats import RTCRemoteInboundRtpStreamStats

from rtc_widget._aiortc.connection import Connection
from rtc_widget.headless import stats


async def test_the_share_of_lost_packets_is_between_0_and_1(monkeypatch: pytest.MonkeyPatch) -> None:
    report = RTCRemoteInboundRtpStreamStats(
        timestamp=datetime.now(UTC),
        type="remote-inbound-rtp",
        id="remote",
        ssrc=1,
        kind="audio",
        transportId="transport",
        packetsReceived=75,
        packetsLost=25,
        jitter=0,
        roundTripTime=0.1,
        fractionLost=64,  # the byte of RTCP
    )
    connection = Connection(RTCConfiguration(iceServers=[]))

    async def reports() -> dict[str, Any]:
        return {"remote": report}

    monkeypatch.setattr(connection, "getStats", reports)
    monkeypatch.setattr(stats, "_codec", lambda _: None)
    found = await stats.stats_reports(connection, user_level=0, assistant_level=0)

    assert [cast("float", one["fractionLost"]) for one in found if one["type"] == "remote-inbound-rtp"] == [0.25]
    await connection.close()
