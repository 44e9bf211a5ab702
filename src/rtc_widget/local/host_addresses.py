"""On which addresses the server can be reached."""

from __future__ import annotations

from collections.abc import Callable

from aioice import ice

LOOPBACK = "127.0.0.1"


def offer_loopback_when_alone() -> None:
    """Make aioice offer 127.0.0.1 when the machine has no other address.

    aioice leaves the loopback address out, as RFC 8445 section 5.1.1.1 asks. On a machine without a network nothing
    is left then, though the browser runs on the same machine and Chromium itself offers 127.0.0.1 in that case.
    aioice (0.13) has no setting for this; the function through which it looks for addresses is the one place where
    it can be said. Where there is another address nothing changes.
    """
    find = ice.get_host_addresses
    if not isinstance(find, _WithLoopback):
        ice.get_host_addresses = _WithLoopback(find)


class _WithLoopback:
    """`aioice.ice.get_host_addresses` with a last resort."""

    def __init__(self, find: Callable[..., list[str]]) -> None:
        self._find = find

    def __call__(self, use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return self._find(use_ipv4, use_ipv6) or [LOOPBACK]
