"""Real JupyterLab in headless Chromium, with a voice server beside it: where the page is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright
from tests.e2e.lab import Lab, NotebookPage, jupyterlab
from tests.e2e.voice_server import VoiceServer, voice_server
from tests.speech import speak_wav

from benchmarks._devtools import Tab, debuggable_chromium

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
STATUS = "() => document.querySelector('.rtc-widget').dataset.status"
_EVENT_PANEL = """([selector, isOpen]) => {
  const panel = document.querySelector(selector);
  if (panel.open !== isOpen) panel.querySelector(":scope > summary").click();
}"""

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
    playwright: Playwright
    port: int
    """Where the browser takes DevTools."""
    server: VoiceServer

    def open(self, name: str, *cells: str, lab: Lab | None = None) -> Tab:
        """Open a new notebook in a new tab and run its cells."""
        notebook = self.lab.notebook(f"{name}.ipynb", *cells)
        browser = self.playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{self.port}")
        try:
            [context] = browser.contexts
            page = NotebookPage(lab or self.lab, context, notebook)
            page.focus_first_cell()
            for _ in cells:
                page.run_next()
            about = context.new_cdp_session(page.page).send("Target.getTargetInfo")
        finally:
            browser.close()  # only the connection: the page stays
        return Tab(self.port, about["targetInfo"]["targetId"])

    def close(self, tab: Tab) -> None:
        """Close a tab and end its kernel."""
        tab.close()
        self.lab.end_kernels()

    def connect(self, tab: Tab) -> None:
        """Have the first widget of a tab call the server, if it does not."""
        if tab.evaluate(STATUS) != "connected":
            tab.click(CONNECT)
            tab.evaluate(CONNECTED)

    def disconnect(self, tab: Tab) -> None:
        """Have the first widget of a tab end its call, if there is one."""
        if tab.evaluate(STATUS) != "idle":
            tab.click(DISCONNECT)
            tab.wait_for(".rtc-widget[data-status=idle]")
            self.server.wait_for_calls(0)


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
        with debuggable_chromium(playwright, silence) as port:
            yield Notebooks(running, playwright, port, server)


def set_event_panel(tab: Tab, *, is_open: bool) -> None:
    """Open or close the panel that lists the events."""
    tab.evaluate(_EVENT_PANEL, [EVENT_PANEL, is_open])


@contextmanager
def _running(lab: Lab | None) -> Iterator[Lab]:
    if lab is not None:
        yield lab
        return
    with jupyterlab() as started:
        yield started
