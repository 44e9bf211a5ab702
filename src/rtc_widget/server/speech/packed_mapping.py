"""A mapping for the large dictionaries of engines."""

from __future__ import annotations

import marshal
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any


class PackedMapping:
    """The names and values of `mapping` in a fraction of its memory. They can only be read, in some microseconds.

    Parameters
    ----------
    mapping : Mapping
        Its values are of types that `marshal` knows, such as str, float and dict.

    Examples
    --------
    >>> packed = PackedMapping({"maid": "mˈAd", "read": {"VBD": "ɹˈɛd"}})
    >>> packed.get("read"), packed.get("reed")
    ({'VBD': 'ɹˈɛd'}, None)
    """

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        entries = sorted((_encoded(name), marshal.dumps(value)) for name, value in mapping.items())
        self._names = _Pieces(name for name, _ in entries)
        self._values = _Pieces(value for _, value in entries)

    def get(self, name: str) -> Any:
        """Return a new copy of the value with this name, or None."""
        wanted = _encoded(name)
        at = bisect_left(range(len(self._names)), wanted, key=self._names.__getitem__)
        if at == len(self._names) or self._names[at] != wanted:
            return None
        return marshal.loads(self._values[at])  # noqa: S302 - packed above


def _encoded(name: str) -> bytes:
    return name.encode(errors="surrogatepass")  # text from outside may have lone surrogates


class _Pieces:
    """Pieces of bytes, all in one object: each object of its own takes 33 bytes more."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        all_pieces = list(pieces)
        self._ends = array("I", accumulate(map(len, all_pieces), initial=0))
        self._bytes = b"".join(all_pieces)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, at: int) -> bytes:
        return self._bytes[self._ends[at] : self._ends[at + 1]]
