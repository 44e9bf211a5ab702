"""Memory that a process does not need, and what is never lost with it."""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from rtc_widget.server.speech.memory import release_file_pages, unchanged_files
from rtc_widget.server.speech.packed_mapping import PackedMapping

PAGES = 64 * mmap.PAGESIZE
UNCHANGED = "Rss:  8 kB\nAnonymous:  0 kB\nSwap:  0 kB\n"
SMAPS = f"""\
55d0c0000000-55d0c0002000 r--p 00000000 fe:00 4711                       /models/my model.ort
Size:                  8 kB
{UNCHANGED}VmFlags: rd mr mw me
55d0c0002000-55d0c0003000 r-xp 00001000 fe:00 4711                       /lib/lib.so
{UNCHANGED}55d0c0003000-55d0c0004000 r--p 00002000 fe:00 4711                       /lib/written.so
Rss:                   8 kB
Anonymous:             4 kB
Swap:                  0 kB
55d0c0003000-55d0c0004000 r--p 00002000 fe:00 4711                       /lib/written_and_swapped_out.so
Rss:                   8 kB
Anonymous:             0 kB
Swap:                  8 kB
55d0c0003000-55d0c0004000 r--p 00002000 fe:00 4711                       /lib/not_in_memory.so
Rss:                   0 kB
Anonymous:             0 kB
55d0c0004000-55d0c0005000 rw-p 00003000 fe:00 4711                       /lib/writable.so
{UNCHANGED}55d0c0005000-55d0c0006000 r--p 00000000 00:00 0\x20
{UNCHANGED}7ffd1d5fe000-7ffd1d600000 r-xp 00000000 00:00 0                          [vdso]
{UNCHANGED}"""
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc/self/smaps")


def test_only_files_that_nobody_can_have_changed_are_released() -> None:
    assert list(unchanged_files(SMAPS)) == [
        (0x55D0C0000000, 0x55D0C0002000, Path("/models/my model.ort")),
        (0x55D0C0002000, 0x55D0C0003000, Path("/lib/lib.so")),
    ]
    assert list(unchanged_files("")) == []


@needs_linux
def test_a_released_file_takes_no_memory_until_it_is_read_again(tmp_path: Path) -> None:
    model = tmp_path / "model with spaces.ort"
    contents = bytes(range(256)) * (PAGES // 256)
    model.write_bytes(contents)
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:] == contents
        assert resident(model) == PAGES
        release_file_pages(tmp_path / "elsewhere")
        assert resident(model) == PAGES
        release_file_pages(tmp_path)
        assert resident(model) == 0
        assert mapped[:] == contents


@needs_linux
def test_what_was_written_to_a_private_mapping_stays(tmp_path: Path) -> None:
    file = tmp_path / "private"
    file.write_bytes(bytes(PAGES))
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, flags=mmap.MAP_PRIVATE) as mapped:
        mapped[0] = 7
        release_file_pages(tmp_path)
        assert mapped[0] == 7


@needs_linux
def test_libraries_work_after_their_pages_were_released() -> None:
    code = """
import hashlib, ssl, numpy
from rtc_widget.server.speech.memory import release_file_pages
for _ in range(2):
    release_file_pages()
    print(numpy.linalg.solve(numpy.eye(3) * 2, numpy.ones(3)).tolist(), hashlib.sha256(b"").hexdigest()[:8])
    ssl.create_default_context()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[0.5, 0.5, 0.5] e3b0c442\n" * 2), done.stderr


def resident(file: Path) -> int:
    """Return how many bytes of a mapped file are in this process's memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    next(line for line in lines if line.endswith(str(file)))
    return 1024 * int(next(line for line in lines if line.startswith("Rss:")).split()[1])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_a_packed_mapping_has_what_the_dictionary_has(count: int) -> None:
    names = ["", "maid", "maiden", "Maid", "ˈmaid", "\0", "\ud83d", *map(str, range(count))][:count]
    mapping = {name: [name, {"VBD": float(at), "DEFAULT": None}] for at, name in enumerate(names)}
    packed = PackedMapping(mapping)
    for name in (*names, "mai", "maide", "zzz", "\U0010ffff"):
        assert packed.get(name) == mapping.get(name)


def test_a_packed_value_may_be_changed_without_effect_on_the_next() -> None:
    packed = PackedMapping({"read": {"VBD": 1.0}})
    packed.get("read").clear()
    assert packed.get("read") == {"VBD": 1.0}
