"""Takes a picture of every state of the widget, in both themes, and writes docs/interface.md, which shows them.

The states are those of `js/demo/states.ts`: the interface itself on a scripted store, with a clock that stands still.
"""

from __future__ import annotations

import argparse
import io
import mimetypes
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hatch_build import run_node_tool
from PIL import Image
from playwright.sync_api import Browser, Page, Route, sync_playwright
from tests.e2e.browser import chromium

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "js/demo"
PAGE = ROOT / "docs/interface.md"
PICTURES = ROOT / "docs/images/interface"
THEMES = ("light", "dark")
ADDRESS = "http://rtc-widget.test"
CLOCK = """
Object.defineProperty(performance, "timeOrigin", { value: Date.UTC(2026, 0, 1, 12) });
performance.now = () => 0;
Date.now = () => performance.timeOrigin;
"""
WIDTH = 420
COLORS = 64
"""Of each picture: it has a third of its size so. No color differs by more than 12 of 255 in what was measured."""
HEAD = """\
# The interface

Every state of the widget, in JupyterLab's light and dark colors. `scripts/pictures` takes the pictures from the widget
itself and writes this page. `npm run dev` shows the same states in a browser
([CONTRIBUTING](../CONTRIBUTING.md#watch-mode)).
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say whether the page and its pictures are complete")
    parser.add_argument("--folder", type=Path, help="where the pictures go; without it into the documentation")
    options = parser.parse_args()
    if run_node_tool("node", "build.mjs", "--demo"):
        return 1
    folder = options.folder or PICTURES
    with sync_playwright() as playwright, chromium(playwright) as browser:
        with sheet(browser, THEMES[0]) as page:
            names = states(page)
        if options.check:
            missing = lacking(names)
            print("\n".join(missing) or "docs/interface.md is complete.")
            return int(bool(missing))
        folder.mkdir(parents=True, exist_ok=True)
        if options.folder is None:
            for old in folder.glob("*.png"):
                old.unlink()
        for theme in THEMES:
            with sheet(browser, theme) as page:
                take(page, names, theme, folder)
    if options.folder is None:
        PAGE.write_text(text(names), encoding="utf-8")
    print(f"{len(names) * len(THEMES)} pictures of {len(names)} states are in {folder}.")
    return 0


@contextmanager
def sheet(browser: Browser, theme: str) -> Iterator[Page]:
    """A page that shows the sheet of all states, at a time of day that is always the same."""
    page = browser.new_page(
        viewport={"width": WIDTH + 32, "height": 1600},
        device_scale_factor=1.5,
        reduced_motion="reduce",
        locale="en-US",
        timezone_id="UTC",
    )
    page.add_init_script(CLOCK)
    page.route(f"{ADDRESS}/**", serve)
    page.goto(f"{ADDRESS}/index.html?theme={theme}&column={WIDTH}")
    page.wait_for_function("() => globalThis.sheetIsShown")
    page.evaluate("() => document.fonts.ready")
    yield page
    page.close()


def serve(route: Route) -> None:
    """Give the browser a file of the sheet."""
    path = DEMO / route.request.url.removeprefix(ADDRESS).partition("?")[0].lstrip("/")
    if path.is_file():
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        route.fulfill(body=path.read_bytes(), content_type=kind)
    else:
        route.fulfill(status=404)


def states(page: Page) -> list[str]:
    names: list[str] = page.evaluate("() => [...document.querySelectorAll('figure')].map((one) => one.dataset.state)")
    return names


def take(page: Page, names: list[str], theme: str, folder: Path) -> None:
    for name in names:
        view = page.locator(f'figure[data-state="{name}"] > div')
        view.scroll_into_view_if_needed()
        page.wait_for_timeout(100)  # some is drawn only where it is seen
        shot = view.screenshot(animations="disabled")
        picture = with_few_colors(Image.open(io.BytesIO(shot)))
        picture.save(folder / file_name(name, theme), optimize=True)


def with_few_colors(picture: Image.Image) -> Image.Image:
    """Return the picture with fewer colors; those of small parts, such as a green dot, are kept."""
    method = Image.Quantize.MAXCOVERAGE
    return picture.convert("RGB").quantize(COLORS, method=method, dither=Image.Dither.NONE)


def file_name(state: str, theme: str) -> str:
    return f"{re.sub(r'[^a-z0-9]+', '_', state.lower()).strip('_')}-{theme}.png"


def text(names: list[str]) -> str:
    """Return docs/interface.md: for each state its two pictures."""
    parts = [HEAD]
    for name in names:
        pictures = " ".join(
            f'<img src="images/interface/{file_name(name, theme)}" width="{WIDTH}" alt="{name}, {theme}">'
            for theme in THEMES
        )
        parts.append(f"## {name}\n\n{pictures}\n")
    return "\n".join(parts)


def lacking(names: list[str]) -> list[str]:
    """Say what docs/interface.md lacks, or has too much."""
    found = {path.name for path in PICTURES.glob("*.png")}
    wanted = {file_name(name, theme) for name in names for theme in THEMES}
    faults = [f"{name} is missing; run scripts/pictures." for name in sorted(wanted - found)]
    faults += [f"{name} shows no state any more; run scripts/pictures." for name in sorted(found - wanted)]
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text(names):
        faults.append("docs/interface.md is not current; run scripts/pictures.")
    return faults


if __name__ == "__main__":
    sys.exit(main())
