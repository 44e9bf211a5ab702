"""The events of a peer, each with the attributes of its objects that have changed."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

Attributes = dict[str, Any]
Snapshot = dict[str, Attributes]
"""The attributes of all objects of a peer, by their handles."""


class PeerRecord:
    """Records the events of a peer.

    Parameters
    ----------
    post : callable
        Sends an event, which has a length in characters.
    snapshot : callable
        Returns the attributes of all objects now, or of the one whose handle it gets.
    """

    def __init__(self, post: Callable[[list[object], int], None], snapshot: Callable[[str | None], Snapshot]) -> None:
        self._post = post
        self._snapshot = snapshot
        self._known: Snapshot = {}
        self._postponed: defaultdict[str, list[tuple[str, str, object, Snapshot]]] = defaultdict(list)

    def add(self, source: str, name: str, payload: object = None, *, changed: str | None = None) -> None:
        """Record an event of the object with the handle `source`.

        `changed` is the only object that can have changed: messages may come by the thousand.
        """
        self._send(source, name, payload, self._changes(changed))

    def postpone(self, until: str, source: str, name: str, payload: object) -> None:
        """Record an event of now that `release` sends."""
        self._postponed[until].append((source, name, payload, self._changes()))

    def release(self, until: str) -> None:
        """Send what was postponed until then."""
        for event in self._postponed.pop(until, ()):
            self._send(*event)

    def _send(self, source: str, name: str, payload: object, changes: Snapshot) -> None:
        event: list[object] = [time.time() * 1000, source, name, payload, changes]
        self._post(event, len(json.dumps(event)))

    def _changes(self, only: str | None = None) -> Snapshot:
        now = self._snapshot(only)
        changes: Snapshot = {}
        for handle, attributes in now.items():
            known = self._known.get(handle, {})
            changed = {name: value for name, value in attributes.items() if name not in known or known[name] != value}
            if changed:
                changes[handle] = changed
        self._known.update(now)
        return changes
