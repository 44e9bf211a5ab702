"""Every notebook runs from top to bottom without a browser, as in CI: nbval with the headless page.

The solutions of the exercises run as well, each in the place where it stands.
The first one and the lessons run in JupyterLab, too: see tests/e2e/test_talk.py and tests/e2e/test_lessons.py.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from rtc_widget.lessons.exercises import exercises_of, lesson_modules
from rtc_widget.lessons.lesson_07 import NATS, NO_WAY
from tests.limits import HANGS
from tests.notebooks import NOTEBOOKS, ROOT, called_by_live, checks_of, solutions_of, with_solutions

LESSONS = {module.__name__[-2:]: module for module in lesson_modules()}
# Addresses of IPv4; not those of loopback, of documentation, or of the lessons.
IPV4 = re.compile(
    r"(?<![§\w.-])(?<!section )(?<!§ )(?!127\.|0\.0\.0\.0|10\.0\.0\.2\b|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.)"
    r"\d{1,3}(?:\.\d{1,3}){3}\b"
)
PERHAPS_IPV6 = re.compile(r"(?<![\w:.])[0-9a-f]+:[0-9a-f:]+(?![\w:])", re.IGNORECASE)
SECRET = re.compile(r"(?<=ice-ufrag:)[\w+/]+|(?<=ice-pwd:)[\w+/]+|(?:[\dA-Fa-f]{2}:){31}[\dA-Fa-f]{2}|[\w-]+\.local\b")
DOCUMENTATION = ipaddress.ip_network("2001:db8::/32")
CAPTURED = "".join(path.read_text() for path in (ROOT / "src/rtc_widget/lessons/captures").iterdir())
MAX_STORED_BYTES = 250_000
# A plugin for nbval's pytest: writes down what the cells put out.
KEEP_OUTPUTS = """
import json, pathlib

def pytest_sessionfinish(session):
    outputs = [output for cell in session.items for output in cell.test_outputs or ()]
    pathlib.Path("outputs.json").write_text(json.dumps(outputs, default=str))
"""


def outputs_of(notebook: Path, folder: Path) -> list[dict[str, Any]]:
    """Run a notebook with nbval and return the outputs of all its cells."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "JUPYTER", "MPL"))}
    environment |= {
        "RTC_WIDGET_PAGE": "headless",
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    # An empty configuration: what the plugin itself warns of is no fault of the notebook.
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "keep_outputs.py").write_text(KEEP_OUTPUTS)
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(folder / "pytest.ini"), "-p", "no:cacheprovider"]
    command += [
        "-p",
        "keep_outputs",
        "--nbval-lax",
        "--nbval-current-env",
        f"--nbval-cell-timeout={HANGS}",
        f"--rootdir={folder}",
        str(notebook),
    ]
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=2 * HANGS, check=False
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
    outputs: list[dict[str, Any]] = json.loads((folder / "outputs.json").read_text())
    return outputs


def private_parts_of(text: str) -> list[str]:
    """What a text tells of the machine that wrote it: addresses, names, ICE credentials, fingerprints.

    What the captured descriptions of the lessons have is known to everybody.
    """
    found = IPV4.findall(text) + SECRET.findall(text) + [one for one in PERHAPS_IPV6.findall(text) if is_ipv6(one)]
    return [part for part in found if part not in CAPTURED]


def is_ipv6(text: str) -> bool:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return not address.is_loopback and address not in DOCUMENTATION


def text_of(outputs: list[dict[str, Any]]) -> str:
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_a_browser(notebook, tmp_path):
    outputs = outputs_of(with_solutions(notebook, tmp_path), tmp_path)
    assert outputs
    checks, solutions = checks_of(outputs), solutions_of(notebook)
    # An exercise is not solved before its solution, and is solved by it.
    assert [check.partition(":")[0] for check in checks] == ["Not yet", "Right"] * len(solutions), checks
    assert [output for output in outputs if output["output_type"] == "error"] == []
    if not notebook.stem.startswith("03"):  # a tool of that one fails on purpose, and hosts may show it
        assert [output for output in outputs if output.get("name") == "stderr"] == []
    if notebook.stem.startswith("04"):
        pictures = [output for output in outputs if "image/png" in output.get("data", {})]
        assert len(pictures) == 3, "the clip, the recording, the statistics; each once"
        assert "jitter buffer" in text_of(outputs).casefold()
        assert "opus 48000" in text_of(outputs)
    if notebook.stem.startswith("07"):  # the table of 16 pairs of NATs, as measured
        pairs = "".join(f"\n{one} – {other}" for one in NATS for other in NATS if (one, other) in NO_WAY)
        assert f"no way:{pairs}\nrelayed packets: some" in text_of(outputs)


def test_the_talk_notebook_runs_with_gpt_live_too(tmp_path):
    [talk] = [path for path in NOTEBOOKS if path.stem == "01_talk"]
    outputs = outputs_of(called_by_live(with_solutions(talk, tmp_path)), tmp_path)
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    said, shown = text_of(outputs), "".join(str(output.get("data", {}).get("text/plain", "")) for output in outputs)
    assert "Interactive Connectivity Establishment" in said
    assert "'completed'" in shown
    assert "session.started" in shown
    assert "session.output_transcript.delta" in said or "session.thinking.append" in said


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_has_every_exercise_of_its_module_with_a_solution(number):
    [notebook] = [path for path in NOTEBOOKS if path.stem.startswith(number)]
    solutions = "".join(solutions_of(notebook))
    names = [exercise.name for exercise in exercises_of(LESSONS[number])]
    assert [name for name in names if f'check("{name}"' not in solutions] == []
    assert solutions.count('check("') == len(names)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_small_and_have_no_addresses(notebook):
    assert notebook.stat().st_size < MAX_STORED_BYTES
    outputs = [output for cell in nbformat.read(notebook, 4).cells for output in cell.get("outputs", ())]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    for output in outputs:
        data = {kind: text for kind, text in output.get("data", {}).items() if not kind.startswith("image/")}
        assert "application/vnd.jupyter.widget-view+json" not in data, "a widget's view needs its kernel"
        assert private_parts_of(json.dumps([data, output.get("text", "")], ensure_ascii=False)) == []


@pytest.mark.parametrize(
    "text",
    [
        "192.168.7.9",
        "fd12:3456::7",
        "fe80::a1b2:3c4d%eth0",
        "[2a02:908::1]:4000",
        "a=ice-pwd:JbxAIs1CeVUHi0lqAJWe8hO5",
        "a=ice-ufrag:U5nB",
        "a=fingerprint:sha-256 " + ":".join(f"{number:02X}" for number in range(32)),
        "0f1a2b3c-1111-4222-8333-444455556666.local",
        "laptop.local",
    ],
)
def test_what_tells_of_a_machine_is_found_in_outputs(text):
    assert len(private_parts_of(json.dumps([f"<td>{text}</td>", f"{text}\r\n"]))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:5000",
        "2001:db8::7",
        "values[::2]",
        "12:30:45",
        "a::before",
        "RFC 8445 § 5.1.2.1",
        "a=ice-pwd:•••",
        "a=ice-ufrag:<mark>ICE</mark>",
        CAPTURED,
    ],
)
def test_what_tells_of_no_machine_may_be_stored(text):
    assert private_parts_of(json.dumps([text], ensure_ascii=False)) == []
