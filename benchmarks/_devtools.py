"""A browser that is driven over the Chrome DevTools Protocol with little more than the clicks of a person.

Playwright speaks the same protocol. It also has the browser report each request and each message of a WebSocket with
its contents, which takes a fifth of the processor time that a notebook needs for a burst of events. So it opens the
notebooks, and leaves before anything is measured.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Playwright
from tests.e2e.browser import browser_arguments, browser_program
from tests.e2e.lab import end, eventually
from tests.limits import HANGS
from websockets.sync.client import connect

HOVER_SECONDS, PRESS_SECONDS = 0.1, 0.05
"""How long a quick person's pointer is over a button before it goes down, and how long it is down."""

_WINDOW = "--window-size=1280,2000"
_MOUSE = "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"
_CENTER = """(selector) => {
  const element = document.querySelector(selector);
  element.scrollIntoView({ block: "nearest" });
  const { x, y, width, height } = element.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""


class PageError(Exception):
    """What a script of a page threw, or what the browser answered to a wrong command."""


class Tab:
    """A page of the browser.

    Parameters
    ----------
    port : int
        Where the browser listens, see `debuggable_chromium`.
    target : str
        The id of the page (``Target.TargetID``).
    """

    def __init__(self, port: int, target: str) -> None:
        self._browser, self._target = f"http://127.0.0.1:{port}", target
        # Without pings: a page that is busy for long is not gone.
        self._socket = connect(f"ws://127.0.0.1:{port}/devtools/page/{target}", max_size=None, ping_interval=None)
        self._ids = itertools.count(1)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol and return its result.

        Raises
        ------
        PageError
            When the browser answers with an error.
        """
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv(HANGS))
            if message.get("id") != number:
                continue  # an event
            if "error" in message:
                raise PageError(f"{method}: {message['error']['message']}")
            result: dict[str, Any] = message["result"]
            return result

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Call a function of JavaScript, wait for its promise if it returns one, and return its result as JSON has it.

        Raises
        ------
        PageError
            When it throws.
        """
        expression = f"({function})({', '.join(map(json.dumps, arguments))})"
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise PageError(answer["exceptionDetails"].get("exception", {}).get("description", "it threw"))
        return answer["result"].get("value")

    def wait_for(self, selector: str) -> None:
        """Wait until the page has such an element."""
        eventually(lambda: self.evaluate("(selector) => document.querySelector(selector) !== null", selector))

    def click(self, selector: str) -> None:
        """Click on an element as a person does: the pointer reaches it first, and the button is down for a moment."""
        x, y = self.evaluate(_CENTER, selector)
        self._mouse("mouseMoved", x, y)
        time.sleep(HOVER_SECONDS)
        self._mouse("mousePressed", x, y, button="left", clickCount=1)
        time.sleep(PRESS_SECONDS)
        self._mouse("mouseReleased", x, y, button="left", clickCount=1)

    def _mouse(self, type: str, x: float, y: float, **parameters: Any) -> None:
        self.send("Input.dispatchMouseEvent", type=type, x=x, y=y, **parameters)

    def close(self) -> None:
        """Close the page, whatever it has to say (`Page.close` would have JupyterLab ask about unsaved changes)."""
        self._socket.close()
        urlopen(f"{self._browser}/json/close/{self._target}").close()


@contextmanager
def debuggable_chromium(playwright: Playwright, microphone: Path) -> Iterator[int]:
    """Run headless Chromium whose microphone speaks a WAV file; yield the port where it takes DevTools."""
    program = browser_program() or playwright.chromium.executable_path
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        arguments = ["--headless=new", "--mute-audio", "--hide-scrollbars", _WINDOW, f"--blink-settings={_MOUSE}"]
        arguments += ["--remote-debugging-port=0", f"--user-data-dir={profile}", *browser_arguments(microphone)]
        process = subprocess.Popen([program, *arguments, "about:blank"], stderr=subprocess.DEVNULL)
        try:
            # The browser writes its port and a path into this file.
            file = Path(profile, "DevToolsActivePort")
            eventually(lambda: process.poll() is not None or (file.exists() and "\n" in file.read_text()))
            if not file.exists():
                raise RuntimeError(f"{program} ended at once, with exit code {process.returncode}")
            yield int(file.read_text().split()[0])
        finally:
            end(process, 15)
