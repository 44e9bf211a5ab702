"""Measures the time from a click to the open data channel: the widget against a page that does everything itself.

Three ways alternate in one JupyterLab, in one browser, against one embedded server:

- ``page alone``: the page opens the microphone, makes the offer and posts it with `fetch`, without waiting for
  candidates. It has the server's key, which a page must never have.
- ``tutorial``: as OpenAI's guide shows it, one step after the other: the page first fetches a short-lived secret.
- ``widget``: `VoiceChat` with a server that needs no candidates in the offer; the kernel posts it.

Latency is added between the page and the Jupyter server, and between both and the voice server.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from tests.e2e.lab import Lab, jupyterlab
from tests.e2e.voice_server import TOKEN

from benchmarks._comparison import Comparison, Results, interleaved
from benchmarks._devtools import Tab
from benchmarks._notebook import CONNECT, Notebooks, notebooks

ROUNDS, QUICK_ROUNDS = 15, 5
LATENCIES_MS = [(0, 0), (20, 0), (100, 0), (0, 20), (0, 100)]
"""Added round-trip times: page to Jupyter server, and page or kernel to voice server."""

SETTLE_SECONDS = 0.5
"""Before each call, so that it does not take the time that the end of another one needs."""

DIRECT = """({ url, token, fetchesSecret }) => {
  const button = document.querySelector("button.page-alone");
  const clicked = new Promise((resolve) => button.addEventListener("click", resolve, { once: true }));
  globalThis.__direct = clicked.then(call);
  async function call() {
    const clickedAt = performance.now();
    let key = token;
    if (fetchesSecret) {
      const session = JSON.stringify({ session: { type: "realtime", model: "rtc-widget-local" } });
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const secret = await fetch(`${url}/realtime/client_secrets`, { method: "POST", headers, body: session });
      key = (await secret.json()).value;
    }
    const connection = new RTCPeerConnection();
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    connection.addTrack(microphone.getTracks()[0], microphone);
    const channel = connection.createDataChannel("oai-events");
    const opened = new Promise((resolve) => channel.addEventListener("open", resolve));
    await connection.setLocalDescription(await connection.createOffer());
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/sdp" };
    const response = await fetch(`${url}/realtime/calls?model=rtc-widget-local`, {
      method: "POST", headers, body: connection.localDescription.sdp,
    });
    await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
    await opened;
    const openedAt = performance.now();
    connection.close();
    for (const track of microphone.getTracks()) track.stop();
    const id = response.headers.get("Location")?.split("/").at(-1);
    if (id) {
      const headers = { Authorization: `Bearer ${token}` };
      await fetch(`${url}/realtime/calls/${id}/hangup`, { method: "POST", headers });
    }
    return openedAt - clickedAt;
  }
}"""
CONNECTED_DIRECTLY = """() => Promise.race([
  globalThis.__direct,
  new Promise((_, reject) => setTimeout(() => reject(new Error("No call within a minute.")), 60_000)),
])"""
"""Resolves with the milliseconds that the call took which `DIRECT` makes at the click."""

BUTTON = """
from IPython.display import HTML
HTML("<button class='page-alone'>Connect</button>")
"""

WIDGET = """
import rtc_widget
class Server(rtc_widget.OpenAI):
    needs_candidates = False
chat = rtc_widget.VoiceChat(Server({token!r}, base_url={url!r}))
chat
"""


class DelayingProxy:
    """Relays TCP connections to another port of this machine, and delays each direction by half of `delay_ms`."""

    def __init__(self, port: int, delay_ms: float) -> None:
        self._target = port
        self._delay = delay_ms / 2000
        self._listening: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self.port, self._loop, self._closed = self._listening.result()

    def close(self) -> None:
        """Stop relaying."""
        self._loop.call_soon_threadsafe(self._closed.set)
        self._thread.join()

    async def _serve(self) -> None:
        closed = asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self._listening.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), closed))
        await closed.wait()
        server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        both = self._copy(reader, other_writer), self._copy(other_reader, writer)
        with contextlib.suppress(asyncio.CancelledError):  # the proxy was closed
            await asyncio.gather(*both, return_exceptions=True)
        writer.close()
        other_writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(65536):
            loop.call_later(self._delay, writer.write, data)
        await asyncio.sleep(self._delay)
        writer.close()


@contextmanager
def delayed(url: str, delay_ms: float) -> Iterator[str]:
    """Yield a URL that leads to `url` with a longer round trip."""
    if not delay_ms:
        yield url
        return
    proxy = DelayingProxy(urlsplit(url).port or 80, delay_ms)
    try:
        yield f"http://127.0.0.1:{proxy.port}"
    finally:
        proxy.close()


def run(quick: bool) -> Results:
    """Measure the three ways with each pair of latencies."""
    latencies = LATENCIES_MS[:1] if quick else LATENCIES_MS
    with contextlib.ExitStack() as stack:
        lab = stack.enter_context(jupyterlab())
        lab_urls = {ms: stack.enter_context(delayed(lab.url, ms)) for ms, _ in latencies}
        origins = [f"--allow-origin={url}" for url in lab_urls.values()]
        opened = stack.enter_context(notebooks(lab=lab, options=origins))
        for to_kernel_ms, to_server_ms in latencies:
            with delayed(opened.server.url, to_server_ms) as server_url:
                nearer = replace(lab, url=lab_urls[to_kernel_ms])
                times = measure(opened, nearer, f"{server_url}/v1", QUICK_ROUNDS if quick else ROUNDS)
            title = f"click to open data channel, +{to_kernel_ms} ms to the kernel, +{to_server_ms} ms to the server"
            yield Comparison(title, "ms", "page alone", times)


def measure(opened: Notebooks, lab: Lab, url: str, rounds: int) -> dict[str, list[float]]:
    """Return the times of the three ways to call the server at `url`, in milliseconds."""
    tab = opened.open("connect", BUTTON, WIDGET.format(token=TOKEN, url=url), lab=lab)
    tab.wait_for(CONNECT)
    ways = {
        "page alone": partial(by_page, tab, url, fetches_secret=False),
        "tutorial": partial(by_page, tab, url, fetches_secret=True),
        "widget": partial(by_widget, opened, tab),
    }
    times = interleaved(ways, rounds)
    opened.close(tab)
    return times


def by_page(tab: Tab, url: str, *, fetches_secret: bool) -> float:
    """Have the page call the server itself; return the milliseconds until the data channel is open."""
    time.sleep(SETTLE_SECONDS)
    arguments = {"url": url, "token": TOKEN, "fetchesSecret": fetches_secret}
    tab.evaluate(DIRECT, arguments)
    tab.click("button.page-alone")
    return float(tab.evaluate(CONNECTED_DIRECTLY))


def by_widget(opened: Notebooks, tab: Tab) -> float:
    """Click on the widget's button; return the milliseconds until the data channel is open."""
    time.sleep(SETTLE_SECONDS)
    opened.connect(tab)
    took = float(tab.evaluate("() => __spy.openedAt - __spy.clickedAt"))
    opened.disconnect(tab)
    return took
