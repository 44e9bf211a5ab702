"""Tests the demo without a user: runs the first notebook in JupyterLab, asks a question aloud, prints the results.

With ``--protocol live`` the call is one of GPT-Live: the notebook is the same but for `Local(protocol="live")`.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright
from tests.e2e.browser import chromium
from tests.e2e.lab import ROOT, NotebookPage, evaluate, jupyterlab
from tests.notebooks import called_by_live
from tests.speech import recognize, speak_wav, word_error_rate

QUESTION = "What is a jitter buffer?"
CALLS = 3
READY = "not chat.progress and __import__('rtc_widget.server.process').server.process.running_address() is not None"


STOPPED = "text => text.includes('output_audio_buffer.stopped')"
SAID = "''.join(turn.text for turn in chat.transcript if turn.role == 'assistant')"
QUIET_SECONDS = 4.0
"""A session of GPT-Live has no event for the end of what is said: it has ended when no word has come for so long."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--protocol", choices=("realtime", "live"), default="realtime")
    protocol = parser.parse_args().protocol
    with tempfile.TemporaryDirectory() as folder, jupyterlab() as lab, sync_playwright() as playwright:
        wav = speak_wav(Path(folder) / "question.wav", QUESTION, lead=1.5, tail=1.0)
        notebook = shutil.copy(ROOT / "notebooks/01_talk.ipynb", lab.folder)
        if protocol == "live":
            called_by_live(Path(notebook))
        with chromium(playwright, wav) as browser:
            page = NotebookPage(lab, browser, "01_talk.ipynb")
            page.record_audio()
            page.focus_first_cell()
            page.run_next()
            page.run_next()
            kernel = lab.kernel_client()
            for _ in range(240):
                if evaluate(kernel, READY):
                    break
                page.page.wait_for_timeout(250)
            opening = []
            for call in range(CALLS):
                page.page.locator("button[data-action=connect]").click()
                page.wait_for_status("connected")
                opening.append(page.spy("spy.openedAt - spy.clickedAt"))
                if call < CALLS - 1:
                    page.page.locator("button[data-action=disconnect]").click()
                    page.wait_for_status("idle")
            calls = page.spy("spy.peers.length")
            if protocol == "live":
                _wait_until_quiet(page, lambda: str(evaluate(kernel, SAID)))
            else:
                page.page.wait_for_function(f"() => __spy.received.some({STOPPED})", timeout=60_000)
            levels = page.spy("spy.levels")
            turns = evaluate(kernel, "[(turn.role, turn.text) for turn in chat.transcript]")
            events = evaluate(kernel, "len(chat.events)")
            audible = recognize(*page.recording())
            page.page.locator("button[data-action=disconnect]").click()
            page.wait_for_status("idle")
            tracks = set(page.spy("spy.microphone.map((track) => track.readyState)"))

    heard = next((text for role, text in turns if role == "user"), "")
    answered = next((text for role, text in turns if role == "assistant"), "")
    print(f"protocol      {protocol}")
    print(f"question      {QUESTION}")
    print(f"recognized    {heard}")
    print(f"response      {answered}")
    print(f"output audio  {audible}")
    print(f"events        {events} as Python objects, {calls} calls, microphone {', '.join(sorted(tracks))}")
    print(f"click to open data channel        {statistics.median(opening):6.0f} ms   (median of {CALLS}; target 500)")
    print(f"end of speech to output audio     {_reaction(levels):6.0f} ms   (target 1500)")
    bundle = [(ROOT / f"src/rtc_widget/static/widget.{kind}").read_bytes() for kind in ("js", "css")]
    kilobytes = sum(len(gzip.compress(part)) for part in bundle) / 1024
    print(f"page bundle, gzipped              {kilobytes:6.1f} KB   (target 75)")
    print(f"import, without anywidget         {_import_cost():6.0f} ms   (target 150)")
    good = word_error_rate(QUESTION, heard) <= 0.2 and answered and word_error_rate(answered, audible) <= 0.2
    good = good and tracks == {"ended"}
    print("Passed." if good else "Failed: question and recognized text, or response and output audio, differ too much.")
    return 0 if good else 1


def _wait_until_quiet(page: NotebookPage, said: Callable[[], str]) -> None:
    """Wait until something has been said, and no more for `QUIET_SECONDS`."""
    before, since = said(), time.monotonic()
    deadline = since + 120
    while not before or time.monotonic() - since < QUIET_SECONDS:
        if time.monotonic() > deadline:
            raise TimeoutError("The voice has not finished within 120 s.")
        page.page.wait_for_timeout(250)
        now = said()
        if now != before:
            before, since = now, time.monotonic()


def _reaction(levels: list[list[object]]) -> float:
    """Return the time from the end of the question's audio to the start of the response's, in ms, in the page."""
    answer = min(float(time) for who, time, _ in levels if who == "assistant")
    return answer - max(float(time) for who, time, _ in levels if who == "user" and float(time) < answer)


def _import_cost() -> float:
    """Return how long `import rtc_widget` and its widget take after anywidget, in milliseconds (median of 5)."""
    code = (
        "import anywidget, time; started = time.perf_counter(); import rtc_widget; rtc_widget.VoiceChat;"
        "print(time.perf_counter() - started)"
    )
    with tempfile.TemporaryDirectory() as folder:
        # Keep compiled bytecode, as pip does; Python may be unable to write it into the checkout.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder
        _, *runs = (float(subprocess.check_output([sys.executable, "-c", code], env=environment)) for _ in range(6))
    return statistics.median(runs) * 1000


if __name__ == "__main__":
    sys.exit(main())
