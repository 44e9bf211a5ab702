"""Audio in events: G.711 against the formulas of the standard, and base64 in pieces."""

from __future__ import annotations

import base64
import time
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.server.audio_formats import (
    PCM_24,
    AudioFormat,
    Encoding,
    decoded_audio,
    decoded_pieces,
    encoded_audio,
)
from rtc_widget.server.errors import ApiError

LAWS = [AudioFormat("audio/pcmu", 8000), AudioFormat("audio/pcma", 8000)]
LEVELS = np.arange(-32768, 32768)


def levels(law: AudioFormat) -> npt.NDArray[np.int64]:
    """Return the 16-bit level of each of the 256 codes (ITU-T G.711, tables 1 and 2)."""
    codes = np.arange(256)
    if law.encoding == "audio/pcmu":
        codes = ~codes & 0xFF
        exponent, mantissa = codes >> 4 & 7, codes & 15
        size = ((mantissa << 3 | 0x84) << exponent) - 0x84
        return np.where(codes & 0x80, -size, size)
    codes ^= 0x55
    exponent, mantissa = codes >> 4 & 7, codes & 15
    size = np.where(exponent, (mantissa << 4 | 0x108) << np.maximum(exponent - 1, 0), mantissa << 4 | 8)
    return np.where(codes & 0x80, size, -size)


def decoded(data: bytes, law: AudioFormat) -> npt.NDArray[np.float32]:
    return decoded_audio(base64.b64encode(data).decode(), law, param="audio").samples


@pytest.mark.parametrize("law", LAWS)
def test_each_code_of_g711_has_the_level_of_the_standard(law: AudioFormat) -> None:
    assert (decoded(bytes(range(256)), law) * 32768).tolist() == levels(law).tolist()


@pytest.mark.parametrize("law", LAWS)
def test_encoding_to_g711_changes_no_sample_by_more_than_one_step(law: AudioFormat) -> None:
    data = encoded_audio(MonoAudio((LEVELS / 32768).astype(np.float32), 8000), law)
    known = np.unique(levels(law))
    above = np.clip(np.searchsorted(known, LEVELS), 1, len(known) - 1)
    step = known[above] - known[above - 1]

    assert len(data) == len(LEVELS)
    assert (np.abs(decoded(data, law) * 32768 - LEVELS) <= step).all()


@pytest.mark.parametrize("law", LAWS)
def test_g711_takes_little_of_the_time_of_a_frame(law: AudioFormat) -> None:
    frame = MonoAudio(np.zeros(160, np.float32), 8000)
    data = encoded_audio(frame, law)
    began = time.thread_time()
    for _ in range(50):
        decoded(data, law)
        encoded_audio(frame, law)

    assert (time.thread_time() - began) / 50 < 0.004, "a fifth of the 20 ms of a frame"


@pytest.mark.parametrize("encoding", get_args(Encoding))
def test_no_audio_is_no_bytes(encoding: Encoding) -> None:
    audio_format = AudioFormat(encoding, 8000)

    assert encoded_audio(MonoAudio(np.zeros(0, np.float32), 8000), audio_format) == b""
    assert len(decoded(b"", audio_format)) == 0


@pytest.mark.parametrize("law", LAWS)
def test_pieces_of_g711_join_without_a_seam(law: AudioFormat) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000).astype(np.float32) / 2
    text = base64.b64encode(encoded_audio(MonoAudio(tone, 8000), law)).decode()
    pieces = [piece for piece in decoded_pieces(text, law, 0.1, rate=16_000, param="audio") if piece is not None]
    whole = decoded_audio(text, law, param="audio").at(16_000).samples

    assert len(pieces) > 5
    assert np.abs(np.concatenate(pieces) - whole).max() < 1e-4


def test_an_odd_number_of_bytes_is_an_error() -> None:
    with pytest.raises(ApiError, match="must have an even number of bytes, got 3"):
        decoded_audio(base64.b64encode(b"abc").decode(), PCM_24, param="audio")
