from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from typing import Any

import pytest

from rtc_widget import Answer, VoiceChat
from rtc_widget._unicode import well_formed
from rtc_widget.testing import ScriptedPage
from tests.unit.server_double import ServerDouble

OF_PROCESSES = {"ipykernel", "local_server"}
"""Fixtures that start a process, of which the quick tests have none."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if OF_PROCESSES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("process")


def pytest_collection_finish() -> None:
    """Take what the tests import out of garbage collection: it stays, and makes each collection take 0.25 s."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give captured output a form that the processes of pytest-xdist can send: it may quote lone surrogates."""
    report = yield
    report.sections = [(name, well_formed(text)) for name, text in report.sections]
    return report


@pytest.fixture
def no_collection() -> Iterator[None]:
    """For tests that reach the recursion limit: finalizers of what CPython collects there fail."""
    gc.disable()
    yield
    gc.enable()


class ScriptedSignaling:
    """A server that answers what the test wants, when the test wants."""

    name = "Scripted server"
    data_channel_label = "oai-events"
    ice_servers: tuple[Mapping[str, Any], ...] = ({"urls": ["stun:stun.example.org"]},)

    def __init__(self) -> None:
        self.offers: list[tuple[str, Mapping[str, Any]]] = []
        self.hung_up: list[str] = []
        self.failure: Exception | None = None
        self.answer = Answer("v=0\r\nanswer\r\n", "rtc_1")
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def prepare(self, progress: Any) -> None:
        progress("Warming up")
        progress("")

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        self.offers.append((offer, session))
        while not self.may_answer.is_set():  # set from another thread, hence not awaited
            await asyncio.sleep(0.005)
        if self.failure is not None:
            raise self.failure
        return self.answer

    async def hang_up(self, call_id: str) -> None:
        self.hung_up.append(call_id)


@pytest.fixture
def signaling() -> ScriptedSignaling:
    return ScriptedSignaling()


@pytest.fixture
async def chat(signaling: ScriptedSignaling) -> AsyncIterator[VoiceChat]:
    widget = VoiceChat(signaling, page=ScriptedPage(acts=False), instructions="Be brief.")
    yield widget
    widget.close()


@pytest.fixture
def page(chat: VoiceChat) -> ScriptedPage:
    """Return the chat's page, which leaves every message to the test."""
    assert isinstance(chat._page, ScriptedPage)
    return chat._page


@pytest.fixture
def server(chat: VoiceChat, page: ScriptedPage) -> ServerDouble:
    return ServerDouble(chat, page)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return
