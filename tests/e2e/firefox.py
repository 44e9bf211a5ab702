"""Firefox without a driver: it speaks WebDriver BiDi (W3C) over a WebSocket of its own."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.e2e.lab import SPY
from tests.limits import HANGS
from tests.processes import end

_PREFERENCES = {
    # No sound card, a fake microphone, and nobody to ask for it. All else that concerns media is as it comes.
    "media.cubeb.force_mock_context": True,
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    # Nothing of it leaves the machine.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


def firefox_program() -> str | None:
    """Return the path of Firefox, if it is here."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """A tab of a running Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._ask("session.new", capabilities={})
        self._ask("script.addPreloadScript", functionDeclaration=f"() => {{ {SPY} }}")
        self._tab = self._ask("browsingContext.create", type="tab")["context"]
        self._ask("browsingContext.setViewport", context=self._tab, viewport={"width": 1280, "height": 1600})

    def open(self, url: str) -> None:
        self._ask("browsingContext.navigate", context=self._tab, url=url, wait="interactive")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, which may await, by way of JSON."""
        result = self._ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": self._tab},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise RuntimeError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + HANGS
        while not self.evaluate(expression):
            if time.monotonic() > deadline:
                raise TimeoutError(f"it never came about: {expression}")
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        """Click with the mouse, which is what lets a page make sounds."""
        x, y = self.evaluate(
            f"(() => {{ const element = document.querySelector({json.dumps(selector)}); element.scrollIntoView();"
            " const { x, y, width, height } = element.getBoundingClientRect();"
            " return [Math.round(x + width / 2), Math.round(y + height / 2)]; })()"
        )
        actions: list[dict[str, Any]] = [{"type": "pointerMove", "x": x, "y": y}]
        actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._ask(
            "input.performActions", context=self._tab, actions=[{"type": "pointer", "id": "mouse", "actions": actions}]
        )

    def press(self, keys: str) -> None:
        """Press keys one after the other, in what has the focus."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask(
            "input.performActions", context=self._tab, actions=[{"type": "key", "id": "keyboard", "actions": actions}]
        )

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(HANGS))
            if message.get("id") == number:
                break
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        result: dict[str, Any] = message["result"]
        return result


@contextmanager
def firefox(program: str) -> Iterator[Firefox]:
    """Run headless Firefox with a new profile and default settings."""
    home = Path(tempfile.mkdtemp(prefix="rtc_widget-firefox-"))
    preferences = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
    (home / "user.js").write_text("\n".join(preferences))
    log = home / "firefox.log"
    command = [program, "--headless", "--no-remote", "--profile", str(home), "--remote-debugging-port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        with connect(f"{_address(process, log)}/session", max_size=None, open_timeout=HANGS) as socket:
            yield Firefox(socket)
    finally:
        end(process, 15)
        shutil.rmtree(home, ignore_errors=True)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + HANGS
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"BiDi listening on (ws://\S+)", log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"Firefox did not start:\n{log.read_text(errors='replace')[-2000:]}")
