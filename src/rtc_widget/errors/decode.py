"""Errors as they cross between page and kernel."""

from __future__ import annotations

from collections.abc import Mapping

from rtc_widget.errors import audio, call, events, microphone, page, saved, signaling, tools
from rtc_widget.errors.base import RtcWidgetError, UnexpectedError


def _all_kinds(kind: type[RtcWidgetError]) -> dict[str, type[RtcWidgetError]]:
    found = {kind.code: kind}
    for child in kind.__subclasses__():
        found |= _all_kinds(child)
    return found


# Imported for their classes: the class of a module that was never imported would be unknown.
_MODULES = (audio, call, events, microphone, page, saved, signaling, tools)
_KINDS = _all_kinds(RtcWidgetError)


def error_from_wire(wire: Mapping[str, object]) -> RtcWidgetError:
    """Return the error that `wire` describes; an unknown code becomes `UnexpectedError`.

    Examples
    --------
    >>> error_from_wire({"code": "invalid_key", "message": "Wrong key.", "hint": ""})
    InvalidKey('Wrong key.')
    """
    kind = _KINDS.get(str(wire.get("code")), UnexpectedError)
    return kind(str(wire.get("message", "Something went wrong.")), hint=str(wire.get("hint", "")))
