"""Sound as it travels within events: base64 of 24 kHz PCM or of G.711."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtc_widget._aiortc.audio import Samples, Sound, samples_of
from rtc_widget.server.errors import ApiError

Encoding = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

LARGEST_BYTES = 15 * 1024 * 1024
"""Of one event, as in OpenAI's API: five minutes."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How sound is written down: its encoding (RFC 3551 for G.711) and samples per second."""

    encoding: Encoding
    rate: int

    @property
    def sample_bytes(self) -> int:
        """How many bytes a sample takes."""
        return 2 if self.encoding == "audio/pcm" else 1


PCM_24 = AudioFormat("audio/pcm", 24_000)


def decoded_audio(text: str, audio_format: AudioFormat, *, param: str) -> Sound:
    """Return the sound that base64 `text` holds.

    Raises
    ------
    ApiError
        When it is no base64, no whole number of samples, or too much.
    """
    _require_size(text, param)
    data = _bytes(text, param)
    _require_whole_samples(len(data), audio_format, param)
    return Sound(_samples(data, audio_format.encoding), audio_format.rate)


def decoded_pieces(
    text: str, audio_format: AudioFormat, seconds: float, *, rate: int, param: str
) -> Iterator[Samples | None]:
    """Yield the sound that base64 `text` holds, at `rate`, in pieces of about `seconds`, which take a few ms each.

    Before the first piece comes a `None` for each one: by then all of it has been checked.

    Raises
    ------
    ApiError
        As `decoded_audio`; nothing has been yielded then but `None`.
    """
    # Here, because it takes PyAV: who only needs the format does not load it.
    from rtc_widget._aiortc.audio import StreamResampler

    _require_size(text, param)
    step = round(seconds * audio_format.rate * audio_format.sample_bytes) // 12 * 16
    pieces: list[bytes] = []
    for at in range(0, len(text), step):
        piece = _bytes(text[at : at + step], param)
        if at + step < len(text) and len(piece) != step // 4 * 3:
            raise _no_base64(param)  # there is padding in the middle
        pieces.append(piece)
        yield None
    _require_whole_samples(sum(map(len, pieces)), audio_format, param)
    resampler = StreamResampler(audio_format.rate, rate)
    for piece in pieces:
        yield resampler.add(_samples(piece, audio_format.encoding))
    yield resampler.rest()


def _bytes(text: str, param: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _no_base64(param) from None


def _no_base64(param: str) -> ApiError:
    return ApiError(f"Invalid '{param}'. Expected base64-encoded audio bytes.", "invalid_value", param=param)


def _require_size(text: str, param: str) -> None:
    size = len(text) // 4 * 3
    if size > LARGEST_BYTES:
        message = f"'{param}' holds {size} bytes; at most {LARGEST_BYTES} are taken at a time."
        raise ApiError(message, "audio_too_large", param=param)


def _require_whole_samples(length: int, audio_format: AudioFormat, param: str) -> None:
    if length % audio_format.sample_bytes:
        message = f"Invalid '{param}'. A number of bytes that is odd is no 16-bit audio."
        raise ApiError(message, "invalid_value", param=param)


def encoded_audio(sound: Sound, audio_format: AudioFormat) -> bytes:
    """Return `sound` in `audio_format`."""
    samples = np.clip(sound.at(audio_format.rate).samples, -1, 1)
    if audio_format.encoding == "audio/pcm":
        return (samples * 32767).astype("<i2").tobytes()
    table = _table(audio_format.encoding)
    # The nearest of the 256 levels that there are.
    order = np.argsort(table, kind="stable")
    levels = table[order]
    at = np.searchsorted((levels[:-1] + levels[1:]) / 2, samples)
    return order[at].astype(np.uint8).tobytes()


def _samples(data: bytes, encoding: Encoding) -> Samples:
    if encoding == "audio/pcm":
        return samples_of(np.frombuffer(data, "<i2").astype(np.float32) / 32768)
    return samples_of(_table(encoding)[np.frombuffer(data, np.uint8)])


def _table(encoding: Encoding) -> npt.NDArray[np.float32]:
    """Return what each of the 256 codes of G.711 (ITU-T G.711, tables 1 and 2) sounds like."""
    codes = np.arange(256)
    if encoding == "audio/pcmu":
        codes = ~codes & 0xFF
        exponent, mantissa = codes >> 4 & 7, codes & 15
        size = ((mantissa << 3 | 0x84) << exponent) - 0x84
        level = np.where(codes & 0x80, -size, size)
    else:
        codes = codes ^ 0x55
        exponent, mantissa = codes >> 4 & 7, codes & 15
        size = np.where(exponent, (mantissa << 4 | 0x108) << np.maximum(exponent - 1, 0), mantissa << 4 | 8)
        level = np.where(codes & 0x80, size, -size)
    return (level / 32768).astype(np.float32)
