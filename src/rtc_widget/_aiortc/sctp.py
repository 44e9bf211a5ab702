"""Many small messages on a data channel (SCTP, RFC 9260)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import SCTP_COMMON_HEADER_LENGTH, SCTP_MAX_PACKET_LENGTH, Chunk

MAX_WINDOW = 65_536
"""Bytes that are sent before the peer acknowledges the first of them."""

CHUNK_BYTES = 512
"""What a message counts at least in `MAX_WINDOW`: a socket holds some two hundred packets, however small they are."""

_ROOM = SCTP_MAX_PACKET_LENGTH - SCTP_COMMON_HEADER_LENGTH


def carry_small_messages(transport: RTCSctpTransport) -> None:
    """Make a transport of aiortc quick with small messages.

    aiortc (1.16) sends each message in a packet of its own, which the peer acknowledges with another, and counts only
    bytes in its congestion window. Thousands of small messages overflow the peer's socket; after such a loss it waits
    for seconds, and the messages of both directions with it. Here chunks share packets (RFC 9260, section 6.10), and
    the smallest message counts `CHUNK_BYTES`.
    """
    bundle = _Bundle(transport)
    transmit, flush = transport._transmit, transport._data_channel_flush

    async def transmit_in_window() -> None:
        for chunk in transport._outbound_queue:
            chunk._book_size = max(chunk._book_size, CHUNK_BYTES)
        transport._cwnd = min(transport._cwnd, MAX_WINDOW)
        await bundle.collect(transmit)

    transport._transmit = transmit_in_window  # type: ignore[method-assign]
    transport._data_channel_flush = lambda: bundle.collect(flush)  # type: ignore[method-assign]
    transport._send_chunk = bundle.send  # type: ignore[method-assign]


class _Bundle:
    """Sends chunks, several in a packet while `collect` runs."""

    def __init__(self, transport: RTCSctpTransport) -> None:
        self._send = transport._send_chunk
        self._collecting = 0
        self._chunks: list[bytes] = []
        self._size = 0

    async def collect(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work`; the chunks that it sends leave together."""
        self._collecting += 1
        try:
            await work()
        finally:
            self._collecting -= 1
            if not self._collecting:
                await self._flush()

    async def send(self, chunk: Chunk) -> None:
        """Send a chunk, or keep it for the next packet."""
        data = bytes(chunk)
        # While a packet is sent, other chunks may come.
        while self._chunks and self._size + len(data) > _ROOM:
            await self._flush()
        self._chunks.append(data)
        self._size += len(data)
        if not self._collecting:
            await self._flush()

    async def _flush(self) -> None:
        chunks, self._chunks, self._size = self._chunks, [], 0
        if chunks:
            await self._send(_Chunks(b"".join(chunks)))


class _Chunks(Chunk):
    """The chunks of one packet as bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data

    def __repr__(self) -> str:
        return f"{len(self._data)} bytes of chunks"
