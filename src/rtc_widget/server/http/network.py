"""The body of ``POST /v1/realtime/calls/{call_id}/network``: the conditions of a call's network."""

from __future__ import annotations

from rtc_widget._aiortc.network import DIRECTIONS, Network, NetworkConditions, NetworkReport
from rtc_widget.server.errors import ApiError
from rtc_widget.server.strict_json import parse_json


def change_network(network: Network, body: bytes) -> NetworkReport:
    """Change `network` as the request `body` says, and return its report; an empty body changes nothing.

    The body is a JSON object: the fields of `NetworkConditions`, and ``direction``. Conditions that are not in it are
    those of a perfect network.

    Raises
    ------
    ApiError
        When the body is invalid; the network is then unchanged.
    """
    given = parse_json(body, "The body") if body.strip() else None
    if given is None:
        return network.report()
    if not isinstance(given, dict):
        raise ApiError("The body must be a JSON object.", "invalid_value")
    direction = given.pop("direction", "both")
    if direction not in DIRECTIONS:
        message = f"Invalid value: '{direction}'. Supported values are: 'both', 'sent', and 'received'."
        raise ApiError(message, "invalid_value", param="direction")
    unknown = given.keys() - set(NetworkConditions.names())
    if unknown:
        name = min(unknown)
        raise ApiError(f"Unknown parameter: '{name}'.", "unknown_parameter", param=name)
    try:
        conditions = NetworkConditions(**given)
    except (TypeError, ValueError) as error:
        message = str(error)
        raise ApiError(f"{message}.", "invalid_value", param=message.split(maxsplit=1)[0]) from None
    network.change(conditions, direction)
    return network.report()
