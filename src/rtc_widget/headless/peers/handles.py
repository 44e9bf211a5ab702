"""The names of objects in messages: ``"channel:1"`` and so on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rtc_widget.headless.peers.errors import not_of_this_peer


class Handles:
    """Gives each object of a peer a name for life; numbers count from 1 for each kind."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        # The objects are kept, so that no other one gets the same `id`.
        self._objects: dict[str, Any] = {}
        self._handles: dict[int, str] = {}

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(tuple(self._objects.items()))

    def one(self, handle: str) -> Iterator[tuple[str, Any]]:
        """Iterate over the object of a handle, if there is one."""
        if handle in self._objects:
            yield handle, self._objects[handle]

    def find(self, thing: object) -> str | None:
        """Return the handle of an object that has one."""
        return self._handles.get(id(thing))

    def add(self, kind: str, thing: object) -> str:
        """Give an object its handle."""
        self._counts[kind] += 1
        handle = kind if kind == "pc" else f"{kind}:{self._counts[kind]}"
        self._objects[handle] = thing
        self._handles[id(thing)] = handle
        return handle

    def get(self, kind: str, handle: object) -> Any:
        """Return the object of a handle.

        Raises
        ------
        PeerFailure
            ``TypeError`` if the peer has no such object.
        """
        if not isinstance(handle, str) or kind_of(handle) != kind or handle not in self._objects:
            raise not_of_this_peer(kind, handle)
        return self._objects[handle]


def kind_of(handle: str) -> str:
    """Return the kind in a handle.

    Examples
    --------
    >>> kind_of("channel:1")
    'channel'
    """
    return handle.partition(":")[0]
