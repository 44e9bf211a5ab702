"""Arguments of operations, checked as a browser does, and converted for aiortc."""

from __future__ import annotations

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCIceTransportPolicy
from aiortc.rtcicetransport import parse_stun_turn_uri

from rtc_widget.headless.peers.engine import Json
from rtc_widget.headless.peers.errors import PeerFailure

_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


def configuration_of(configuration: Json) -> RTCConfiguration:
    """Return the configuration of a connection.

    Raises
    ------
    PeerFailure
        ``SyntaxError`` for a wrong URL, ``InvalidAccessError`` for a TURN server without credentials.
    ValueError
        For an unknown policy.
    """
    servers = []
    for server in configuration.get("ice_servers") or []:
        given = server.get("urls")
        urls = [given] if isinstance(given, str) else list(given or ())
        if not urls:
            raise PeerFailure("SyntaxError", f"urls of an ICE server must not be empty, got {given!r}.")
        for url in urls:
            _check_url(url, has_credentials=bool(server.get("username") and server.get("credential")))
        servers.append(RTCIceServer(urls, server.get("username"), server.get("credential")))
    return RTCConfiguration(
        # Set even if empty: by default aiortc uses a public STUN server.
        iceServers=servers,
        iceTransportPolicy=RTCIceTransportPolicy(configuration.get("ice_transport_policy") or "all"),
        bundlePolicy=RTCBundlePolicy(configuration.get("bundle_policy") or "balanced"),
    )


def _check_url(url: str, *, has_credentials: bool) -> None:
    try:
        scheme = parse_stun_turn_uri(url)["scheme"]
    except ValueError:
        raise PeerFailure("SyntaxError", f"The URL of an ICE server must be valid, got {url!r}.") from None
    if scheme.startswith("turn") and not has_credentials:
        raise PeerFailure("InvalidAccessError", f"A TURN server must have username and credential: {url!r}.")


def require_direction(direction: str) -> None:
    """Require a direction of a transceiver.

    Raises
    ------
    PeerFailure
        ``TypeError`` if it is another value.
    """
    if direction not in _DIRECTIONS:
        raise PeerFailure("TypeError", f"direction must be one of {', '.join(_DIRECTIONS)}, got {direction!r}.")
