"""Garbage and slowness at the far end of a real call: a clear error in page and Python, and nothing stays open."""

from __future__ import annotations

import json
import os
import signal

from playwright.sync_api import expect

from tests.e2e.lab import NotebookPage, evaluate
from tests.limits import HANGS

SERVER = """
import http.server, threading, rtc_widget

SAID = {
    "page": b"<html>Sign in</html>",
    "stub": b"v=0\\r\\no=- 1 2 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\n",
    "huge": b"v=0" + b"x" * 5_000_000,
}

class Garbage(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_error(405)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        said = SAID.get(self.path.split("/")[1])
        if said is None:
            self.connection.close()
            return
        self.send_response(201)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Garbage)
threading.Thread(target=server.serve_forever, daemon=True).start()
"""
CALLS = (
    f"HANGS = {HANGS}"
    + """
import json
found = {}
for kind in ("page", "stub", "huge", "hung up"):
    path = kind.replace(" ", "-")
    chat = rtc_widget.VoiceChat(rtc_widget.OpenAI("sk-x", base_url=f"http://127.0.0.1:{server.server_port}/{path}/v1"))
    display(chat)
    try:
        await chat.connect(timeout=HANGS)
    except rtc_widget.RtcWidgetError as error:
        found[kind] = [error.code, chat.status, bool(error.hint)]
print(json.dumps(found))
"""
)

# A cell that sleeps is not enough: another thread of the kernel may hear the page.
DEAF = """
import os, signal, subprocess
print("busy", flush=True)
time.sleep(0.5)
subprocess.Popen(["sh", "-c", f"while [ ! -e '{path}' ]; do sleep 0.1; done; kill -CONT {os.getpid()}"])
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_garbage_servers_give_clear_errors(opened, silent_browser):
    page = opened(silent_browser, SERVER, CALLS)
    page.run_next()
    said = page.output(1)
    assert json.loads(said[said.index("{") : said.rindex("}") + 1]) == {
        "page": ["invalid_answer", "error", True],
        "stub": ["invalid_answer", "error", True],
        "huge": ["invalid_answer", "error", True],
        "hung up": ["server_unreachable", "error", True],
    }
    errors = page.page.locator(".rtc-error")
    errors.nth(3).wait_for()
    expect(errors).to_have_count(4)
    expect(errors.nth(1)).to_contain_text("The browser does not accept the server's SDP answer")
    assert set(page.spy("spy.microphone.map((track) => track.readyState)")) == {"ended"}
    assert set(page.spy("spy.peers.map((peer) => peer.connectionState)")) == {"closed"}


def test_a_connect_while_a_cell_runs_says_so_and_still_completes(opened, silent_browser, server, tmp_path):
    widget = f"import rtc_widget, time\nchat = rtc_widget.VoiceChat({server.signaling})\nchat"
    seen = tmp_path / "seen"
    page = opened(silent_browser, widget, f"path = {str(seen)!r}{DEAF}", "await chat.disconnect()")
    page.page.locator("button[data-action=connect]").wait_for()
    page.page.wait_for_timeout(1_000)  # the page has been welcomed
    page.run_next(wait=False)
    page.page.locator(".jp-OutputArea-output", has_text="busy").wait_for()
    page.page.wait_for_timeout(1_000)
    page.page.locator("button[data-action=connect]").first.click()
    page.page.locator(".rtc-progress", has_text="is a cell running?").wait_for()
    seen.touch()
    page.wait_for_status("connected")
    expect(page.page.locator(".rtc-progress", has_text="is a cell running?")).to_have_count(0)
    page.run_next()
    server.wait_for_calls(0)


def test_a_kernel_that_never_answers_ends_in_a_clear_error(lab, silent_browser, server):
    """The kernel is really stopped; only the page's clock is put forward, as far as its patience goes."""
    widget = f"import os, rtc_widget\nchat = rtc_widget.VoiceChat({server.signaling})\nchat"
    page = NotebookPage(lab, silent_browser, lab.notebook("deaf.ipynb", widget))
    page.focus_first_cell()
    page.run_next()
    page.page.locator("button[data-action=connect]").wait_for()
    page.page.wait_for_timeout(1_000)  # the page has been welcomed
    kernel = evaluate(lab.kernel_client(), "os.getpid()")
    page.page.clock.install()
    os.kill(kernel, signal.SIGSTOP)
    try:
        page.page.locator("button[data-action=connect]").first.click()
        page.page.locator(".rtc-progress", has_text="is a cell running?").wait_for()
        page.page.clock.fast_forward(91_000)
        page.wait_for_status("error")
        error = page.page.locator(".rtc-error").first
        expect(error).to_have_attribute("data-code", "kernel_timeout")
        expect(error).to_contain_text("The kernel did not reply.")
        expect(error).to_contain_text("Interrupt the cell or restart the kernel")
        expect(page.page.locator(".rtc-progress", has_text="is a cell running?")).to_have_count(0)
        assert page.spy("spy.microphone.length") == 0, "none is opened before the kernel has answered"
    finally:
        os.kill(kernel, signal.SIGCONT)
    # It can be tried again, and the kernel made no call of the attempt that was given up.
    page.page.locator("[data-action=retry]").first.click()
    page.wait_for_status("connected")
    server.wait_for_calls(1)
    page.page.locator("button[data-action=disconnect]").first.click()
    server.wait_for_calls(0)
    page.page.close()
