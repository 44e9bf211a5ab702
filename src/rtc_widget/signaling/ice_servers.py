"""STUN and TURN servers (RFC 8489, RFC 8656) for the connections of pages: given, or of the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from rtc_widget.errors import InvalidIceServers

VARIABLE = "RTC_WIDGET_ICE_SERVERS"

IceServers = Iterable[Mapping[str, Any] | str]
"""W3C ``RTCIceServer`` dictionaries, or URLs such as ``"stun:host:3478"``."""

_EXAMPLE = '[{"urls": "turn:host:3478?transport=tcp", "username": "…", "credential": "…"}]'


def ice_servers_to_wire(servers: IceServers) -> list[dict[str, Any]]:
    """Return W3C ``RTCIceServer`` dictionaries; a text is a URL.

    Raises
    ------
    TypeError
        If an entry is neither.
    """
    if isinstance(servers, str | Mapping):
        # Only the type: the value may hold a credential.
        kind = type(servers).__name__
        raise TypeError(f"ice_servers must be a list such as ['stun:host:3478'], got a {kind}; put it into a list.")
    listed: list[dict[str, Any]] = []
    for server in servers:
        if isinstance(server, str):
            listed.append({"urls": server})
        elif isinstance(server, Mapping):
            listed.append(dict(server))
        else:
            raise TypeError(f"An ICE server must be a URL or a mapping with urls, got {type(server).__name__}.")
    return listed


def checked_ice_servers(servers: IceServers | None) -> list[dict[str, Any]] | None:
    """Return the dictionaries of the given servers; None stays None.

    Raises
    ------
    TypeError
        If an entry is neither a URL nor a mapping.
    """
    return None if servers is None else ice_servers_to_wire(servers)


def ice_servers_of_environment() -> list[dict[str, Any]]:
    """Return the servers of the environment variable ``RTC_WIDGET_ICE_SERVERS``, which holds a JSON list.

    Raises
    ------
    InvalidIceServers
        If it holds something else.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return []
    try:
        return ice_servers_to_wire(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        # Without the value, which may hold a credential.
        raise InvalidIceServers(
            f"The environment variable {VARIABLE} must be a JSON list of ICE servers.", hint=f"Example: {_EXAMPLE}"
        ) from None
