from __future__ import annotations

import pytest
from aioice import ice

from rtc_widget._aiortc.connection import offer_loopback_when_alone


@pytest.mark.parametrize(("found", "offered"), [([], ["127.0.0.1"]), (["192.0.2.7"], ["192.0.2.7"])])
def test_loopback_is_offered_only_when_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, found: list[str], offered: list[str]
) -> None:
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: found)

    offer_loopback_when_alone()
    offer_loopback_when_alone()

    assert ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == offered


async def test_a_machine_without_a_network_has_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    offer_loopback_when_alone()
    connection = ice.Connection(ice_controlling=True)

    await connection.gather_candidates()

    assert [candidate.host for candidate in connection.local_candidates] == ["127.0.0.1"]
    await connection.close()
