"""The base of this package's read-only sequences. Internal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

T_co = TypeVar("T_co", covariant=True)


class FrozenSequence(Sequence[T_co]):
    """A sequence that its reader cannot change.

    Its owner may add entries at any time, so each operation reads one snapshot.
    """

    @abstractmethod
    def _snapshot(self) -> Sequence[T_co]:
        """Return the present entries; the returned sequence must not change later."""

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        return self._snapshot()[index]

    def __iter__(self) -> Iterator[T_co]:
        return iter(self._snapshot())

    def __reversed__(self) -> Iterator[T_co]:
        return reversed(self._snapshot())

    def __len__(self) -> int:
        return len(self._snapshot())
