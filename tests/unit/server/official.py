"""Validates the server's events with the models of openai-python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Union, get_args

import pydantic


@cache
def _members() -> tuple[type[pydantic.BaseModel], ...]:
    from openai.types.realtime import RealtimeServerEvent

    return get_args(get_args(RealtimeServerEvent)[0])


@cache
def _adapter() -> pydantic.TypeAdapter[Any]:
    members = _members()
    # The union's own marker is no discriminator for pydantic: it would try all members in turn.
    union = Union[members]  # noqa: UP007 - made of a tuple
    return pydantic.TypeAdapter(Annotated[union, pydantic.Field(discriminator="type")])


def server_event_types() -> set[str]:
    """Return the types of all events that a Realtime server may send."""
    return {member.model_fields["type"].annotation.__args__[0] for member in _members()}


def client_event_types() -> set[str]:
    """Return the types of all events that a Realtime client may send."""
    from openai.types.realtime import RealtimeClientEvent

    return {member.model_fields["type"].annotation.__args__[0] for member in get_args(get_args(RealtimeClientEvent)[0])}


def validate(events: Iterable[Mapping[str, Any]]) -> None:
    """Raise when an event is not what OpenAI's client expects."""
    for event in events:
        _adapter().validate_python(event)
