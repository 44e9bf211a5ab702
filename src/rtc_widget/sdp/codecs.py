"""The codecs of a media section (RFC 8866, sections 6.6 and 6.15; RFC 4585, section 4.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rtc_widget.sdp.lines import Line, number_of
from rtc_widget.sdp.parameters import NO_PARAMETERS, ParameterMap, codec_parameters

# The fixed payload types of RFC 3551, table 4 and 5: name, clock rate, channels.
STATIC = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    5: ("DVI4", 8000, 1),
    6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1),
    13: ("CN", 8000, 1),
    14: ("MPA", 90000, None),
    15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1),
    17: ("DVI4", 22050, 1),
    18: ("G729", 8000, 1),
    25: ("CelB", 90000, None),
    26: ("JPEG", 90000, None),
    28: ("nv", 90000, None),
    31: ("H261", 90000, None),
    32: ("MPV", 90000, None),
    33: ("MP2T", 90000, None),
    34: ("H263", 90000, None),
}


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec that a media section names, or a repair format such as ``rtx``.

    Attributes
    ----------
    payload_type : int
        The number that stands for the codec in RTP packets; it holds for this description only.
    name : str
        The name as written, such as ``"opus"``; empty if no line gives the name.
    clock_rate : int or None
        RTP time stamps per second.
    channels : int or None
        Audio channels; None for video.
    parameters : mapping
        The parameters of the ``fmtp`` line: what the writer wants to receive.
    feedback : tuple of str
        The RTCP feedback that the writer understands for this codec, such as ``"nack pli"``.
    """

    payload_type: int
    name: str
    clock_rate: int | None = None
    channels: int | None = None
    parameters: ParameterMap = NO_PARAMETERS
    feedback: tuple[str, ...] = ()

    @property
    def repairs(self) -> int | None:
        """The payload type that this format repeats (``apt``, RFC 4588); None for a codec."""
        return number_of(self.parameters.get("apt", ""))

    def __str__(self) -> str:
        channels = "" if self.channels in (None, 1) else f"/{self.channels}"
        return f"{self.name or 'unknown'}/{self.clock_rate}{channels}" if self.clock_rate else self.name or "unknown"


def codecs_of(lines: Iterable[Line], payload_types: Iterable[int], kind: str) -> tuple[Codec, ...]:
    """Return the codecs of a media section, in the order of preference of its ``m=`` line."""
    maps: dict[int, tuple[str, int | None, int | None]] = {}
    parameters: dict[int, list[tuple[str, str]]] = {}
    feedback: dict[str, list[str]] = {}
    for line in lines:
        number, _, rest = line.value.partition(" ")
        payload_type = number_of(number)
        if line.attribute == "rtcp-fb":
            feedback.setdefault(number, []).append(rest)
        elif payload_type is None:
            continue
        elif line.attribute == "rtpmap":
            maps[payload_type] = _rtpmap(rest, kind)
        elif line.attribute == "fmtp":
            parameters.setdefault(payload_type, []).extend(codec_parameters(rest).items())
    everywhere = feedback.get("*", [])
    return tuple(
        Codec(
            number,
            *maps.get(number, STATIC.get(number, ("", None, None))),
            ParameterMap(parameters.get(number, ())),
            tuple(dict.fromkeys([*feedback.get(str(number), ()), *everywhere])),
        )
        for number in dict.fromkeys(payload_types)
    )


def _rtpmap(text: str, kind: str) -> tuple[str, int | None, int | None]:
    name, *numbers = text.strip().split("/")
    rate = number_of(numbers[0]) if numbers else None
    channels = number_of(numbers[1]) if len(numbers) > 1 else 1 if kind == "audio" else None
    return name, rate, channels
