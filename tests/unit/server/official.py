"""Validates the server's events with the models of openai-python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args

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


@cache
def _live_members() -> dict[str, type[pydantic.BaseModel]]:
    from openai.types.live import ConnectServerEvent, ServerEvent

    unions = (get_args(get_args(union)[0]) for union in (ConnectServerEvent, ServerEvent))
    return {member.model_fields["type"].annotation.__args__[0]: member for union in unions for member in union}


def live_server_event_types() -> set[str]:
    """Return the types of all events that a Live server may send, also to sidebands."""
    return set(_live_members())


def live_client_event_types() -> set[str]:
    """Return the types of all events that a Live client may send, also over sidebands."""
    from openai.types.live import ClientEvent, ConnectClientEvent

    unions = (get_args(get_args(union)[0]) for union in (ConnectClientEvent, ClientEvent))
    return {member.model_fields["type"].annotation.__args__[0] for union in unions for member in union}


@cache
def _responses_adapter() -> pydantic.TypeAdapter[Any]:
    from openai.types.responses import ResponseStreamEvent

    union = Union[get_args(get_args(ResponseStreamEvent)[0])]  # noqa: UP007 - made of a tuple
    return pydantic.TypeAdapter(Annotated[union, pydantic.Field(discriminator="type")])


class _IdlePause(pydantic.BaseModel):
    """The two events that openai-python has since 3.57."""

    type: Literal["session.paused", "session.resumed"]
    event_id: str
    client_event_id: str | None = None


def validate_live(events: Iterable[Mapping[str, Any]]) -> None:
    """Raise when an event is not what OpenAI's Live client expects, or a nested one not a Responses event."""
    for event in events:
        _live_members().get(event["type"], _IdlePause).model_validate(event)
        if event["type"] == "response.event":
            _responses_adapter().validate_python(event["event"])


def validate(events: Iterable[Mapping[str, Any]]) -> None:
    """Raise when an event is not what OpenAI's client expects."""
    for event in events:
        _adapter().validate_python(event)
