"""OpenAI's own models of the server's events, as the judge of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Union, get_args

import pydantic


@cache
def _adapter() -> pydantic.TypeAdapter[Any]:
    from openai.types.realtime import RealtimeServerEvent

    members = get_args(get_args(RealtimeServerEvent)[0])
    # The union's own marker is no discriminator for pydantic: it would try all members in turn.
    union = Union[members]  # noqa: UP007 - made of a tuple
    return pydantic.TypeAdapter(Annotated[union, pydantic.Field(discriminator="type")])


def validate(events: Iterable[Mapping[str, Any]]) -> None:
    """Raise when an event is not what OpenAI's client expects."""
    for event in events:
        _adapter().validate_python(event)
