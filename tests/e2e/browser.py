"""Real Chromium, headless, with a microphone that speaks a WAV file."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, Playwright
from scripts.find_browser import find_browser


@contextmanager
def chromium(
    playwright: Playwright,
    microphone: Path | None = None,
    *,
    permitted: bool = True,
    arguments: Sequence[str] = (),
    wrap: Callable[[str], Path] | None = None,
) -> Iterator[Browser]:
    """Run headless Chromium whose microphone speaks a WAV file, once, from the moment it is opened.

    `wrap` may give another program to start in the browser's stead.
    """
    program = browser_program() or playwright.chromium.executable_path
    if wrap is not None:
        program = str(wrap(program))
    browser = playwright.chromium.launch(
        executable_path=program,
        headless=True,
        args=browser_arguments(microphone, permitted=permitted, arguments=arguments),
    )
    try:
        yield browser
    finally:
        browser.close()


def browser_arguments(
    microphone: Path | None = None, *, permitted: bool = True, arguments: Sequence[str] = ()
) -> list[str]:
    """Return what Chromium is started with; see `chromium`."""
    arguments = [
        *arguments,
        "--use-fake-device-for-media-stream",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
        "--no-first-run",
    ]
    if permitted:
        arguments.append("--use-fake-ui-for-media-stream")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    if not _has_network():
        # Without any interface but loopback Chromium makes no call at all, not even to its own machine.
        arguments.append("--allow-loopback-in-peer-connection")
    if microphone is not None:
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    return arguments


@cache
def browser_program() -> str | None:
    """Return the Chromium of this machine; None: Playwright's own is to be used."""
    found = find_browser()
    return None if found is None else str(found)


def _has_network() -> bool:
    """Whether there is a way to any other machine; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return False
    return True
