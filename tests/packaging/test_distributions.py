"""What people install: the sdist and the wheel, without the checkout around them."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.packaging

USE = """
import json, sys
import rtc_widget
light = not {"httpx", "aiortc", "pandas", "openai"} & set(sys.modules)
chat = rtc_widget.VoiceChat()
print(json.dumps({
    "light": light,
    "status": chat.status,
    "progress": chat.progress,
    "esm": len(chat._esm),
    "css": len(chat._css),
    "installed": rtc_widget.__file__,
}))
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    parts = [str(part) for part in command]
    done = subprocess.run(parts, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", folder, ROOT, cwd=ROOT)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made from the unpacked sdist on a machine without Node."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    source = next(path for path in folder.iterdir() if path.is_dir())
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source, cwd=folder, PATH="")
    return next(folder.glob("*.whl"))


def test_the_sdist_brings_the_finished_bundle_and_its_source(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    bundle = {f"src/rtc_widget/static/{name}" for name in ("widget.js", "widget.css", "peer.js", "peer.css")}
    assert bundle | {"js/src/index.ts", "js/package-lock.json", "LICENSE"} <= names
    assert not any("node_modules" in name for name in names)


WORKSHOP = (
    "js/node_modules/preact/index.js",
    "js/coverage/index.html",
    "js/test/__screenshots__/one.png",
    "tests/conformance/agents_realtime/node_modules/ws/index.js",
    "tests/__pycache__/limits.cpython-311.pyc",
    "tests/.pytest_cache/README.md",
    "notebooks/.ipynb_checkpoints/01_talk-checkpoint.ipynb",
    ".venv/bin/python",
    ".cache/ipykernel-7.3.0/ipykernel/__init__.py",
    "dist/rtc_widget.whl",
)


@pytest.mark.parametrize("ignored", [".cache", "build"])
def test_the_sdist_is_the_same_below_a_folder_that_git_ignores(sdist, tmp_path, ignored):
    """A checkout in the cache of another project: hatchling then reads no .gitignore."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(f"{ignored}/\n")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / ignored, filter="data")
        names = set(archive.getnames())
    [source] = (tmp_path / ignored).iterdir()
    for name in WORKSHOP:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("of the workshop")
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, source, cwd=tmp_path)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        assert set(archive.getnames()) == names


LARGEST_BUNDLE = 75 * 1024
"""How many bytes module and styles of a widget may have, gzipped: each page loads them before it shows anything."""


def test_the_wheel_holds_the_bundle_and_nothing_of_the_workshop(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        bundles = [
            [archive.read(f"rtc_widget/static/{name}.{kind}") for kind in ("js", "css")] for name in ("widget", "peer")
        ]
    for module, styles in bundles:
        assert len(module) > 10_000
        assert b"RTCPeerConnection" in module
        assert len(styles) > 1_000
        assert len(gzip.compress(module)) + len(gzip.compress(styles)) <= LARGEST_BUNDLE
    assert "rtc_widget/py.typed" in names
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == {"rtc_widget"}


DATA = ("errors/texts.json", "_glossary/glossary.toml", "sdp/explanations.json", "peers/drawing.json")


def test_both_distributions_bring_the_data_files(sdist, wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert {f"rtc_widget/{file}" for file in DATA} <= set(archive.namelist())
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"src/rtc_widget/{file}" for file in DATA} <= names
    assert "tests/unit/sdp/captures/chromium-offer-simulcast.sdp" in names


def test_the_wheel_alone_imports_and_makes_a_widget(wheel, tmp_path):
    import json

    environment = tmp_path / "empty"
    venv.create(environment, with_pip=False)
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python)
    run(*install, "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    used = json.loads(run(python, "-c", USE, cwd=tmp_path, PYTHONPATH=""))
    assert used["light"]
    assert used["status"] == "idle"
    assert "rtc-widget[local]" in used["progress"], "without the extra it says what to install"
    assert used["esm"] > 10_000
    assert used["css"] > 100
    assert str(environment) in used["installed"]


def test_an_empty_bundle_fails_the_build_clearly(tmp_path, monkeypatch):
    sys.path.insert(0, str(ROOT))
    try:
        import hatch_build
    finally:
        sys.path.remove(str(ROOT))
    empty = tmp_path / "widget.js"
    empty.write_text(" \n")
    monkeypatch.setattr(hatch_build, "BUNDLE", (empty,))
    monkeypatch.setattr(hatch_build, "ROOT", tmp_path)
    with pytest.raises(hatch_build.BundleError, match=r"missing or empty: widget\.js"):
        hatch_build.require_bundle()


def test_node_comes_from_a_package_where_the_machine_has_none(monkeypatch):
    sys.path.insert(0, str(ROOT))
    try:
        import hatch_build
    finally:
        sys.path.remove(str(ROOT))
    monkeypatch.setattr(hatch_build.shutil, "which", lambda *_, **__: None)
    folder = hatch_build.node_folder()
    version = subprocess.check_output([folder / "node", "--version"], text=True)
    assert tuple(map(int, version.strip().removeprefix("v").split("."))) >= hatch_build.OLDEST_NODE
