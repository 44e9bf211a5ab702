"""The state machine of a call; `tests/contract` has the cases that both halves share."""

from __future__ import annotations

from rtc_widget import Reconnect
from rtc_widget.errors import ConnectionFailed, ReconnectFailed, ServerHungUp
from rtc_widget.headless.call_machine import IDLE, Phase, next_phase

LOST = ConnectionFailed("The line is dead.")
TWICE = Reconnect(max_attempts=2)


def through(phase, *events, reconnect=TWICE, error=LOST):
    names = []
    for event in events:
        phase = next_phase(phase, event, error, reconnect)
        names.append(phase.name)
    return names, phase


def test_a_call_is_made_and_ended():
    names, _ = through(IDLE, "connect", "opened", "disconnect")
    assert names == ["connecting", "connected", "idle"]


def test_a_first_call_that_finds_no_way_fails_at_once():
    names, phase = through(IDLE, "connect", "lost")
    assert names == ["connecting", "failed"]
    assert phase.error is LOST


def test_a_connection_may_heal_by_itself():
    names, _ = through(Phase("connected"), "disconnected", "reconnected")
    assert names == ["disconnected", "connected"]


def test_a_lost_connection_is_made_anew_until_the_attempts_are_used_up():
    names, phase = through(
        Phase("connected"), "disconnected", "grace_over", "backoff_over", "lost", "backoff_over", "opened", "lost"
    )
    assert names == ["disconnected", "backoff", "retrying", "backoff", "retrying", "connected", "failed"]
    assert isinstance(phase.error, ReconnectFailed)
    assert "2 attempts" in phase.error.message
    assert "The line is dead" in phase.error.message


def test_a_healthy_time_lets_the_lost_connections_be_forgotten():
    _, phase = through(Phase("connected", tries=2), "healthy", "lost")
    assert (phase.name, phase.tries) == ("backoff", 1)


def test_without_recovery_a_lost_connection_is_an_end():
    names, phase = through(Phase("connected"), "lost", reconnect=None)
    assert names == ["failed"]
    assert phase.error is LOST


def test_a_server_that_hangs_up_is_no_loss():
    bye = ServerHungUp("Bye.")
    assert through(Phase("connected"), "ended", error=bye)[1] == Phase("failed", error=bye)


def test_what_the_table_does_not_list_changes_nothing():
    assert next_phase(IDLE, "opened", LOST, TWICE) is IDLE
