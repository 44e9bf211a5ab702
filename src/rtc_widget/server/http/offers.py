"""An SDP offer in an HTTP request, with optional session settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from rtc_widget.server.errors import ApiError
from rtc_widget.server.strict_json import parse_json

MAX_BODY_BYTES = 1024 * 1024

BODY_SECONDS = 30.0
"""Longest time in which the body of a request arrives."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The body of ``POST /v1/realtime/calls``."""

    sdp: str
    session: dict[str, Any] | None


async def offer_of(request: Request) -> Offer:
    """Read the offer of `request`: multipart with `sdp` and an optional `session`, or ``application/sdp``.

    Raises
    ------
    ApiError
        When the body is too large, has another content type, or has no valid offer.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await limited_body(request)
    if content_type == "application/sdp":
        return Offer(_text(body, "sdp"), None)
    if content_type == "multipart/form-data":
        return await _multipart_offer(request, body)
    message = "Unsupported content type. Send multipart/form-data with the part 'sdp', or application/sdp."
    raise ApiError(message, "unsupported_content_type", status=415)


async def limited_body(request: Request) -> bytes:
    """Return the body of `request`.

    Raises
    ------
    ApiError
        When it is larger than `MAX_BODY_BYTES`, or does not arrive within `BODY_SECONDS`.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise ApiError(f"The body must not exceed {MAX_BODY_BYTES} bytes.", "body_too_large", status=413)
    except TimeoutError:
        message = f"The body must arrive within {BODY_SECONDS:.0f} seconds."
        raise ApiError(message, "request_timeout", status=408) from None
    return bytes(body)


async def _multipart_offer(request: Request, body: bytes) -> Offer:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(request.headers, chunks(), max_part_size=MAX_BODY_BYTES).parse()
    except (MultiPartException, KeyError) as error:
        raise ApiError(f"Invalid multipart body: {str(error).rstrip('.')}.", "invalid_multipart") from None
    parts: dict[str, str] = {}
    for name, value in form.multi_items():
        parts[name] = _text(await value.read(), name) if isinstance(value, UploadFile) else value
    await form.close()
    unknown = parts.keys() - {"sdp", "session"}
    if unknown:
        name = min(unknown)
        raise ApiError(f"Unknown parameter: '{name}'.", "unknown_parameter", param=name)
    if "sdp" not in parts:
        raise ApiError("Missing required parameter: 'sdp'.", "missing_required_parameter", param="sdp")
    return Offer(parts["sdp"], _settings(parts["session"]) if "session" in parts else None)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ApiError(f"'{name}' must be UTF-8 text.", "invalid_value", param=name) from None


def _settings(text: str) -> dict[str, Any]:
    settings = parse_json(text, "'session'", param="session")
    if not isinstance(settings, dict):
        raise ApiError("'session' must be a JSON object.", "invalid_value", param="session")
    return settings
