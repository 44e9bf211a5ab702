"""How long answers took, and what they used."""

from __future__ import annotations

from rtc_widget.call_widget import CallWidget
from rtc_widget.conversation.latency import Latency
from rtc_widget.conversation.usage import Usage


class Counting(CallWidget):
    """The part of `VoiceChat` that measures its calls."""

    def latency(self) -> Latency:
        """Return how long each answer took: from the end of the question to the first words, the voice, the end.

        It is read from ``chat.events``: answers whose events the log has dropped are not there.

        Examples
        --------
        >>> chat.latency().plot()  # doctest: +SKIP
        >>> chat.latency().to_pandas().first_audio.median()  # doctest: +SKIP
        0.61
        """
        return Latency(self._record.events)

    @property
    def usage(self) -> Usage:
        """The tokens that all calls have used so far, by kind; ``chat.usage.cost(prices)`` says what they cost."""
        return self._record.usage.copy()
