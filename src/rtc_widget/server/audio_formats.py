"""Audio within events: base64 of 24 kHz PCM or of G.711."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
from av import AudioCodecContext, AudioFrame, CodecContext, Packet

from rtc_widget._aiortc.audio import MonoAudio, Samples, StreamResampler, samples_of
from rtc_widget.server.errors import ApiError

Encoding = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

MAX_BYTES = 15 * 1024 * 1024
"""Largest audio in one event, in bytes: five minutes of PCM, as in OpenAI's API."""

_G711_CODECS = {"audio/pcmu": "pcm_mulaw", "audio/pcma": "pcm_alaw"}
"""FFmpeg's names of the two laws of ITU-T G.711."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The encoding of audio in events (RFC 3551 for G.711) and its rate in samples per second."""

    encoding: Encoding
    rate: int

    @property
    def sample_bytes(self) -> int:
        """Bytes per sample."""
        return 2 if self.encoding == "audio/pcm" else 1


PCM_24 = AudioFormat("audio/pcm", 24_000)


def decoded_audio(text: str, audio_format: AudioFormat, *, param: str) -> MonoAudio:
    """Return the audio in the base64 `text`.

    Parameters
    ----------
    text : str
        Base64 (RFC 4648) of at most `MAX_BYTES` bytes.
    audio_format : AudioFormat
        Encoding and rate of the audio.
    param : str
        The path of the audio in the event, for the error message.

    Raises
    ------
    ApiError
        When `text` is not base64, is too large, or ends within a sample.
    """
    _require_size(text, param)
    data = _bytes(text, param)
    _require_whole_samples(len(data), audio_format, param)
    return MonoAudio(_decoded(data, audio_format.encoding), audio_format.rate)


def decoded_pieces(
    text: str, audio_format: AudioFormat, seconds: float, *, rate: int, param: str
) -> Iterator[Samples | None]:
    """Yield the audio in the base64 `text`, resampled to `rate`, in pieces of about `seconds`.

    Decoding one piece takes a few milliseconds. The generator first yields `None` once per piece while it checks the
    whole text, and then the pieces.

    Parameters
    ----------
    text, audio_format, param
        As in `decoded_audio`.
    seconds : float
        Duration of a piece.
    rate : int
        Samples per second of the pieces.

    Raises
    ------
    ApiError
        As in `decoded_audio`, before the first piece.
    """
    _require_size(text, param)
    step = round(seconds * audio_format.rate * audio_format.sample_bytes) // 12 * 16
    pieces: list[bytes] = []
    for at in range(0, len(text), step):
        piece = _bytes(text[at : at + step], param)
        if at + step < len(text) and len(piece) != step // 4 * 3:
            raise _invalid_base64(param)  # padding before the end
        pieces.append(piece)
        yield None
    _require_whole_samples(sum(map(len, pieces)), audio_format, param)
    resampler = StreamResampler(audio_format.rate, rate)
    for piece in pieces:
        yield resampler.add(_decoded(piece, audio_format.encoding))
    yield resampler.rest()


def _bytes(text: str, param: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _invalid_base64(param) from None


def _invalid_base64(param: str) -> ApiError:
    return ApiError(f"Invalid '{param}'. Expected base64-encoded audio bytes.", "invalid_value", param=param)


def _require_size(text: str, param: str) -> None:
    size = len(text) // 4 * 3
    if size > MAX_BYTES:
        message = f"'{param}' must not exceed {MAX_BYTES} bytes, got {size}."
        raise ApiError(message, "audio_too_large", param=param)


def _require_whole_samples(length: int, audio_format: AudioFormat, param: str) -> None:
    if length % audio_format.sample_bytes:
        message = f"Invalid '{param}'. 16-bit audio must have an even number of bytes, got {length}."
        raise ApiError(message, "invalid_value", param=param)


def encoded_audio(audio: MonoAudio, audio_format: AudioFormat) -> bytes:
    """Return `audio` in `audio_format`, resampled if necessary."""
    samples = np.clip(audio.at(audio_format.rate).samples, -1, 1)
    pcm = (samples * 32767).astype("<i2")
    return pcm.tobytes() if audio_format.encoding == "audio/pcm" else _g711_encoded(pcm, audio_format.encoding)


def _decoded(data: bytes, encoding: Encoding) -> Samples:
    pcm = np.frombuffer(data, "<i2") if encoding == "audio/pcm" else _g711_decoded(data, encoding)
    return samples_of(pcm.astype(np.float32) / 32768)


def _g711_encoded(pcm: npt.NDArray[np.int16], encoding: Encoding) -> bytes:
    encoder = _g711_codec(encoding, "w")
    encoder.format = "s16"
    frame = AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = encoder.sample_rate
    return b"".join(map(bytes, encoder.encode(frame))) if len(pcm) else b""


def _g711_decoded(data: bytes, encoding: Encoding) -> npt.NDArray[np.int16]:
    # PyAV takes an empty packet as the end of the stream.
    frames = _g711_codec(encoding, "r").decode(Packet(data)) if data else []
    return np.concatenate([np.zeros(0, np.int16), *(frame.to_ndarray()[0] for frame in frames)])


def _g711_codec(encoding: Encoding, mode: Literal["r", "w"]) -> AudioCodecContext:
    # A new one per call takes 0.3 ms: G.711 has no state, and only one thread at a time may use a codec.
    codec = cast("AudioCodecContext", CodecContext.create(_G711_CODECS[encoding], mode))
    codec.sample_rate, codec.layout = 8000, "mono"
    return codec
