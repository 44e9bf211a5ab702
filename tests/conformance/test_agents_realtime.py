"""OpenAI's own browser client (the Agents SDK, over WebRTC) in real Chromium, unmodified but for the base URL.

The page comes from another origin than the server, with an ephemeral key: as it would be deployed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from scripts.find_browser import find_browser

from tests.conformance import record
from tests.limits import HANGS
from tests.speech import speak_wav

playwright = pytest.importorskip("playwright.sync_api")

HERE = Path(__file__).parent / "agents_realtime"
CLIENT = HERE / "node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.umd.js"
MODEL = "gpt-realtime-2.1"

pytestmark = [
    pytest.mark.speech,
    pytest.mark.e2e,
    pytest.mark.skipif(not CLIENT.is_file(), reason="scripts/test installs the client: npm ci"),
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a page that holds the client, and of what its microphone says."""
    folder = tmp_path_factory.mktemp("site")
    for file in (CLIENT, HERE / "page.html", HERE / "page.js"):
        (folder / file.name).write_bytes(file.read_bytes())
    speak_wav(folder / "question.wav", "What is a jitter buffer?", lead=0.2, tail=0.2)
    speak_wav(folder / "thanks.wav", "Thank you very much.", lead=0.1, tail=0.2)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(site: str) -> Iterator[tuple[str, str]]:
    """Base URL and token of a server that was started by hand and lets the page in."""
    command = [sys.executable, "-c", "from rtc_widget.cli import main; main()"]
    arguments = ["serve", "--port", "0", "--allow-origin", site]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C stops it." not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        url, token = (found for pair in re.findall(r"Listening on (\S+)|Token +(\S+)", said) for found in pair if found)
        yield url, token
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=HANGS)


class Page:
    """The page with the client in it."""

    def __init__(self, page: Any, site: str, url: str, token: str) -> None:
        self._page = page
        self._site = site
        self._url = url
        self._token = token

    def connect(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        pending = {"session": {"type": "realtime", "model": MODEL}}
        with httpx.Client(trust_env=False) as client:
            key = client.post(f"{self._url}/realtime/client_secrets", json=pending, headers=headers).json()["value"]
        self.run("connect", f"{self._url}/realtime/calls", key, MODEL)

    def run(self, function: str, *arguments: str) -> Any:
        return self._page.evaluate(f"{function}({', '.join(map(json.dumps, arguments))})")

    def events(self) -> list[dict[str, Any]]:
        return list(self._page.evaluate("events"))

    def wait_for(self, kind: str, count: int = 1) -> dict[str, Any]:
        condition = f"events.filter(event => event.type === {json.dumps(kind)}).length >= {count}"
        try:
            self._page.wait_for_function(condition, timeout=HANGS * 1000)
        except playwright.TimeoutError:
            raise AssertionError(f"no {kind}; there were {[event['type'] for event in self.events()]}") from None
        return [event for event in self.events() if event["type"] == kind][count - 1]


@contextmanager
def chromium() -> Iterator[Any]:
    arguments = ["--autoplay-policy=no-user-gesture-required", "--no-first-run", "--disable-background-networking"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium here; scripts/test installs one")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=executable, headless=True, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Any, site: str, server: tuple[str, str]) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(f"{site}/page.html")
    made = Page(opened, site, *server)
    made.connect()
    yield made
    events = made.events()
    made.run("disconnect")
    opened.close()
    assert [event for event in events if event["type"] in ("error", "client.error")] == []
    record.validated(request.node.name, [event for event in events if "event_id" in event])


def answer(event: dict[str, Any]) -> str:
    return str(event["response"]["output"][0]["content"][0]["transcript"])


def test_a_spoken_turn_and_an_interruption_by_voice(page: Page) -> None:
    page.run("say", "question.wav")
    done = page.wait_for("response.done")
    page.wait_for("output_audio_buffer.started")
    page.run("say", "thanks.wav")
    cut = page.wait_for("conversation.item.truncated")
    thanked = page.wait_for("response.done", 2)

    assert answer(done).startswith("A jitter buffer holds arriving packets")
    assert cut["item_id"] == done["response"]["output"][0]["id"]
    assert page.wait_for("output_audio_buffer.cleared")["response_id"] == done["response"]["id"]
    assert answer(thanked).startswith("You are welcome")


def test_a_text_turn_and_an_interruption_by_hand(page: Page) -> None:
    page.run("sendText", "What is Opus?")
    page.wait_for("output_audio_buffer.started")
    page.run("interrupt")
    page.wait_for("output_audio_buffer.cleared")
    done = page.wait_for("response.done")

    assert answer(done).startswith("Opus is the sound codec")
    assert [item["role"] for item in page.run("history")] == ["user", "assistant"]


def test_a_tool_call(page: Page) -> None:
    page.run("sendText", "What is the weather in Paris?")
    page.wait_for("response.function_call_arguments.done")
    done = page.wait_for("response.done", 2)

    assert page._page.evaluate("toolCalls") == [{"city": "Paris"}]
    assert answer(done) == "Sky is sunny."


def test_a_second_connect(page: Page) -> None:
    page.run("disconnect")
    page.connect()
    page.run("sendText", "What is Opus?")
    page.wait_for("response.done")

    assert len({event["session"]["id"] for event in page.events() if event["type"] == "session.created"}) == 2


def test_a_page_from_elsewhere_is_not_let_in(browser: Any, server: tuple[str, str], page: Page) -> None:
    stranger = browser.new_page()
    stranger.goto("data:text/html,<p>stranger</p>")
    url, token = server
    script = f"fetch('{url}/models', {{headers: {{Authorization: 'Bearer {token}'}}}}).then(() => 'in', () => 'out')"

    assert stranger.evaluate(script) == "out"
    stranger.close()
    page.run("sendText", "Hello")
    page.wait_for("response.done")
