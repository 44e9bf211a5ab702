"""The delegations of a call: work that the voice model hands over to a backend, and the functions that it calls.

`tests/contract/live_transcript.json` has the cases by which page and kernel reduce them in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rtc_widget.protocols.live.facts import ENDS, end_reason
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
    result : str
        What the backend has returned so far: its text, or the commentary that was sent for it; or why it failed.
    model : str or None
        The backend's model, if the server reports it.
    """

    id: str
    target: str
    status: DelegationStatus = "in_progress"
    offset: float | None = None
    response_ids: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    call: int = 1
    result: str = ""
    model: str | None = None


@dataclass(frozen=True, slots=True)
class DelegatedFunction:
    """A function that a backend has called.

    Attributes
    ----------
    call_id, name, arguments : str
        The call, with its arguments as JSON.
    clock : float
        When it was called, in milliseconds on the session clock.
    delegation : str or None
        The id of its delegation; None if it belongs to none that is known.
    output : str or None
        What the backend was told; None until then.
    status : {"in_progress", "completed", "cancelled", "interrupted"}
        Whether the backend waits for its output. Its failure cancels the call, the end of the session interrupts it.
    """

    call_id: str
    name: str
    arguments: str
    clock: float
    delegation: str | None
    output: str | None = None
    status: Literal["in_progress", "completed", "cancelled", "interrupted"] = "in_progress"


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
    _functions: dict[str, DelegatedFunction] = field(default_factory=dict)
    # Functions that the running response of each delegation has called.
    _called: dict[str, int] = field(default_factory=dict)

    @property
    def all(self) -> list[Delegation]:
        """The delegations, oldest first."""
        return list(self._by_id.values())

    @property
    def functions(self) -> list[DelegatedFunction]:
        """The functions that backends have called, oldest first."""
        return list(self._functions.values())

    @property
    def is_open(self) -> bool:
        """Whether any delegation is in progress."""
        return any(one.status == "in_progress" for one in self._by_id.values())

    def add(self, event: Mapping[str, Any], clock: float = 0.0) -> None:
        """Process one event, sent or received; `clock` is the session clock in milliseconds."""
        match event.get("type"):
            case "session.delegation.created":
                self._created(event)
            case "response.event" if isinstance(nested := event.get("event"), Mapping):
                self._nested(self._named(event.get("delegation_id"), nested), nested, clock)
            case "session.commentary.append":
                self._add_result(event.get("delegation_id"), event.get("content"))
                self._end(event.get("delegation_id"), "completed")
            case "response.item.create" if isinstance(item := event.get("item"), Mapping):
                self._output(item)
            case "session.closed":
                self.end()
            case "error" if is_unnamed_error(event):
                # The service does not say of some backends in any other way that they have failed.
                for one in self.all:
                    if one.target != "client":
                        self._end(one.id, "failed", _message_in(event))

    def end(self) -> None:
        """Process the end of the call: what is in progress is incomplete."""
        for function in self.functions:
            if function.status == "in_progress":
                self._functions[function.call_id] = replace(function, status="interrupted")
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

    def _nested(self, key: str | None, nested: Mapping[str, Any], clock: float) -> None:
        kind, response, item = nested.get("type"), nested.get("response"), nested.get("item")
        if kind == "response.output_item.done" and isinstance(item, Mapping):
            if item.get("type") == "function_call":
                self._call(key, item, clock)
            elif item.get("type") == "message":
                self._add_result(key, _text_in(item))
        elif key is None:
            return
        elif kind == "response.created" and isinstance(response, Mapping):
            self._begin(key, response)
        elif isinstance(kind, str) and kind in ENDS and not (kind == "response.completed" and self._called.get(key)):
            # A response that calls functions is followed by another one of the same delegation.
            self._end(key, ENDS[kind], end_reason(response) if isinstance(response, Mapping) else "")

    def _begin(self, key: str, response: Mapping[str, Any]) -> None:
        before, response_id, model = self._by_id[key], response.get("id"), response.get("model")
        self._called[key] = 0
        if isinstance(model, str):
            before = replace(before, model=model)
        if isinstance(response_id, str) and response_id not in before.response_ids:
            before = replace(before, response_ids=(*before.response_ids, response_id))
        self._by_id[key] = before

    def _call(self, key: str | None, item: Mapping[str, Any], clock: float) -> None:
        call_id, name, arguments = (item.get(field) for field in ("call_id", "name", "arguments"))
        if key is not None:
            self._called[key] = self._called.get(key, 0) + 1
            before = self._by_id[key]
            self._by_id[key] = replace(before, calls=(*before.calls, str(name)))
        if isinstance(call_id, str) and isinstance(name, str) and call_id not in self._functions:
            given = arguments if isinstance(arguments, str) else ""
            self._functions[call_id] = DelegatedFunction(call_id, name, given, clock, key)

    def _output(self, item: Mapping[str, Any]) -> None:
        output = item.get("output")
        function = self._functions.get(str(item.get("call_id")))
        if item.get("type") != "function_call_output" or not isinstance(output, str) or function is None:
            return
        if function.status == "in_progress":
            self._functions[function.call_id] = replace(function, output=output, status="completed")

    def _add_result(self, key: object, text: object) -> None:
        one = self._by_id.get(key) if isinstance(key, str) else None
        if one is not None and isinstance(text, str) and text:
            self._by_id[one.id] = replace(one, result=f"{one.result}\n{text}" if one.result else text)

    def _end(self, key: object, status: DelegationStatus, reason: str = "") -> None:
        one = self._by_id.get(key) if isinstance(key, str) else None
        if one is None or one.status != "in_progress":
            return
        if status != "completed":
            self._add_result(key, reason)
            # The service discards the function calls of a backend that fails.
            for function in self.functions:
                if function.delegation == key and function.status == "in_progress":
                    self._functions[function.call_id] = replace(function, status="cancelled")
        self._by_id[one.id] = replace(self._by_id[one.id], status=status)


def _text_in(item: Mapping[str, Any]) -> str:
    content = item.get("content")
    parts = content if isinstance(content, (list, tuple)) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _message_in(event: Mapping[str, Any]) -> str:
    error = event.get("error")
    message = error.get("message") if isinstance(error, Mapping) else None
    return message if isinstance(message, str) else ""
