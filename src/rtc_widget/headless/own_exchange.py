"""The exchange made by the page itself, with a short-lived secret that the kernel has minted."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from rtc_widget.errors import ExchangeRefused, ServerUnreachable

LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """What came back, and what the server calls the call, where it says so."""

    sdp: str
    call_id: str | None


async def exchange_here(url: str, secret: str, offer: str, limit: float) -> OwnAnswer:
    """Post the offer and return the answer.

    Raises
    ------
    ExchangeRefused, ServerUnreachable
        As the browser's page does.
    """
    import httpx

    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/sdp", "Accept": "application/sdp"}
    try:
        async with httpx.AsyncClient(timeout=limit) as client:
            response = await client.post(url, content=offer.encode(), headers=headers)
    except httpx.HTTPError as error:
        raise ServerUnreachable(f"The page could not reach the server ({type(error).__name__}).") from None
    if not response.is_success:
        words = " ".join(response.text.replace(secret, "[secret]").split())[:LONGEST_QUOTE] or "no words"
        raise ExchangeRefused(
            f"The server answered {response.status_code}: {words}",
            hint="Check the session settings and the server's log, then connect again.",
        )
    path = urlsplit(response.headers.get("Location", "")).path
    return OwnAnswer(response.text, path.rstrip("/").rsplit("/", 1)[-1] or None)
