"""Memory that a process has and does not need: what it freed, and pages of files that it has mapped."""

from __future__ import annotations

import ctypes
import mmap
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

_NEXT_MAPPING = re.compile(r"^(?=[0-9a-f]+-[0-9a-f]+ )", re.MULTILINE)
_CHANGED = re.compile(r"^(Anonymous|Swap): +[1-9]", re.MULTILINE)
_IN_MEMORY = re.compile(r"^Rss: +[1-9]", re.MULTILINE)


def return_free_memory() -> None:
    """Return freed memory to the system: glibc keeps what loading and long sentences needed, some 30 MB."""
    if _malloc_trim is not None:
        _malloc_trim(0)


def _find_malloc_trim() -> Callable[[int], int] | None:
    try:
        return cast("Callable[[int], int]", ctypes.CDLL(None).malloc_trim)
    except (AttributeError, OSError, TypeError):
        return None  # not glibc


_malloc_trim = _find_malloc_trim()


def release_file_pages(folder: Path | None = None) -> None:
    """Take the pages of mapped files out of this process's memory, where it has the means (only on Linux).

    Call it after an engine has been loaded and used once: loading reads a model's file, and runs code, that are not
    needed again. A page that is needed is mapped again when it is read, from the system's file cache.

    Parameters
    ----------
    folder : Path, optional
        Only files in this folder. Without it no other thread may load or unload anything meanwhile: what has taken the
        place of a mapping that is gone would be lost.
    """
    if sys.platform != "linux":
        return
    try:
        mappings = Path("/proc/self/smaps").read_text(errors="replace")
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):
        return  # a container may hide the file
    for start, end, path in unchanged_files(mappings):
        if folder is None or folder in path.parents:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def unchanged_files(mappings: str) -> Iterator[tuple[int, int, Path]]:
    """Yield where files are in memory that cannot differ from what is on the disk: first and last address, and path.

    Of others, `madvise` would lose what was written (madvise(2), ``MADV_DONTNEED``); among them are the tables of a
    library that the loader relocates and then protects.

    Parameters
    ----------
    mappings : str
        The contents of ``/proc/self/smaps`` (proc_pid_smaps(5)).
    """
    for mapping in _NEXT_MAPPING.split(mappings):
        head, _, about = mapping.partition("\n")
        # addresses, permissions, offset, device, inode, path
        match head.split(maxsplit=5):
            case [addresses, permissions, _, _, _, path] if path.startswith("/") and "w" not in permissions:
                if _IN_MEMORY.search(about) and not _CHANGED.search(about):
                    start, end = addresses.split("-")
                    yield int(start, 16), int(end, 16), Path(path)
