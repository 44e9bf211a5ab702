"""Events as models of openai-python. They are imported on first use, because that takes almost a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from rtc_widget.conversation.json_object import fields_of

if TYPE_CHECKING:
    from rtc_widget.conversation.events import Event


@dataclass(frozen=True, slots=True)
class Untyped:
    """An event without a model, or that does not fit its model.

    Attributes
    ----------
    type : str
        The name of the event.
    raw : dict
        The JSON object.
    reason : str
        Why there is no model.
    """

    type: str
    raw: dict[str, Any]
    reason: str


def typed_event(event: Event) -> Any:
    """Return the event as a model of ``openai.types.realtime``, or as `Untyped`."""
    from pydantic import ValidationError

    model = _models(event.direction).get(event.type)
    if model is None:
        return Untyped(event.type, event.raw, f"openai-python has no {event.direction} event {event.type!r}")
    try:
        return model.model_validate(fields_of(event))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return Untyped(event.type, event.raw, f"it does not fit {model.__name__}: {place}: {first['msg']}")


@cache
def _models(direction: str) -> Mapping[str, Any]:
    """Return the models by event name.

    The package's union has no discriminator for pydantic, which would choose its first member for an unknown event.
    """
    from typing import get_args

    try:
        from openai.types import realtime
    except ImportError:
        raise ImportError("Typed events need openai-python: pip install 'rtc-widget[openai]'") from None
    union = realtime.RealtimeServerEvent if direction == "received" else realtime.RealtimeClientEvent
    members = get_args(get_args(union)[0])
    return {get_args(member.model_fields["type"].annotation)[0].strip(): member for member in members}
