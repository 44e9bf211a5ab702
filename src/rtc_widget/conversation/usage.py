"""What the calls have used: tokens by kind, and what they cost by a price list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import TokensUsed, facts_of
from rtc_widget.optional import require_pandas

if TYPE_CHECKING:
    import pandas as pd

TOKENS = (
    "text_input",
    "audio_input",
    "image_input",
    "cached_text_input",
    "cached_audio_input",
    "cached_image_input",
    "text_output",
    "audio_output",
    "transcription_input",
    "transcription_output",
)
"""The kinds of tokens that have prices of their own. What was cached is counted there, and not once more as input."""
SECONDS = "transcription_seconds"
"""Some recognisers are paid by the second of speech."""

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """What one response, or one transcription of a person's words, has used.

    Attributes
    ----------
    of : str
        The response, or the item that was transcribed.
    elapsed : float
        When it was counted, in seconds since the call began.
    amounts : mapping
        Tokens by kind, or seconds; what is zero is left out.
    """

    of: str
    elapsed: float
    amounts: Mapping[str, float]


class Usage(Mapping[str, float]):
    """Tokens by kind over all calls; those of the kinds that did not occur are zero.

    Parameters
    ----------
    events : iterable of Event
        The events of the calls, such as an `EventLog`.

    Attributes
    ----------
    entries : list of UsageEntry
        Each response and transcription, oldest first.

    Examples
    --------
    >>> details = {"text_tokens": 20, "audio_tokens": 80}
    >>> usage = {"input_tokens": 0, "output_tokens": 100, "output_token_details": details}
    >>> spent = Usage([Event({"type": "response.done", "response": {"id": "r1", "usage": usage}})])
    >>> spent["audio_output"], spent.output_tokens
    (80, 100)
    >>> round(spent.cost({"text_output": 16.0, "audio_output": 64.0}), 5)
    0.00544
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.entries: list[UsageEntry] = []
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Count what an event says was used; most say nothing."""
        for fact in facts_of(event):
            if isinstance(fact, TokensUsed):
                self.entries.append(UsageEntry(fact.source, event.elapsed, fact.amounts))

    def copy(self) -> Usage:
        """Return what was used so far, which does not grow any more."""
        return Usage.of(self.entries)

    @classmethod
    def of(cls, entries: Iterable[UsageEntry]) -> Usage:
        """Return the sum of entries, such as ``chat.usage.entries[-3:]``."""
        usage = cls()
        usage.entries.extend(entries)
        return usage

    @property
    def input_tokens(self) -> int:
        """What the models have read and heard, cached or not; transcription is left out."""
        return int(sum(self[kind] for kind in TOKENS if kind.endswith("_input") and "transcription" not in kind))

    @property
    def output_tokens(self) -> int:
        """What they have written and said."""
        return int(self["text_output"] + self["audio_output"])

    @property
    def cached_tokens(self) -> int:
        """How much of the input was cached."""
        return int(sum(self[kind] for kind in TOKENS if kind.startswith("cached_")))

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    def cost(self, prices: Mapping[str, float]) -> float:
        """Return what it costs by a price list, in the list's currency.

        Parameters
        ----------
        prices : mapping
            What a million tokens of each kind in `TOKENS` cost, and a second of ``"transcription_seconds"``.

        Raises
        ------
        ValueError
            If a price is missing for what was used, or is of no known kind; no sum is better than a wrong one.
        """
        unknown = sorted(prices.keys() - {*TOKENS, SECONDS})
        if unknown:
            raise ValueError(f"Unknown token kind {', '.join(unknown)}. Known kinds: {', '.join(self)}.")
        missing = [kind for kind, amount in self.items() if amount and kind not in prices]
        if missing:
            raise ValueError(f"The price list has no price for {', '.join(missing)}, which was used.")
        return sum(
            amount * prices.get(kind, 0.0) / (1 if kind == SECONDS else _MILLION) for kind, amount in self.items()
        )

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row for each response or transcription, and a column a kind (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; says how to install it.
        """
        pd = require_pandas()
        rows = [{"of": one.of, "elapsed": one.elapsed, **dict.fromkeys(self, 0), **one.amounts} for one in self.entries]
        table = pd.DataFrame(rows, columns=["of", "elapsed", *self])
        return table.astype({"of": "string", "elapsed": "float64", SECONDS: "float64"} | dict.fromkeys(TOKENS, "int64"))

    def __getitem__(self, kind: str) -> float:
        if kind not in (*TOKENS, SECONDS):
            raise KeyError(kind)
        return sum(entry.amounts.get(kind, 0) for entry in self.entries)

    def __iter__(self) -> Any:
        return iter((*TOKENS, SECONDS))

    def __len__(self) -> int:
        return len(TOKENS) + 1

    def __repr__(self) -> str:
        used = ", ".join(f"{kind}={amount:g}" for kind, amount in self.items() if amount)
        return f"<Usage: {self.total_tokens} tokens in {len(self.entries)} entries{f': {used}' if used else ''}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align: left'>{escape(kind.replace('_', ' '))}</td><td>{amount:,g}</td></tr>"
            for kind, amount in self.items()
            if amount
        )
        return f"<table><tr><th style='text-align: left'>tokens</th><th>{self.total_tokens:,}</th></tr>{rows}</table>"
