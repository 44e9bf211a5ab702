"""An aiortc connection that may be closed at any moment and keeps consent, and loopback as a last resort."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from aioice import ice, stun
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSctpTransport, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from rtc_widget._aiortc.aioice_sockets import pass_through
from rtc_widget._aiortc.decoders import stop_decoders
from rtc_widget._aiortc.nat import Nat
from rtc_widget._aiortc.network import Network
from rtc_widget._aiortc.sctp import carry_small_messages

log = logging.getLogger(__name__)

CONSENT_INTERVAL = 5.0
"""Seconds between two consent checks, on average (RFC 7675, section 5.1)."""

CONSENT_SECONDS = 30.0
"""Consent expires so long after the last response (RFC 7675, section 5.1)."""


class Connection(RTCPeerConnection):
    """An ``RTCPeerConnection`` whose `close` also cancels a connection attempt in progress.

    aiortc connects in a private task that it never awaits. If the connection is closed meanwhile, that task fails on
    the closed transports (asyncio prints "Task exception was never retrieved") or starts senders that never end.

    aioice (0.13) gives up a consent check after half a second, so that a path with a longer round trip loses its
    consent. Here a response counts whenever it arrives.

    Candidates with a name of multicast DNS (``….local``) are added when the name is resolved. A name that cannot be
    resolved, as in containers and from other machines, is left out; then the peer's checks may still lead to it
    (peer-reflexive candidates, RFC 8445, section 7.3.1.3), so the end of its candidates is not taken for the end.

    Parameters
    ----------
    configuration : RTCConfiguration
        As aiortc takes it.
    nat : Nat, optional
        The NAT in front of its sockets.

    Attributes
    ----------
    network : Network
        The network that its packets pass, in both directions; perfect until it is changed.
    consent_expired : bool
        Whether the connection has closed because the peer did not respond to consent checks (RFC 7675).
    """

    def __init__(self, configuration: RTCConfiguration, *, nat: Nat | None = None) -> None:
        super().__init__(configuration)
        self.network = Network()
        self._nat = nat
        self._connecting: set[asyncio.Task[None]] = set()
        self._carrier: RTCSctpTransport | None = None
        self.consent_expired = False

    def use_nat(self, nat: Nat) -> None:
        """Put a NAT in front of the sockets; call it before `setLocalDescription`, which makes them.

        Raises
        ------
        RuntimeError
            If candidates were gathered already.
        """
        if self.iceGatheringState != "new":
            raise RuntimeError("the candidates are gathered already")
        self._nat = nat

    async def close(self) -> None:
        """Close the connection and wait until all of its tasks have ended."""
        # Before the transports close: the task could start senders on them that nothing stops.
        connecting = tuple(self._connecting)
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)
        await stop_decoders(self)
        await super().close()

    async def setLocalDescription(self, description: RTCSessionDescription | None = None) -> None:
        """Apply the own description and gather candidates; from then on packets pass the network."""
        transports = [transceiver.sender.transport for transceiver in self.getTransceivers()]
        if self.sctp is not None:
            transports.append(self.sctp.transport)
        for transport in transports:
            pass_through(transport.transport._connection, self.network, self._nat)
        await super().setLocalDescription(description)

    async def setRemoteDescription(self, description: RTCSessionDescription) -> None:
        """Apply the peer's description; candidates with ``.local`` names follow when they are resolved."""
        sdp, named = _without_local_names(description.sdp)
        await super().setRemoteDescription(RTCSessionDescription(sdp, description.type))
        if named:
            adding = asyncio.create_task(self._add_named(named))
            self._connecting.add(adding)
            adding.add_done_callback(self._connecting.discard)

    async def _add_named(self, candidates: list[tuple[int, str]]) -> None:
        async def add(section: int, line: str) -> None:
            try:
                candidate = candidate_from_sdp(line)
                candidate.sdpMLineIndex = section
                await self.addIceCandidate(candidate)
            except Exception as error:  # noqa: BLE001 - one that cannot be added must not hinder the others
                log.debug("candidate %s was not added: %r", line, error)

        await asyncio.gather(*(add(section, line) for section, line in candidates))

    # The mangled name of aiortc's private method `__connect`.
    async def _RTCPeerConnection__connect(self) -> None:
        for transceiver in self.getTransceivers():
            transport = transceiver.sender.transport.transport._connection
            transport.query_consent = partial(self._query_consent, transport)  # type: ignore[method-assign]
        # aiortc connects again after each description.
        if self.sctp is not None and self._carrier is not self.sctp:
            self._carrier = self.sctp
            carry_small_messages(self.sctp)
        connecting = asyncio.ensure_future(super()._RTCPeerConnection__connect())  # type: ignore[misc]
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)
        await connecting

    async def _query_consent(self, transport: ice.Connection) -> None:
        """Check consent until it expires, instead of `aioice.ice.Connection.query_consent`."""
        loop = asyncio.get_running_loop()
        given = loop.time()
        checks: set[asyncio.Task[None]] = set()

        async def check(pair: Any) -> None:
            nonlocal given
            try:
                await _consent(transport, pair)
            except stun.TransactionError:
                return
            given = loop.time()

        try:
            while loop.time() - given < CONSENT_SECONDS:
                # Random, so that many connections do not check at the same moment.
                await asyncio.sleep(CONSENT_INTERVAL * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
                for pair in transport._nominated.values():
                    checks.add(asyncio.create_task(check(pair)))
        finally:
            for task in checks:
                task.cancel()
        self.consent_expired = True
        transport._query_consent_task = None  # `close` would cancel this task, which calls it
        await transport.close()


def _without_local_names(sdp: str) -> tuple[str, list[tuple[int, str]]]:
    r"""Return `sdp` without its candidates of ``.local`` names, and these, each with the index of its media section.

    Examples
    --------
    >>> named = "a=candidate:0 1 UDP 2122252543 a1b2.local 5000 typ host"
    >>> _without_local_names(f"v=0\r\nm=audio 9\r\n{named}\r\na=end-of-candidates\r\n")
    ('v=0\r\nm=audio 9\r\n', [(0, '0 1 UDP 2122252543 a1b2.local 5000 typ host')])
    """
    lines = sdp.splitlines()
    named: list[tuple[int, str]] = []
    kept: list[str] = []
    section = -1
    for line in lines:
        section += line.startswith("m=")
        words = line.split()
        if line.startswith("a=candidate:") and len(words) > 4 and words[4].lower().endswith(".local"):
            named.append((section, line.removeprefix("a=candidate:")))
        else:
            kept.append(line)
    if not named:
        return sdp, []
    return "".join(f"{line}\r\n" for line in kept if line != "a=end-of-candidates"), named


async def _consent(transport: ice.Connection, pair: Any) -> None:
    """Send one consent check, which is not sent again, and wait for its response."""
    request = transport.build_request(pair, nominate=False)
    key = (transport.remote_password or "").encode()
    request.add_message_integrity(key)
    transaction = stun.Transaction(request, pair.remote_addr, pair.protocol, retransmissions=0, integrity_key=key)
    transaction._Transaction__timeout_delay = CONSENT_SECONDS  # type: ignore[attr-defined]
    pair.protocol.transactions[request.transaction_id] = transaction
    try:
        await transaction.run()
    finally:
        del pair.protocol.transactions[request.transaction_id]


LOOPBACK = "127.0.0.1"


def offer_loopback_when_alone() -> None:
    """Make aioice offer 127.0.0.1 when the machine has no other address.

    aioice excludes the loopback address, as RFC 8445 section 5.1.1.1 requires. A machine without a network then has no
    address at all, although the browser runs on the same machine. Chromium offers 127.0.0.1 in that case.
    aioice (0.13) has no setting for this, so its function that lists the addresses is replaced. A machine with another
    address is not affected.
    """
    find = ice.get_host_addresses
    if not isinstance(find, _WithLoopback):
        ice.get_host_addresses = _WithLoopback(find)


class _WithLoopback:
    """`aioice.ice.get_host_addresses`, with 127.0.0.1 if it finds no address."""

    def __init__(self, find: Callable[..., list[str]]) -> None:
        self._find = find

    def __call__(self, use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return self._find(use_ipv4, use_ipv6) or [LOOPBACK]
