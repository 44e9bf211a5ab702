from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

from tests.e2e.browser import chromium
from tests.e2e.lab import ROOT, Lab, NotebookPage, jupyterlab
from tests.e2e.voice_server import VoiceServer, voice_server
from tests.limits import HANGS
from tests.speech import speak_wav

numbers = itertools.count(1)
QUESTION = "What is a jitter buffer?"
CURRENT = "7.4"
OTHERS = ("7.3.0", "6.31.0")
"""The ipykernels that `scripts/test` installs beside the environment's own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright; of the package, since no test that awaits can run in a thread where it is."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def shared_lab() -> Iterator[Lab]:
    """A JupyterLab with every ipykernel that is here."""
    folders = {version: ROOT / f".cache/ipykernel-{version}" for version in OTHERS}
    with jupyterlab(ipykernels={version: folder for version, folder in folders.items() if folder.is_dir()}) as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    yield shared_lab
    shared_lab.end_kernels()


@pytest.fixture
def version() -> str:
    """The ipykernel of the test; parametrized where it matters."""
    return CURRENT


@pytest.fixture(scope="session")
def question_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The question, spoken a second after the beginning."""
    return speak_wav(tmp_path_factory.mktemp("microphone") / "question.wav", QUESTION, lead=1.0, tail=1.0)


@pytest.fixture(scope="session")
def silence_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return speak_wav(tmp_path_factory.mktemp("microphone") / "silence.wav", "", lead=1.0, tail=1.0)


@pytest.fixture(scope="session")
def server() -> Iterator[VoiceServer]:
    """A voice server that outlives kernels; its models are loaded once."""
    with voice_server() as server:
        yield server


@pytest.fixture(scope="package")
def silent_browser(playwright: Playwright, silence_wav: Path) -> Iterator[Browser]:
    with chromium(playwright, silence_wav) as browser:
        yield browser


@pytest.fixture(scope="package")
def tabs() -> dict[Browser, NotebookPage]:
    """One tab with JupyterLab for each browser, in which one notebook is opened after the other."""
    return {}


@pytest.fixture(autouse=True)
def _closes_tabs() -> Iterator[None]:
    """Close the tabs that no other test uses: JupyterLab takes processor time even if nothing happens."""
    yield
    for tab in [tab for tab in NotebookPage.all if not tab.is_shared]:
        NotebookPage.all.remove(tab)
        with contextlib.suppress(Error):  # it was closed
            tab.page.close()


@pytest.fixture
def show(lab: Lab, tabs: dict[Browser, NotebookPage]) -> Iterator[Callable[[Browser, str], NotebookPage]]:
    """Opens a notebook of the lab's folder in the browser's tab."""
    used: set[Browser] = set()

    def open(browser: Browser, notebook: str) -> NotebookPage:
        used.add(browser)
        if browser in tabs:
            tabs[browser].open(notebook)
        else:
            tabs[browser] = NotebookPage(lab, browser, notebook)
            tabs[browser].is_shared = True
        return tabs[browser]

    yield open
    for browser in used:
        try:
            tabs[browser].leave()
        except Error:  # it was closed, or its call does not end: the next test gets another
            tabs.pop(browser).is_shared = False


@pytest.fixture
def opened(lab: Lab, version: str, show: Callable[[Browser, str], NotebookPage]) -> Callable[..., NotebookPage]:
    """Opens a notebook of the given cells and runs the first."""

    def open(browser: Browser, *cells: str) -> NotebookPage:
        ipykernel = "" if version == CURRENT else version
        assert not ipykernel or ipykernel in lab.ipykernels, "scripts/test installs the other ipykernels"

        def ready() -> NotebookPage:
            page = show(browser, lab.notebook(f"test{next(numbers)}.ipynb", *cells, ipykernel=ipykernel))
            page.focus_first_cell()
            return page

        return run_cells(lab, version, ready, 1, (20, 30, 40, 60))

    return open


def run_cells(
    lab: Lab, version: str, ready: Callable[[], NotebookPage], count: int, limits: Iterable[float] = (60, 90)
) -> NotebookPage:
    """Run the next `count` cells of the page that `ready` gives; return the page.

    A kernel of ipykernel 7.3.0 may leave a request unread, see docs/hosts.md. Where one takes longer than a limit in
    seconds, another kernel has its turn.
    """
    for limit in (HANGS,) if version == CURRENT else (*limits, HANGS):
        page = ready()
        try:
            for _ in range(count):
                page.run_next(timeout=limit)
        except Error as error:
            if limit == HANGS or "took too long" not in str(error):
                raise
            print(f"a kernel of ipykernel {version} did not answer within {limit} s")
            page.leave()
            lab.end_kernels()
        else:
            break
    return page
