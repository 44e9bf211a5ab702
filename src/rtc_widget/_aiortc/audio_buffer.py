"""A receive buffer for audio that keeps every packet that arrives in time, whatever was lost before it."""

from __future__ import annotations

from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

PATIENCE = 3
"""A packet is missing when so many later ones have arrived, as in the fast retransmit of RFC 5681, section 3.2."""

MAX_MISORDER = 100
"""Two packets in a row that are older than this are those of a source that began again (RFC 3550, appendix A.1)."""

_SEQUENCE_NUMBERS = 2**16


class AudioBuffer:
    """Puts audio packets into order, in the place of aiortc's `JitterBuffer`.

    aiortc (1.16) stops at a missing packet until sixteen have arrived, and then drops those that it cannot keep: at
    10 % loss it gives out 63 % of what arrived. This buffer gives out all of it. Without loss each packet leaves at
    once; after a loss the audio is up to two packets (40 ms) later.

    Each packet of audio is a whole frame (RFC 7587, section 4.2). aiortc takes at most one frame for each packet.
    """

    def __init__(self) -> None:
        self._next: int | None = None
        self._waiting: dict[int, JitterFrame] = {}
        # The number behind that of the last packet that was far too old.
        self._restart: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Add a packet; return that no picture is lost, and the next frame in order, or None."""
        number = packet.sequence_number
        is_old = self._next is not None and MAX_MISORDER <= _distance(number, self._next) < _SEQUENCE_NUMBERS // 2
        if self._next is None or (is_old and number == self._restart):
            self._waiting.clear()
            self._next, is_old = number, False
        self._restart = (number + 1) % _SEQUENCE_NUMBERS if is_old else None
        if _distance(self._next, number) < _SEQUENCE_NUMBERS // 2:
            # Else it comes too late, or a second time.
            self._waiting.setdefault(number, JitterFrame(packet._data, packet.timestamp))  # type: ignore[attr-defined]
        return False, self._take(self._next)

    def _take(self, expected: int) -> JitterFrame | None:
        if expected not in self._waiting:
            if len(self._waiting) < PATIENCE:
                return None
            expected = min(self._waiting, key=lambda number: _distance(expected, number))
        self._next = (expected + 1) % _SEQUENCE_NUMBERS
        return self._waiting.pop(expected)


def _distance(earlier: int, later: int) -> int:
    """Return how far one sequence number is ahead of another; they wrap (RFC 3550, section 5.1)."""
    return (later - earlier) % _SEQUENCE_NUMBERS


def use_audio_buffer(receiver: RTCRtpReceiver) -> None:
    """Give the audio `receiver` an `AudioBuffer`. aiortc has no setting for this; the name is private and mangled."""
    receiver._RTCRtpReceiver__jitter_buffer = AudioBuffer()  # type: ignore[attr-defined]
