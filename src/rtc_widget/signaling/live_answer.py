"""The answer of ``POST /v1/live/sessions``: JSON with the id of the session and the SDP answer."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from rtc_widget.errors import InvalidAnswer, RtcWidgetError
from rtc_widget.signaling.base import Answer
from rtc_widget.signaling.http import MAX_ANSWER_BYTES

if TYPE_CHECKING:
    import httpx

_SESSION_ID = re.compile(r'"session"\s*:\s*\{[^{}]*?"id"\s*:\s*"([^"\\]+)"')
_MAX_QUOTE_LENGTH = 300


async def live_answer(
    response: httpx.Response,
    server: str,
    *,
    hang_up: Callable[[str], Awaitable[None]],
    redact: Callable[[str], str] = lambda text: text,
) -> Answer:
    """Return the answer in a 2xx response; a session that cannot be used is hung up, since it is billed while it lasts.

    Parameters
    ----------
    response : httpx.Response
        The response.
    server : str
        The name of the server in error messages.
    hang_up : callable
        Ends the session with an id.
    redact : callable, optional
        Removes secrets from a text that is quoted in the error.

    Raises
    ------
    InvalidAnswer
        If the response has no SDP answer, or no id of the session.
    """
    session_id, sdp = _found_in(response)
    if sdp is not None and session_id is not None:
        return Answer(sdp, session_id)
    if session_id is not None:
        # Report the first error, not one of hanging up.
        with contextlib.suppress(RtcWidgetError):
            await hang_up(session_id)
    if sdp is not None:
        raise InvalidAnswer(f"{server} did not return the id of the session, so the call could not be ended.")
    if len(response.content) > MAX_ANSWER_BYTES:
        raise InvalidAnswer(f"{server} did not return an SDP answer: its response exceeds {MAX_ANSWER_BYTES} bytes.")
    quoted = " ".join(redact(response.text).split())[:_MAX_QUOTE_LENGTH]
    raise InvalidAnswer(f"{server} did not return an SDP answer: {quoted or 'nothing'}")


def _found_in(response: httpx.Response) -> tuple[str | None, str | None]:
    """Return the id of the session and the SDP answer of a response; None for what is missing or unusable."""
    try:
        body = response.json() if len(response.content) <= MAX_ANSWER_BYTES else None
    except (ValueError, RecursionError):
        body = None
    if body is None:  # too long, or cut off
        id_in_text = _SESSION_ID.search(response.text)
        return (id_in_text[1] if id_in_text else None), None
    session_id, sdp = (_text_in(body, *path) for path in (("session", "id"), ("transport", "sdp")))
    return session_id, sdp if sdp is not None and sdp.startswith("v=0") else None


def _text_in(body: object, *path: str) -> str | None:
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body if isinstance(body, str) and body else None
