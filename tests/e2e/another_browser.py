"""A browser at the other end of a call: unlike aiortc it takes another offer for a call that stands (ICE restart)."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.limits import HANGS

PAGE = """<!doctype html><title>The other end</title><script>
const calls = new Map();

function begin(microphone) {
  const connection = new RTCPeerConnection();
  for (const track of microphone.getTracks()) connection.addTrack(track, microphone);
  connection.ondatachannel = ({ channel }) => {
    channel.onopen = () => channel.send(JSON.stringify({ type: "session.created", session: {} }));
    channel.onmessage = ({ data }) => channel.send(JSON.stringify({ type: "echo", text: data }));
  };
  return connection;
}

async function answer(connection, sdp) {
  const gathered = new Promise((done) => {
    connection.onicecandidate = ({ candidate }) => candidate === null && done();
  });
  await connection.setRemoteDescription({ type: "offer", sdp });
  await connection.setLocalDescription();
  await gathered;
  return connection.localDescription.sdp;
}

(async () => {
  // Without a microphone it would be told no addresses of this machine.
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  for (;;) {
    const asked = await fetch("/next");
    if (asked.status !== 200) continue;
    const { call, sdp } = await asked.json();
    if (!calls.has(call)) calls.set(call, begin(microphone));
    await fetch("/answer", { method: "POST", body: await answer(calls.get(call), sdp) });
  }
})();
</script>"""

SIGNALING = """
import httpx, itertools
from rtc_widget.signaling import Answer

class AnotherBrowser:
    name, data_channel_label, ice_servers = "Another browser", "oai-events", ()
    numbers = itertools.count(1)

    async def prepare(self, progress):
        pass

    async def exchange(self, offer, session):
        call = f"call_{{next(self.numbers)}}"
        return Answer(await self.ask(call, offer), call)

    async def renegotiate(self, call_id, offer):
        return await self.ask(call_id, offer)

    async def hang_up(self, call_id):
        pass

    async def ask(self, call, offer):
        async with httpx.AsyncClient(timeout=300, trust_env=False) as client:
            response = await client.post("{url}/offer", json={{"call": call, "sdp": offer}})
        return response.raise_for_status().text
"""


@dataclass
class Switchboard:
    """Between the kernel that asks and the page that answers.

    `offers` are those that were asked, as [call, sdp].
    """

    url: str = ""
    offers: list[tuple[str, str]] = field(default_factory=list)
    _asked: queue.Queue[bytes] = field(default_factory=queue.Queue)
    _answered: queue.Queue[bytes] = field(default_factory=queue.Queue)

    @property
    def signaling(self) -> str:
        """The Python source of a class `AnotherBrowser`."""
        return SIGNALING.format(url=self.url)

    def ask(self, body: bytes) -> bytes:
        offer = json.loads(body)
        self.offers.append((offer["call"], offer["sdp"]))
        self._asked.put(body)
        return self._answered.get(timeout=HANGS)

    def next(self) -> bytes:
        try:
            return self._asked.get(timeout=1)
        except queue.Empty:
            return b""

    def answer(self, body: bytes) -> bytes:
        self._answered.put(body)
        return b""


@contextmanager
def switchboard(host: str) -> Iterator[Switchboard]:
    """Run a switchboard, whose page is to be opened in a browser."""
    board = Switchboard()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(PAGE.encode() if self.path == "/" else board.next(), "text/html")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._reply(board.ask(body) if self.path == "/offer" else board.answer(body), "application/sdp")

        def _reply(self, body: bytes, kind: str) -> None:
            # The browser may have been closed while it waited for an offer.
            with contextlib.suppress(ConnectionError):
                self.send_response(200 if body else 204)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        board.url = f"http://{host}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield board
        finally:
            server.shutdown()
