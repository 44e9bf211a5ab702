"""The delegations of a call: work that the voice model hands over to a backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rtc_widget.protocols.live.facts import ENDS
from rtc_widget.protocols.live.numbers import milliseconds
from rtc_widget.protocols.live.pending import is_unnamed_error

DelegationStatus = Literal["in_progress", "completed", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class Delegation:
    """Work that the voice model has handed over to a backend.

    Attributes
    ----------
    id : str
        The id of the delegation.
    target : str
        Who does the work: ``"responses"`` (a model that the service runs) or ``"client"`` (this kernel).
    status : {"in_progress", "completed", "incomplete", "failed"}
        How it ended. A client delegation is completed by the first commentary that is sent for it; more may follow.
    offset : float or None
        When the model handed it over, in seconds on the session clock; None if the server does not report it.
    response_ids : tuple of str
        The backend's responses, oldest first.
    calls : tuple of str
        The names of the functions that the backend called.
    call : int
        The number of the call: 1 for the first.
    """

    id: str
    target: str
    status: DelegationStatus = "in_progress"
    offset: float | None = None
    response_ids: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    call: int = 1


@dataclass(slots=True)
class Delegations:
    """The delegations of one call, reduced from its events.

    Parameters
    ----------
    call : int
        The number of the call.

    Attributes
    ----------
    dropped : list of str
        The ids of the delegations that the end of the call has left unfinished.
    """

    call: int = 1
    dropped: list[str] = field(default_factory=list)
    _by_id: dict[str, Delegation] = field(default_factory=dict)
    # Functions that the running response of each delegation has called.
    _called: dict[str, int] = field(default_factory=dict)

    @property
    def all(self) -> list[Delegation]:
        """The delegations, oldest first."""
        return list(self._by_id.values())

    @property
    def is_open(self) -> bool:
        """Whether any delegation is in progress."""
        return any(one.status == "in_progress" for one in self._by_id.values())

    def add(self, event: Mapping[str, Any]) -> None:
        """Process one event, sent or received."""
        match event.get("type"):
            case "session.delegation.created":
                self._created(event)
            case "response.event" if isinstance(nested := event.get("event"), Mapping):
                self._nested(self._named(event.get("delegation_id"), nested), nested)
            case "session.commentary.append":
                self._end(event.get("delegation_id"), "completed")
            case "session.closed":
                self.end()
            case "error" if is_unnamed_error(event):
                # The service does not say of some backends in any other way that they have failed.
                for one in self.all:
                    if one.target != "client":
                        self._end(one.id, "failed")

    def end(self) -> None:
        """Process the end of the call: what is in progress is incomplete."""
        self.dropped += [one.id for one in self._by_id.values() if one.status == "in_progress"]
        for key in list(self._by_id):
            self._end(key, "incomplete")

    def _created(self, event: Mapping[str, Any]) -> None:
        given = event.get("delegation")
        if not isinstance(given, Mapping) or not isinstance(key := given.get("id"), str) or key in self._by_id:
            return
        offset, response_id = milliseconds(event.get("offset_ms")), given.get("response_id")
        self._by_id[key] = Delegation(
            key,
            str(given.get("target") or "client"),
            offset=None if offset is None else offset / 1000,
            response_ids=(response_id,) if isinstance(response_id, str) else (),
            call=self.call,
        )

    def _named(self, delegation_id: object, nested: Mapping[str, Any]) -> str | None:
        """Return the delegation that a backend's event belongs to; servers may leave out its id."""
        if isinstance(delegation_id, str):
            return delegation_id if delegation_id in self._by_id else None
        response = nested.get("response")
        response_id = response.get("id") if isinstance(response, Mapping) else nested.get("response_id")
        running = [one for one in self._by_id.values() if one.target != "client" and one.status == "in_progress"]
        named = [one for one in running if response_id in one.response_ids]
        return (named or running)[-1].id if running else None

    def _nested(self, key: str | None, nested: Mapping[str, Any]) -> None:
        if key is None:
            return
        before, kind = self._by_id[key], nested.get("type")
        response, item = nested.get("response"), nested.get("item")
        response_id = response.get("id") if isinstance(response, Mapping) else None
        if kind == "response.created" and isinstance(response_id, str):
            self._called[key] = 0
            if response_id not in before.response_ids:
                self._by_id[key] = replace(before, response_ids=(*before.response_ids, response_id))
        elif kind == "response.output_item.done" and isinstance(item, Mapping):
            if item.get("type") == "function_call":
                self._called[key] = self._called.get(key, 0) + 1
                self._by_id[key] = replace(before, calls=(*before.calls, str(item.get("name"))))
        elif isinstance(kind, str) and kind in ENDS and not (kind == "response.completed" and self._called.get(key)):
            # A response that calls functions is followed by another one of the same delegation.
            self._end(key, ENDS[kind])

    def _end(self, key: object, status: DelegationStatus) -> None:
        one = self._by_id.get(key) if isinstance(key, str) else None
        if one is not None and one.status == "in_progress":
            self._by_id[one.id] = replace(one, status=status)
