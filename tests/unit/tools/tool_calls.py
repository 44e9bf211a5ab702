"""Tool calls as a server makes them, and a function to call."""

from __future__ import annotations


def get_weather(city: str) -> dict:
    """Tell the weather of a city."""
    return {"city": city, "sky": "sunny"}


async def calls(server, *made, response_id="r1", status="completed"):
    await server.begins(response_id)
    await server.ends(response_id, *made, status=status)
