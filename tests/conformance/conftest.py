from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from tests.conformance import record
from tests.unit.server.conftest import address, local_server
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if record.FLOWS:
        terminalreporter.write_line(
            f"conformance: {len(record.FLOWS)} flows, {sum(record.EVENTS.values())} events of {len(record.EVENTS)} "
            "types validated against openai-python's RealtimeServerEvent"
        )
