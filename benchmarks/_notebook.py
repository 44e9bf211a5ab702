"""Real JupyterLab in headless Chromium, with a voice server beside it: where the page is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.e2e.browser import chromium
from tests.e2e.lab import Lab, NotebookPage, jupyterlab
from tests.e2e.voice_server import VoiceServer, voice_server
from tests.speech import speak_wav

CONNECT, DISCONNECT = (f"button[data-action={action}]" for action in ("connect", "disconnect"))
EVENT_PANEL = ".rtc-panel, .rtc-events"
"""The panel that lists the events, of this version or of an older one; it is closed at first."""

CONNECTED = """() => new Promise((resolve, reject) => {
  const widget = document.querySelector(".rtc-widget");
  const end = (settle, value) => { observer.disconnect(); clearTimeout(timer); settle(value); };
  const check = () => {
    if (widget.dataset.status === "connected") end(resolve);
    if (widget.dataset.status === "error") end(reject, new Error(widget.innerText));
  };
  const observer = new MutationObserver(check);
  const timer = setTimeout(() => end(reject, new Error("The call was not connected within a minute.")), 60_000);
  observer.observe(widget, { attributes: true });
  check();
})"""
HOVER_MS, PRESS_MS = 100, 50
"""How long a quick person's pointer is over a button before it goes down, and how long it is down."""

EVENT_TYPE = "response.function_call_arguments.delta"
EMITTED_EVENT = """(size) => {
  const head = '{"type":"response.function_call_arguments.delta","event_id":"event_0001","response_id":"resp_0001",' +
    '"item_id":"item_0001","output_index":0,"call_id":"call_0001","delta":"';
  const tail = '","sent_ms":';
  const padding = "x".repeat(Math.max(0, size - head.length - tail.length - 20));
  return () => head + padding + tail + (performance.timeOrigin + performance.now()) + "}";
}"""
"""Makes the text of an event of so many bytes, which says when it was made. It is of a kind that no page draws."""

EMIT = f"""async ({{ way, count, size, perSecond }}) => {{
  const channel = __spy.channels.at(-1);
  const model = globalThis.__relay;
  const emit = {{
    widget: (text) => channel.dispatchEvent(new MessageEvent("message", {{ data: text }})),
    message: (text) => model.send(text),
    trait: (text) => {{
      model.set("events", [...model.get("events"), JSON.parse(text)]);
      model.save_changes();
    }},
  }}[way];
  const made = ({EMITTED_EVENT})(size);
  const {{ port1, port2 }} = new MessageChannel();
  const nextTask = () => new Promise((resolve) => {{ port1.onmessage = resolve; port2.postMessage(null); }});
  const began = performance.now();
  for (let n = 0; n < count; n++) {{
    if (!perSecond && n % 100 === 99) await nextTask();
    const dueMs = perSecond ? began + (1000 * n) / perSecond - performance.now() : 0;
    if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
    emit(made());
  }}
  __spy.received.length = 0;
}}"""
"""Emits events as a data channel would: in tasks of a hundred as fast as possible, or so many per second."""


@dataclass(frozen=True, slots=True)
class Notebooks:
    """A JupyterLab, a browser and a voice server."""

    lab: Lab
    browser: Browser
    server: VoiceServer

    def open(self, name: str, *cells: str, lab: Lab | None = None) -> NotebookPage:
        """Open a new notebook in a new tab and run its cells."""
        page = NotebookPage(lab or self.lab, self.browser, self.lab.notebook(f"{name}.ipynb", *cells))
        page.focus_first_cell()
        for _ in cells:
            page.run_next()
        return page

    def close(self, page: NotebookPage) -> None:
        """Close a tab and end its kernel."""
        page.page.close()
        self.lab.end_kernels()

    def connect(self, page: NotebookPage) -> None:
        """Have the first widget of a page call the server, if it does not."""
        if page.widget().get_attribute("data-status") != "connected":
            click(page, CONNECT)
            # Playwright's own waiting looks in each frame, for which the page must be drawn.
            page.page.evaluate(CONNECTED)

    def disconnect(self, page: NotebookPage) -> None:
        """Have the first widget of a page end its call, if there is one."""
        if page.widget().get_attribute("data-status") != "idle":
            page.page.locator(DISCONNECT).first.click()
            page.wait_for_status("idle")
            self.server.wait_for_calls(0)


def click(page: NotebookPage, selector: str) -> None:
    """Click on a button as a person does: the pointer reaches it first, and the button is down for a moment."""
    button = page.page.locator(selector).first
    button.hover()
    page.page.wait_for_timeout(HOVER_MS)
    button.click(delay=PRESS_MS)


@contextmanager
def notebooks(*, lab: Lab | None = None, options: Sequence[str] = ()) -> Iterator[Notebooks]:
    """Run JupyterLab, a voice server with these options, and a browser whose microphone is silent."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _running(lab) as running,
        voice_server(options=options) as server,
        sync_playwright() as playwright,
    ):
        silence = speak_wav(Path(folder) / "silence.wav", "", lead=1.0, tail=1.0)
        with chromium(playwright, silence) as browser:
            yield Notebooks(running, browser, server)


def set_event_panel(page: NotebookPage, *, is_open: bool) -> None:
    """Open or close the panel that lists the events."""
    panel = page.page.locator(EVENT_PANEL).first
    if (panel.get_attribute("open") is not None) != is_open:
        panel.locator("> summary").click()


@contextmanager
def _running(lab: Lab | None) -> Iterator[Lab]:
    if lab is not None:
        yield lab
        return
    with jupyterlab() as started:
        yield started
