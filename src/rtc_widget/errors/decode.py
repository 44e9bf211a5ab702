"""Decodes errors that the page sends."""

from __future__ import annotations

from collections.abc import Mapping

from rtc_widget.errors import audio, call, events, microphone, page, saved, sdp, signaling, tools, webrtc
from rtc_widget.errors.base import RtcWidgetError, UnexpectedError


def _all_kinds(kind: type[RtcWidgetError]) -> dict[str, type[RtcWidgetError]]:
    found = {kind.code: kind}
    for child in kind.__subclasses__():
        found |= _all_kinds(child)
    return found


# Python knows the subclasses only of modules that were imported.
_MODULES = (audio, call, events, microphone, page, saved, sdp, signaling, tools, webrtc)
_KINDS = _all_kinds(RtcWidgetError)


def error_from_wire(wire: Mapping[str, object]) -> RtcWidgetError:
    """Return the error of a page's ``{"code", "message", "hint"}``; an unknown code becomes `UnexpectedError`.

    Examples
    --------
    >>> error_from_wire({"code": "invalid_key", "message": "Wrong key.", "hint": ""})
    InvalidKey('Wrong key.')
    """
    kind = _KINDS.get(str(wire.get("code")), UnexpectedError)
    return kind(str(wire.get("message", "An unexpected error occurred.")), hint=str(wire.get("hint", "")))
