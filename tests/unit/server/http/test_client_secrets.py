from __future__ import annotations

import json

import pytest

from rtc_widget.server.errors import ApiError
from rtc_widget.server.http import client_secrets
from rtc_widget.server.http.client_secrets import EphemeralKeys


class Clock:
    now = 1_900_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_may_be_used_many_times_until_it_expires() -> None:
    clock = Clock()
    known = EphemeralKeys(clock)
    key = known.create_client_secret(b'{"expires_after": {"seconds": 10}}')

    clock.now += 9
    assert known.find(key.value) is key
    assert known.find(key.value) is key
    clock.now += 1
    assert known.find(key.value) is None


def test_a_key_lasts_ten_minutes_unless_told_otherwise() -> None:
    assert EphemeralKeys(Clock()).create_client_secret(b"").expires_at == Clock.now + 600


def test_a_key_holds_the_session_it_was_made_for() -> None:
    key = EphemeralKeys(Clock()).create_client_secret(b'{"session": {"type": "realtime", "instructions": "Hum."}}')

    assert key.settings == {"type": "realtime", "instructions": "Hum."}
    assert key.to_wire()["session"]["instructions"] == "Hum."
    assert key.value not in repr(key)


def test_there_is_an_end_to_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_secrets, "MAX_KEYS", 2)
    clock = Clock()
    known = EphemeralKeys(clock)
    known.create_client_secret(b"")
    known.create_client_secret(b"")

    with pytest.raises(ApiError) as refused:
        known.create_client_secret(b"")
    assert refused.value.status == 429
    clock.now += 600
    assert known.create_client_secret(b"")


def test_the_settings_of_all_keys_have_a_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_secrets, "MAX_KEYS_BYTES", 1_000)
    clock = Clock()
    known = EphemeralKeys(clock)
    large = json.dumps({"session": {"type": "realtime", "instructions": "x" * 600}}).encode()
    known.create_client_secret(large)

    with pytest.raises(ApiError) as refused:
        known.create_client_secret(large)
    assert refused.value.status == 429
    assert known.create_client_secret(b"")
    clock.now += 600
    assert known.create_client_secret(large)


def test_a_key_with_a_megabyte_of_settings_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        EphemeralKeys(Clock()).create_client_secret(
            json.dumps({"session": {"type": "realtime", "instructions": "x" * 1_000_000}}).encode()
        )
    assert (refused.value.status, refused.value.param) == (400, "session")
