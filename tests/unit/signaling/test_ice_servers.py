"""STUN and TURN servers: every signaling takes them, or those of the environment."""

from __future__ import annotations

import pytest

from rtc_widget import Azure, Local, OpenAI, OpenAILive
from rtc_widget.errors import InvalidIceServers

SIGNALINGS = {
    "OpenAI": OpenAI,
    "OpenAILive": OpenAILive,
    "Azure": lambda **options: Azure("resource", "deployment", **options),
    "Local": Local,
    "Local, shared": lambda **options: Local(server="http://voice.test:8089", **options),
}
OF_ENVIRONMENT = '[{"urls": "turn:b.test", "username": "u", "credential": "secret"}]'


@pytest.mark.parametrize("signaling", SIGNALINGS.values(), ids=SIGNALINGS)
def test_ice_servers_are_given_or_of_the_environment(signaling, monkeypatch):
    monkeypatch.setenv("RTC_WIDGET_ICE_SERVERS", OF_ENVIRONMENT)
    assert list(signaling(ice_servers=["stun:a.test"]).ice_servers) == [{"urls": "stun:a.test"}]
    assert list(signaling(ice_servers=()).ice_servers) == []
    [given] = signaling().ice_servers
    assert given == {"urls": "turn:b.test", "username": "u", "credential": "secret"}
    monkeypatch.delenv("RTC_WIDGET_ICE_SERVERS")
    assert list(signaling().ice_servers) == []


@pytest.mark.parametrize("signaling", SIGNALINGS.values(), ids=SIGNALINGS)
def test_wrong_ice_servers_are_refused_without_their_credential(signaling, monkeypatch):
    with pytest.raises(TypeError, match="must be a list"):
        signaling(ice_servers="stun:a.test")
    monkeypatch.setenv("RTC_WIDGET_ICE_SERVERS", '{"credential": "secret"}')
    with pytest.raises(InvalidIceServers, match="RTC_WIDGET_ICE_SERVERS") as raised:
        list(signaling().ice_servers)
    assert "secret" not in str(raised.value)
