"""Measures the time from a click to the open data channel: the widget against a page that does everything itself.

Three ways alternate in one JupyterLab, in one browser, against one embedded server:

- ``page alone``: the page opens the microphone, makes the offer and posts it with `fetch`, without waiting for
  candidates. It has the server's key, which a page must never have.
- ``tutorial``: as OpenAI's guide shows it, one step after the other: the page first fetches a short-lived secret.
- ``widget``: `VoiceChat`; the kernel posts the offer.

Latency is added between the page and the Jupyter server, and between both and the voice server. The benchmark prints
the median, the quartiles and the ratio to the page alone.

    python benchmarks/connect.py [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.e2e.browser import chromium
from tests.e2e.lab import Lab, NotebookPage, jupyterlab
from tests.e2e.voice_server import TOKEN, VoiceServer, voice_server
from tests.speech import speak_wav

ROUNDS = 15
LATENCIES_MS = [(0, 0), (20, 0), (100, 0), (0, 20), (0, 100)]
"""Added round-trip times: page to Jupyter server, and page or kernel to voice server."""

DIRECT = """async ({ url, token, fetchesSecret }) => {
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
}"""

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
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = asyncio.start_server(self._relay, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port: int = server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._copy(reader, other_writer), self._copy(other_reader, writer), return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self._loop.call_later(self._delay, writer.write, data)
        self._loop.call_later(self._delay, writer.close)


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


def measure(lab: Lab, browser: Browser, server: VoiceServer, url: str, rounds: int) -> dict[str, list[float]]:
    """Return the times of the three ways to call the server at `url`, in milliseconds."""
    times: dict[str, list[float]] = {"page alone": [], "tutorial": [], "widget": []}
    page = NotebookPage(lab, browser, lab.notebook("connect.ipynb", WIDGET.format(token=TOKEN, url=url)))
    page.focus_first_cell()
    page.run_next()
    connect = page.page.locator("button[data-action=connect]").first
    connect.wait_for()
    for _ in range(rounds + 1):  # the first round warms up
        for way, fetches_secret in (("page alone", False), ("tutorial", True)):
            arguments = {"url": url, "token": TOKEN, "fetchesSecret": fetches_secret}
            times[way].append(page.page.evaluate(DIRECT, arguments))
        connect.click()
        page.wait_for_status("connected")
        times["widget"].append(page.spy("spy.openedAt - spy.clickedAt"))
        page.page.locator("button[data-action=disconnect]").first.click()
        page.wait_for_status("idle")
        server.wait_for_calls(0)
    page.page.close()
    lab.end_kernels()
    return {way: values[1:] for way, values in times.items()}


def table(times: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Return median, quartiles and ratio to the page alone, of each way."""
    alone = statistics.median(times["page alone"])
    rows = []
    for way, values in times.items():
        low, median, high = statistics.quantiles(values, n=4)
        rows.append({"way": way, "median_ms": median, "quartiles_ms": [low, high], "ratio": median / alone})
    return rows


def main() -> None:
    """Measure and print a table for each pair of latencies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and no added latency")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    rounds = 5 if options.quick else ROUNDS
    latencies = LATENCIES_MS[:1] if options.quick else LATENCIES_MS
    results = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lab = stack.enter_context(jupyterlab())
        lab_urls = {ms: stack.enter_context(delayed(lab.url, ms)) for ms, _ in latencies}
        origins = [f"--allow-origin={url}" for url in lab_urls.values()]
        server = stack.enter_context(voice_server(options=origins))
        playwright = stack.enter_context(sync_playwright())
        silence = speak_wav(folder / "silence.wav", "", lead=1.0, tail=1.0)
        browser = stack.enter_context(chromium(playwright, silence))
        for to_kernel_ms, to_server_ms in latencies:
            with delayed(server.url, to_server_ms) as server_url:
                delayed_lab = replace(lab, url=lab_urls[to_kernel_ms])
                rows = table(measure(delayed_lab, browser, server, f"{server_url}/v1", rounds))
            results.append({"to_kernel_ms": to_kernel_ms, "to_server_ms": to_server_ms, "ways": rows})
            print(f"+{to_kernel_ms} ms to the kernel, +{to_server_ms} ms to the server; {rounds} calls each")
            for row in rows:
                low, high = row["quartiles_ms"]
                spread = f"({low:.0f} to {high:.0f})"
                print(
                    f"  {row['way']:<11}{row['median_ms']:6.0f} ms  {spread:<14} ratio {row['ratio']:.2f}", flush=True
                )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
