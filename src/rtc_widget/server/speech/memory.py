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
_UNCHANGED = re.compile(r"^Anonymous: +0 kB$", re.MULTILINE)


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


def release_file_pages() -> None:
    """Take the pages of mapped files out of this process's memory, where it has the means (only on Linux).

    Call it after an engine has been loaded and used once: loading reads a model's file, and runs code, that are not
    needed again. A page that is needed is mapped again when it is read, from the system's file cache.
    """
    if sys.platform != "linux":
        return
    try:
        mappings = Path("/proc/self/smaps").read_text(errors="replace")
    except OSError:
        return  # a container may hide it
    libc = ctypes.CDLL(None)
    for start, end in unchanged_files(mappings):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def unchanged_files(mappings: str) -> Iterator[tuple[int, int]]:
    """Yield the first and the last address of files that are mapped and cannot differ from what is on the disk.

    Of others, `madvise` would lose what was written (madvise(2), ``MADV_DONTNEED``); among them are the tables of a
    library that the loader relocates and then protects.

    Parameters
    ----------
    mappings : str
        The contents of ``/proc/self/smaps`` (proc_pid_smaps(5)).
    """
    for mapping in _NEXT_MAPPING.split(mappings):
        if not mapping:
            continue
        addresses, permissions, _, _, inode, about = mapping.split(maxsplit=5)
        if inode != "0" and "w" not in permissions and _UNCHANGED.search(about):
            start, end = addresses.split("-")
            yield int(start, 16), int(end, 16)
