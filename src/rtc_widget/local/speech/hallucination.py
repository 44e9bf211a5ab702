"""What recognisers "hear" in silence and noise."""

from __future__ import annotations

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
