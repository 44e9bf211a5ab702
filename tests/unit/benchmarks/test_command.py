"""What `scripts/bench` runs and writes."""

from __future__ import annotations

import importlib
import json
import sys
from types import ModuleType

import pytest
from benchmarks import __main__ as command
from benchmarks._comparison import Comparison


@pytest.fixture
def one_benchmark(monkeypatch):
    """A benchmark that takes no time, in the place of all others."""

    def run(quick):
        yield Comparison("two ways", "ms", "one", {"one": (1, 1, 1) if quick else (2, 2, 2), "other": (4, 4, 4)})

    module = ModuleType("benchmarks.example")
    module.__doc__ = "Measures nothing."
    module.run = run
    monkeypatch.setitem(sys.modules, "benchmarks.example", module)
    monkeypatch.setattr(command, "BENCHMARKS", ("example",))


@pytest.mark.parametrize("name", command.BENCHMARKS)
def test_every_benchmark_can_be_run_by_its_name(name):
    module = importlib.import_module(f"benchmarks.{name}")
    assert callable(module.run)
    assert module.__doc__.splitlines()[0].startswith(("Measures", "Compares"))


@pytest.mark.parametrize(("options", "ratio"), [(["--quick"], "4.00"), ([], "2.00")])
def test_the_tables_are_printed(one_benchmark, capsys, options, ratio):
    assert command.main(options) == 0
    printed = capsys.readouterr().out
    assert "example: Measures nothing." in printed
    assert printed.splitlines()[-1].endswith(ratio)


def test_results_are_written_as_json_and_as_pictures(one_benchmark, tmp_path):
    command.main(["example", "--json", str(tmp_path / "all.json"), "--pictures", str(tmp_path)])
    written = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert [found["title"] for found in written["benchmarks"]["example"]] == ["two ways"]
    assert (tmp_path / "example.svg").exists()


def test_an_unknown_name_is_refused_with_the_known_ones(one_benchmark, capsys):
    with pytest.raises(SystemExit):
        command.main(["conect"])
    assert "unknown benchmark conect; there are: example" in capsys.readouterr().err
