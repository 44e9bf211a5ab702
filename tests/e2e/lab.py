"""Real JupyterLab: what the end-to-end tests and `scripts/demo --check` drive in a browser."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
from jupyter_client import BlockingKernelClient
from playwright.sync_api import Browser, BrowserContext, Error, Page, WebSocket, expect

from tests.limits import HANGS
from tests.processes import end

ROOT = Path(__file__).parents[2]
SPY = (Path(__file__).parent / "spy.js").read_text(encoding="utf-8")
expect.set_options(timeout=HANGS * 1000)
KERNEL = "rtc-widget-test"
SHOWN = 120
"""Seconds after which a widget that has not appeared never will, in a page whose notebook is open and connected."""
GIVEN_UP = "Error displaying widget: model not found"
"""What JupyterLab's widget manager writes in the place of a widget that it has given up, see docs/hosts.md."""
_LOADS = 3
# Opens a notebook in the place of the one that is open. It is closed without a question, whatever has become of it.
_OPEN = """async (name) => {
  const { commands, shell } = window.jupyterapp;
  for (const open of [...shell.widgets("main")]) open.dispose();
  const opened = await commands.execute("docmanager:open", { path: name, factory: "Notebook" });
  await opened.context.ready;
  shell.activateById(opened.id);
}"""
# Ends the calls of the notebook as a person would, and closes it.
_LEAVE = """async () => {
  for (const button of document.querySelectorAll(".rtc-widget button[data-action=disconnect]")) button.click();
  const giveUpAt = performance.now() + 20_000;
  while (__spy.peers.some(({ connectionState }) => connectionState !== "closed")) {
    if (performance.now() > giveUpAt) throw new Error("a call does not end");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const open of [...window.jupyterapp.shell.widgets("main")]) open.dispose();
  for (const button of document.querySelectorAll(".jp-Dialog button.jp-mod-accept")) button.click();
  __spy.reset();
}"""
# Extensions that have nothing to do with a notebook's cells: without them a page loads in four fifths of the time.
_DISABLED = [
    "csvviewer",
    "debugger",
    "extensionmanager",
    "help",
    "htmlviewer",
    "hub",
    "imageviewer",
    "javascript",
    "lsp",
    "markdownviewer",
    "mermaid",
    "pdf",
    "pluginmanager",
    "running",
    "terminal",
    "toc",
    "vega5",
]
_SETTINGS = {"apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}


@dataclass
class Lab:
    """A JupyterLab server with a folder of its own."""

    url: str
    folder: Path
    runtime: Path
    process: subprocess.Popen[bytes]
    ipykernels: frozenset[str] = frozenset()
    clients: list[BlockingKernelClient] = field(default_factory=list)

    def notebook(self, name: str, *cells: str, ipykernel: str = "") -> str:
        """Write a notebook of code cells, for the environment's or another ipykernel, and return its name."""
        import nbformat  # it takes more than a second, and benchmarks import this module for other things

        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        kernel = {"name": KERNEL + ipykernel, "display_name": "Python 3", "language": "python"}
        notebook.metadata["kernelspec"] = kernel
        nbformat.write(notebook, self.folder / name)
        return name

    def end_kernels(self) -> None:
        """End every kernel and let go of them, so that the next test finds a quiet machine."""
        while self.clients:
            self.clients.pop().stop_channels()
        for kernel in json.loads(self._ask("GET", "/api/kernels")):
            self._ask("DELETE", f"/api/kernels/{kernel['id']}")

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        with urllib.request.urlopen(request, timeout=HANGS) as response:
            return response.read()

    def kernel_client(self) -> BlockingKernelClient:
        """Return a client of the kernel that was started last."""
        deadline = time.monotonic() + HANGS
        while not (files := list(self.runtime.glob("kernel-*.json"))):
            if time.monotonic() > deadline:
                raise TimeoutError("no kernel was started")
            time.sleep(0.05)
        client = BlockingKernelClient(connection_file=str(max(files, key=lambda file: file.stat().st_mtime)))
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(HANGS)  # it hears what the kernel says from now on
        self.clients.append(client)
        return client


@contextmanager
def jupyterlab(*, ipykernels: Mapping[str, Path] | None = None, host: str = "127.0.0.1") -> Iterator[Lab]:
    """Run a JupyterLab server on a free port.

    Parameters
    ----------
    ipykernels : mapping of str to Path, optional
        Folders with other ipykernels, by version.
    host : str
        An address of this machine to listen on.
    """
    home = Path(tempfile.mkdtemp(prefix="rtc_widget-lab-"))
    folders = {name: home / name for name in ("config", "data", "runtime", "settings", "workspaces", "notebooks")}
    for folder in folders.values():
        folder.mkdir()
    for name, settings in _SETTINGS.items():
        file = folders["settings"] / f"@jupyterlab/{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    page_config = folders["config"] / "labconfig/page_config.json"
    page_config.parent.mkdir()
    disabled = {f"@jupyterlab/{name}-extension": True for name in _DISABLED}
    page_config.write_text(json.dumps({"disabledExtensions": disabled}))
    for version, ipykernel in {"": None, **(ipykernels or {})}.items():
        _write_kernelspec(folders["data"] / "kernels" / f"{KERNEL}{version}", ipykernel)
    startup = home / "ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "patience.py").write_text(_STARTUP)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "JUPYTER"))}
    environment |= {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folders["config"]),
        "JUPYTER_DATA_DIR": str(folders["data"]),
        "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(folders["settings"]),
        "JUPYTERLAB_WORKSPACES_DIR": str(folders["workspaces"]),
    }
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    log = (home / "jupyterlab.log").open("wb")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser", f"--port={port}"]
    command += [
        f"--ServerApp.ip={host}",
        "--ServerApp.allow_remote_access=True",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
    ]
    command += ["--ServerApp.disable_check_xsrf=True"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--allow-root"]
    process = subprocess.Popen(command, cwd=folders["notebooks"], env=environment, stdout=log, stderr=log)
    try:
        url = f"http://{host}:{port}"
        lab = Lab(url, folders["notebooks"], folders["runtime"], process, frozenset(ipykernels or ()))
        _wait_until_up(lab, home / "jupyterlab.log")
        yield lab
    finally:
        end(process, 15)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


_STARTUP = f"""
import sys
sys.path.append({str(ROOT)!r})
import tests.patience
tests.patience.wait_patiently()
sys.path.remove({str(ROOT)!r})
del sys, tests
"""


class NotebookPage:
    """A tab with JupyterLab in it, and one notebook open.

    It waits for nothing longer than `HANGS` says: only what never comes about fails. `script` runs before the
    page's own.
    """

    all: ClassVar[list[NotebookPage]] = []
    """The tabs of this process that may still be open."""

    def __init__(
        self,
        lab: Lab,
        browser: Browser | BrowserContext,
        notebook: str,
        *,
        on_frame: Callable[[str], object] | None = None,
        script: str = "",
        **options: Any,
    ) -> None:
        self.lab = lab
        self.name = notebook
        self.is_shared = False  # the next test uses it, too
        self.next_cell = 0
        self.console: list[str] = []
        # Tall: JupyterLab takes cells that are out of sight out of the document. A context has its own size.
        options = {"viewport": {"width": 1280, "height": 2000}, **options}
        self.page: Page = browser.new_page(**options) if isinstance(browser, Browser) else browser.new_page()
        self.page.set_default_timeout(HANGS * 1000)
        self.page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        if on_frame is not None:
            # What page and kernel say to each other, in both directions.
            self.page.on("websocket", lambda socket: _listen(socket, on_frame))
        self.page.add_init_script(SPY + script)
        self.all.append(self)
        self._load()

    def open(self, notebook: str) -> None:
        """Open another notebook in the same tab: JupyterLab is loaded once, which takes longer than most tests."""
        self.name = notebook
        self.page.evaluate(_OPEN, notebook)
        self._wait_until_open()

    def leave(self) -> None:
        """End the notebook's calls and close it, for another to be opened."""
        self.page.evaluate(_LEAVE)
        self.console.clear()

    def will_say(self, wav: Path, *, when_open: bool = True) -> None:
        """Have the microphone of the next calls speak a WAV file.

        It speaks when the data channel opens, or else when `spy.speak()` is called. The browser's own way, see
        `chromium`, begins when the microphone is opened, at which moment nobody knows when the call will stand.
        """
        data = base64.b64encode(wav.read_bytes()).decode()
        self.page.evaluate(
            "([clip, speaksWhenOpen]) => { Object.assign(__spy, { clip, speaksWhenOpen }); }", [data, when_open]
        )

    def record_audio(self) -> None:
        """Have the sound of the next calls measured and recorded, which takes a tenth of a processor."""
        self.page.evaluate("() => { __spy.recordsAudio = true; }")

    def _load(self) -> None:
        self.page.goto(f"{self.lab.url}/lab/tree/{self.name}?reset")
        self._wait_until_open()

    def _wait_until_open(self) -> None:
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus"
            " === 'connected'"
        )
        self.next_cell = 0

    def focus_cell(self, index: int) -> None:
        self.next_cell = index
        self.page.evaluate(
            "(index) => { const { content } = window.jupyterapp.shell.currentWidget;"
            " content.activeCellIndex = index; content.mode = 'command'; }",
            index,
        )

    def focus_first_cell(self) -> None:
        self.focus_cell(0)

    def run_next(self, *, wait: bool = True, timeout: float = HANGS) -> None:
        """Run the cell after the one that was run or focused last, whatever cell a click has made the active one."""
        index, self.next_cell = self.next_cell, self.next_cell + 1
        run = "window.jupyterapp.commands.execute('notebook:run-cell-and-select-next')"
        command = f"(window.jupyterapp.shell.currentWidget.content.activeCellIndex = index, {run})"
        if not wait:
            self.page.evaluate(f"(index) => {{ {command}; }}", index)
            return
        self.page.evaluate(
            f"([index, ms]) => Promise.race([{command}, new Promise((_, no) =>"
            " setTimeout(() => no('the cell took too long'), ms))])",
            [index, timeout * 1000],
        )

    def output(self, cell: int) -> str:
        """Return what the outputs of code cell `cell` say."""
        return self.outputs(cell).inner_text()

    def outputs(self, cell: int) -> Any:
        """Return the place of the outputs of code cell `cell`."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-Cell-outputArea")

    def widget(self) -> Any:
        return self.page.locator(".rtc-widget").first

    def wait_for_restored_widget(self) -> None:
        """Wait until the page shows a widget that it has not seen made: of a running kernel, or saved in the notebook.

        A busy machine makes JupyterLab give a widget up, for as long as the page stands. Then, and only then, the page
        is loaded again, as a person would.
        """
        given_up = self.page.get_by_text(GIVEN_UP)
        for _ in range(_LOADS):
            self.widget().or_(given_up).first.wait_for(timeout=SHOWN * 1000)
            if self.widget().is_visible():
                return
            print(f"JupyterLab shows no widget in {self.name} ({GIVEN_UP!r}); the page is loaded again")
            self._load()
        raise AssertionError(f"JupyterLab gave the widget up in each of {_LOADS} loads")

    def wait_for_status(self, status: str) -> None:
        try:
            self.page.locator(f".rtc-widget[data-status={status}]").first.wait_for()
        except Error as error:
            with contextlib.suppress(Error):
                error.add_note(f"The widget shows:\n{self.widget().inner_text(timeout=SHOWN * 1000)}")
            raise

    def spy(self, expression: str) -> Any:
        """Evaluate an expression on what the spy has seen, as `spy`."""
        return self.page.evaluate(f"async () => {{ const spy = globalThis.__spy; return ({expression}); }}")

    def recording(self) -> tuple[np.ndarray, int]:
        """Return what came from the other side so far, since `record_audio`: float32 samples and their rate."""
        data = base64.b64decode(self.spy("await spy.recording()"))
        with av.open(io.BytesIO(data)) as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
            rate = container.streams.audio[0].rate
        samples = np.concatenate([frame.mean(axis=0) if frame.ndim > 1 else frame for frame in frames])
        return samples.astype(np.float32), int(rate)


def evaluate(client: BlockingKernelClient, expression: str) -> Any:
    """Evaluate an expression in the kernel and return what `json` makes of it."""
    said: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            said.append(content["text"])
        elif message["msg_type"] == "error":
            raise RuntimeError("\n".join(content["traceback"]))

    code = f"import json as _json; print(_json.dumps({expression}))"
    ask = partial(client.execute_interactive, code, timeout=HANGS, output_hook=keep, store_history=False)
    deadline = time.monotonic() + HANGS
    # A kernel drops what it is asked right after an error. Our own drops nothing; after a cell's it is asked again.
    while ask(stop_on_error=False)["content"]["status"] == "aborted":
        assert time.monotonic() < deadline, "the kernel drops whatever it is asked"
        time.sleep(0.1)
    return json.loads("".join(said))


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fail if it never is."""
    deadline = time.monotonic() + HANGS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def _listen(socket: WebSocket, on_frame: Callable[[str], object]) -> None:
    for event in ("framesent", "framereceived"):
        socket.on(event, lambda data: on_frame(data if isinstance(data, str) else data.decode(errors="replace")))


def _write_kernelspec(folder: Path, ipykernel: Path | None) -> None:
    folder.mkdir(parents=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "env": {"PYTHONPATH": str(ipykernel)} if ipykernel else {},
    }
    (folder / "kernel.json").write_text(json.dumps(spec))


def _wait_until_up(lab: Lab, log: Path) -> None:
    deadline = time.monotonic() + HANGS
    while time.monotonic() < deadline and lab.process.poll() is None:
        try:
            urllib.request.urlopen(f"{lab.url}/api/status", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")
