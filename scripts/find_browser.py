"""Prints the path of a Chromium: RTC_WIDGET_CHROMIUM, an installed one, or Playwright's. Without one, exits with 1."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def find_browser() -> Path | None:
    named = os.environ.get("RTC_WIDGET_CHROMIUM")
    if named:
        return Path(named) if runs(Path(named)) else None
    installed = [Path(path) for name in NAMES if (path := shutil.which(name))]
    found = next((path for path in [*installed, MAC] if runs(path)), None)
    if found is not None:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if runs(own) else None


def runs(browser: Path) -> bool:
    """Whether the browser starts. It may be a stub that asks for another package, or its libraries may be missing."""
    if not browser.exists():
        return False
    try:
        return subprocess.run([browser, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    browser = find_browser()
    if browser is None:
        sys.exit(1)
    print(browser)
