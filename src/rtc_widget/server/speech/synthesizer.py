"""Speech synthesis with hibari; its wheel contains one voice (Apache-2.0).

The voice "heart" is trained on American English. With the British pronunciation of the package, the same speaker
pronounces "tomato" and "schedule" the British way ("heart-british"). The other voices of hibari are downloads. This
module downloads none, but it uses those that the user has downloaded (``hibari --voice emma …``).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, samples_of
from rtc_widget.server.speech.packed_mapping import PackedMapping

AMERICAN, BRITISH = "heart", "heart-british"

NEAREST: Mapping[str, str] = {
    "alloy": AMERICAN,
    "ash": AMERICAN,
    "ballad": BRITISH,
    "cedar": AMERICAN,
    "coral": AMERICAN,
    "echo": AMERICAN,
    "marin": AMERICAN,
    "sage": AMERICAN,
    "shimmer": AMERICAN,
    "verse": BRITISH,
}
"""The voice that replaces each of OpenAI's voices: the package has one speaker with two accents."""

LEAD_SECONDS = 0.02
TAIL_SECONDS = 0.18
AUDIBLE = 0.01
"""Samples below this level are silence. The peak of hibari's voice is about 0.5."""


def is_available() -> bool:
    """Return whether hibari is installed."""
    return find_spec("hibari") is not None


def voices() -> tuple[str, ...]:
    """Return the names of the installed voices, without loading any."""
    from hibari.voices import VOICES, cache_dir

    fetched = (name for name, about in VOICES.items() if (Path(cache_dir()) / about["file"]).is_file())
    return (AMERICAN, BRITISH, *(name for name in fetched if name != AMERICAN))


class Hibari:
    """A `Speaker`: English voices, 24 kHz.

    Parameters
    ----------
    default : str
        The voice for clients that choose none, or one that is not installed.
    """

    def __init__(self, default: str = AMERICAN) -> None:
        if default not in voices():
            raise ValueError(f"The voice {default!r} is not installed. Installed voices: {', '.join(voices())}.")
        self._default = default
        self._loaded: dict[str, Any] = {}
        self._voice(default)

    @property
    def name(self) -> str:
        """The name of the speaker."""
        return f"hibari ({self._default}; voices: {', '.join(voices())})"

    def speak(self, text: str, *, voice: str = AMERICAN, speed: float = 1.0) -> MonoAudio:
        """Return the speech for `text` at `speed` (1.0 is the natural speed)."""
        model = self._voice(self._nearest(voice))
        # With a fixed seed, the same text gives the same audio, so that recordings can be compared.
        samples = samples_of(model(text, speed=speed, seed=0)) if is_speakable(text) else samples_of([])
        return _trimmed(MonoAudio(samples, model.sample_rate))

    def _nearest(self, voice: str) -> str:
        # "heart" is also the default of a session, so it selects the default voice of the server.
        if voice == AMERICAN or voice not in {*NEAREST, *voices()}:
            return self._default
        return NEAREST.get(voice, voice)

    def _voice(self, name: str) -> Any:
        if name not in self._loaded:
            from hibari.g2p import G2P

            model = _model(AMERICAN if name == BRITISH else name, G2P(british=True) if name == BRITISH else None)
            _ = model.g2p  # loads the dictionary, which the first sentence would wait for
            self._loaded[name] = model
        return self._loaded[name]

    def reduce_memory(self) -> None:
        """Keep the loaded voices in less memory. It takes 0.3 s for each, so call it between two sentences."""
        # The dictionary of pronunciations and the weights of the part-of-speech tagger take 70 MB as Python objects.
        for model in self._loaded.values():
            g2p = model.g2p
            for words in (g2p.lexicon.golds, g2p.lexicon.silvers):
                if not isinstance(words.d, PackedMapping):
                    words.d = PackedMapping(words.d)
            if not isinstance(g2p.tagger.weights, PackedMapping):
                g2p.tagger.weights = PackedMapping(g2p.tagger.weights)


def _model(voice: str, g2p: Any) -> Any:
    """Return a `hibari.Hibari` whose ONNX session keeps no memory between sentences; hibari has no option for that.

    The release is pinned, so its private names do not change.
    """
    import hibari
    from hibari.tts import ASSETS
    from hibari.voices import voice_path
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # One thread speaks a sentence in 30 ms; more threads would slow down the audio.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    model = hibari.Hibari.__new__(hibari.Hibari)
    model.voice, model.model_path, model._g2p = voice, voice_path(voice), g2p
    model.sess = InferenceSession(model.model_path, options, providers=["CPUExecutionProvider"])
    model.vocab = json.loads(Path(ASSETS, "vocab.json").read_text("utf-8"))
    return model


def is_speakable(text: str) -> bool:
    """Return whether a text has a digit, or a letter of the Latin script; the voices know no others.

    Examples
    --------
    >>> is_speakable("Ça va?"), is_speakable("你好,世界。")
    (True, False)
    """
    return any(char.isdigit() or (char.isalpha() and unicodedata.name(char, "").startswith("LATIN")) for char in text)


def _trimmed(audio: MonoAudio) -> MonoAudio:
    """Remove the silence that hibari adds, 310 ms before and 480 ms after the speech, since it delays the response."""
    loud = np.flatnonzero(np.abs(audio.samples) > AUDIBLE)
    if len(loud) == 0:
        return MonoAudio(samples_of([]), audio.rate)
    first = max(0, int(loud[0]) - int(LEAD_SECONDS * audio.rate))
    last = int(loud[-1]) + int(TAIL_SECONDS * audio.rate)
    return MonoAudio(audio.samples[first:last], audio.rate)
