"""Events as models of openai-python. They are imported on first use, because that takes almost a second."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from rtc_widget.conversation.json_object import fields_of
from rtc_widget.protocols.realtime.typed_events import Untyped

if TYPE_CHECKING:
    from rtc_widget.conversation.events import Event


def typed_event(event: Event) -> Any:
    """Return the event as a model of ``openai.types.live``, or as `Untyped`."""
    from pydantic import ValidationError

    model = _models(event.direction).get(event.type)
    if model is None:
        return Untyped(event.type, event.raw, f"openai-python has no {event.direction} live event {event.type!r}")
    raw = fields_of(event)
    has_no_code = _has_no_code(raw)
    try:
        typed = model.model_validate({**raw, "error": {**raw["error"], "code": ""}} if has_no_code else raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return Untyped(event.type, event.raw, f"it does not fit {model.__name__}: {place}: {first['msg']}")
    if has_no_code:
        typed.error.code = None
    return typed


def _has_no_code(raw: Mapping[str, Any]) -> bool:
    """Whether this is an error with the code null, which the service sends and the package refuses."""
    error = raw.get("error")
    return raw.get("type") == "error" and isinstance(error, Mapping) and error.get("code", "") is None


@cache
def _models(direction: str) -> Mapping[str, Any]:
    """Return the models by event name."""
    try:
        from openai.types import live
    except ImportError:
        raise ImportError(
            "Typed events of GPT-Live need openai-python 3.54 or newer: pip install -U 'openai>=3.54'"
        ) from None
    union = live.ServerEvent if direction == "received" else live.ClientEvent
    members = get_args(get_args(union)[0])
    return {get_args(member.model_fields["type"].annotation)[0].strip(): member for member in members}
