"""The requests that make and end calls of the embedded server, which speaks the Realtime API and GPT-Live."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from rtc_widget.errors import InvalidAnswer, RtcWidgetError
from rtc_widget.protocols.realtime.session_settings import merged
from rtc_widget.signaling.base import Answer
from rtc_widget.signaling.http import answer_sdp
from rtc_widget.signaling.live_answer import live_answer

if TYPE_CHECKING:
    import httpx

MODEL = "rtc-widget-local"

PATHS: Mapping[str, str] = {"realtime": "/v1/realtime/calls", "live": "/v1/live/sessions"}
"""Where calls of each protocol begin."""


def call_request(protocol: str, offer: str, settings: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the headers and the body, as arguments of httpx, of the request that makes a call."""
    if protocol == "live":
        session = _live_session(settings)
        return {"Accept": "application/json"}, {"json": {"session": session, "transport": _transport(offer)}}
    session = merged({"type": "realtime", "model": MODEL}, settings)
    parts = {
        "sdp": (None, offer.encode(), "application/sdp"),
        "session": (None, json.dumps(session, allow_nan=False).encode(), "application/json"),
    }
    return {"Accept": "application/sdp"}, {"files": parts}


async def call_answer(
    protocol: str,
    response: httpx.Response,
    service: str,
    *,
    hang_up: Callable[[str], Awaitable[None]],
    redact: Callable[[str], str] = lambda text: text,
) -> Answer:
    """Return the answer in the response to such a request; a call that cannot be used is hung up.

    Raises
    ------
    InvalidAnswer
        If the response has no SDP answer.
    """
    if protocol == "live":
        return await live_answer(response, service, hang_up=hang_up, redact=redact)
    call_id = response.headers.get("location", "").partition("?")[0].rpartition("/")[2] or None
    try:
        return Answer(answer_sdp(response, service, redact=redact), call_id)
    except InvalidAnswer:
        if call_id is not None:
            # Report the first error, not one of hanging up.
            with contextlib.suppress(RtcWidgetError):
                await hang_up(call_id)
        raise


def _transport(offer: str) -> dict[str, str]:
    return {"type": "webrtc", "sdp": offer}


def _live_session(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the session object for the server: with its model, also for a backend."""
    session = merged({"model": MODEL}, settings)
    delegation = session.get("delegation")
    if isinstance(delegation, dict) and isinstance(delegation.get("responses"), dict):
        session["delegation"] = merged({"type": "responses", "responses": {"model": MODEL}}, delegation)
    return session
