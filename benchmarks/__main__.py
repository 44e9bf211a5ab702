"""Runs benchmarks, prints their tables, and writes them as JSON and as pictures."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from benchmarks._comparison import Result, Results
from benchmarks._report import document, machine, table

BENCHMARKS = ("connect", "relay", "log", "page", "voice", "start", "headless", "recording", "packet_loss")
"""Modules of this package. Each has a function `run(quick)` that yields its results as soon as they are measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes: all within 5 minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to this file")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="write a picture of each into this folder")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"unknown benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    about = machine()
    print(f"{about['processors']} processors, load {about['load']}, Python {about['python']}", flush=True)
    results: dict[str, list[Result]] = {}
    for name in options.names or BENCHMARKS:
        results[name] = _measured(name, quick=options.quick)
        # After each benchmark: one that fails does not lose the others.
        if options.json:
            options.json.write_text(json.dumps(document(results, quick=options.quick), indent=1), encoding="utf-8")
        if options.pictures:
            from benchmarks._picture import write_picture

            write_picture(name, results[name], options.pictures)
    return 0


def _measured(name: str, *, quick: bool) -> list[Result]:
    module = importlib.import_module(f"benchmarks.{name}")
    run = cast("Callable[[bool], Results]", module.run)
    print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
    results = []
    for result in run(quick):
        results.append(result)
        print(f"\n{table(result)}", flush=True)
    return results


if __name__ == "__main__":
    sys.exit(main())
