from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from tests.conformance import record
from tests.unit.server.conftest import address, local_server
from tests.unit.server.live_stage import LiveStage
from tests.unit.server.stage import Stage

__all__ = ["address", "local_server"]  # fixtures


@pytest.fixture
async def begin(request: pytest.FixtureRequest) -> AsyncGenerator[Callable[..., Stage], None]:
    """Begins sessions; at the end every event of theirs is validated."""
    stages: list[Stage] = []

    def begun(**session: Any) -> Stage:
        stages.append(Stage(**session))
        return stages[-1]

    yield begun
    for stage in stages:
        await stage.engine.end()
        record.validated(request.node.name, stage.events)


@pytest.fixture
async def begin_live(request: pytest.FixtureRequest) -> AsyncGenerator[Callable[..., LiveStage], None]:
    """Begins Live sessions; at the end every event of theirs is validated, also those of sidebands."""
    stages: list[LiveStage] = []

    def begun(**session: Any) -> LiveStage:
        stages.append(LiveStage(**session))
        return stages[-1]

    yield begun
    for stage in stages:
        await stage.engine.end()
        record.live_validated(request.node.name, stage.events)
        if stage.sideband:
            record.live_validated(f"{request.node.name}, sideband", stage.sideband)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if record.FLOWS:
        terminalreporter.write_line(
            f"conformance: {len(record.FLOWS)} flows, {sum(record.EVENTS.values())} events of {len(record.EVENTS)} "
            "types validated against openai-python's RealtimeServerEvent"
        )
    if record.LIVE_FLOWS:
        terminalreporter.write_line(
            f"live conformance: {len(record.LIVE_FLOWS)} flows, {sum(record.LIVE_EVENTS.values())} events of "
            f"{len(record.LIVE_EVENTS)} types validated against openai-python's models of GPT-Live and Responses"
        )
