"""The tokens that calls have used, and their cost by a price list."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, SecondsUsed, SessionChanged, TokensUsed
from rtc_widget.errors import InvalidSetting
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
"""The kinds of tokens that have separate prices. Cached tokens count only as cached, not also as input."""
SECONDS = "transcription_seconds"
"""Some transcription models are paid by the second of speech."""
SESSION_SECONDS = ("active_seconds", "standby_seconds")
"""Sessions of GPT-Live are paid by the time that they are active, and less while they are paused."""
MINUTES: Mapping[str, str] = {"active_seconds": "minute", "standby_seconds": "standby_minute"}
"""The names of their prices, which are for a minute."""

_MILLION = 1_000_000
_KINDS = (*TOKENS, SECONDS, *SESSION_SECONDS)
PRICES = tuple(MINUTES.get(kind, kind) for kind in _KINDS)
"""The names of all prices."""


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """The usage of one response, or of the transcription of one user's turn.

    Attributes
    ----------
    of : str
        The id of the response, or of the transcribed conversation item; ``"session"`` for the time of a session.
    elapsed : float
        When the server reported it, in seconds since the call began.
    amounts : mapping
        Amounts by kind, in tokens or seconds; kinds with the amount 0 are left out.
    model : str
        The model, where the voice hands work over to another one; else empty.
    """

    of: str
    elapsed: float
    amounts: Mapping[str, float]
    model: str = ""


class Usage(Mapping[str, float]):
    """The tokens of all calls by kind; a kind that did not occur is 0.

    Parameters
    ----------
    events : iterable of Event
        The events of the calls, such as an `EventLog`.

    Attributes
    ----------
    entries : list of UsageEntry
        The usage of each response and transcription, oldest first.

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
        # The time of the newest session of each call, which each report replaces.
        self._sessions: dict[str, UsageEntry] = {}
        for event in events:
            self.add(event)

    def add(self, event: Event, *, call: str = "") -> bool:
        """Add the usage that an event reports, and return whether it reports any.

        The last events of a `call` may come during the next one.
        """
        return self.add_facts(facts_of(event), event.elapsed, call=call)

    def add_facts(self, facts: Iterable[Fact], elapsed: float, *, call: str = "") -> bool:
        """Add the usage that the facts of an event report, as `add` does; `elapsed` is the event's."""
        is_changed = False
        for fact in facts:
            if isinstance(fact, TokensUsed):
                self.entries.append(UsageEntry(fact.source, elapsed, fact.amounts, fact.model))
                is_changed = True
            elif isinstance(fact, SecondsUsed):
                self._add_seconds(fact, elapsed, call)
                is_changed = True
            elif isinstance(fact, SessionChanged) and fact.is_new:
                self._sessions.pop(call, None)
        return is_changed

    def _add_seconds(self, fact: SecondsUsed, elapsed: float, call: str) -> None:
        given = {"active_seconds": fact.active, "standby_seconds": fact.standby}
        entry = UsageEntry("session", elapsed, {kind: amount for kind, amount in given.items() if amount})
        before = self._sessions.get(call)
        at = next((at for at, one in enumerate(self.entries) if one is before), None)
        if at is None:
            self.entries.append(entry)
        else:
            self.entries[at] = entry
        self._sessions[call] = entry

    def copy(self) -> Usage:
        """Return the present usage as an independent object."""
        return Usage.of(self.entries)

    @classmethod
    def of(cls, entries: Iterable[UsageEntry]) -> Usage:
        """Return the sum of entries, such as ``chat.usage.entries[-3:]``."""
        usage = cls()
        usage.entries.extend(entries)
        return usage

    @property
    def input_tokens(self) -> int:
        """The input tokens of the responses, cached or not; without transcription."""
        return int(sum(self[kind] for kind in TOKENS if kind.endswith("_input") and "transcription" not in kind))

    @property
    def output_tokens(self) -> int:
        """The output tokens of the responses, text and audio; without transcription."""
        return int(self["text_output"] + self["audio_output"])

    @property
    def cached_tokens(self) -> int:
        """The cached part of the input tokens."""
        return int(sum(self[kind] for kind in TOKENS if kind.startswith("cached_")))

    @property
    def total_tokens(self) -> int:
        """The sum of input and output tokens."""
        return self.input_tokens + self.output_tokens

    @property
    def seconds(self) -> float:
        """How long sessions lasted that are paid by time, active or paused."""
        return sum(self[kind] for kind in SESSION_SECONDS)

    def by_model(self) -> dict[str, Usage]:
        """Return the usage of each model; the key of the model that the call is made with is empty."""
        models = dict.fromkeys(entry.model for entry in self.entries)
        return {model: Usage.of(entry for entry in self.entries if entry.model == model) for model in models}

    def cost(self, prices: Mapping[str, float]) -> float:
        """Return the cost by a price list, in the currency of the list.

        Parameters
        ----------
        prices : mapping
            The price of one million tokens by kind (see `TOKENS`), of one second of ``"transcription_seconds"``, and of
            a ``"minute"`` and a ``"standby_minute"`` of a session.

        Raises
        ------
        ValueError
            If a kind that was used has no price, or a price has an unknown kind.
        """
        unknown = sorted(prices.keys() - set(PRICES))
        if unknown:
            raise ValueError(f"Unknown token kind {', '.join(unknown)}. Known kinds: {', '.join(PRICES)}.")
        missing = self.unpriced(prices)
        if missing:
            raise ValueError(f"prices must have every kind that was used; missing: {', '.join(missing)}.")
        amounts = zip(self.items(), PRICES, strict=True)
        return sum(amount * prices.get(name, 0.0) / _unit(kind) for (kind, amount), name in amounts)

    def unpriced(self, prices: Mapping[str, float]) -> list[str]:
        """Return the names of the prices that a price list lacks for what was used."""
        amounts = zip(self.values(), PRICES, strict=True)
        return [name for amount, name in amounts if amount and name not in prices]

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per response or transcription and one column per kind (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        pd = require_pandas()
        rows = [{"of": one.of, "elapsed": one.elapsed, **dict.fromkeys(self, 0), **one.amounts} for one in self.entries]
        table = pd.DataFrame(rows, columns=["of", "elapsed", *self])
        seconds = dict.fromkeys(("elapsed", SECONDS, *SESSION_SECONDS), "float64")
        return table.astype({"of": "string"} | seconds | dict.fromkeys(TOKENS, "int64"))

    def __getitem__(self, kind: str) -> float:
        if kind not in _KINDS:
            raise KeyError(kind)
        return sum(entry.amounts.get(kind, 0) for entry in self.entries)

    def __iter__(self) -> Any:
        return iter(_KINDS)

    def __len__(self) -> int:
        return len(_KINDS)

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


def checked_prices(prices: Any) -> dict[str, float]:
    """Return a price list that `Usage.cost` takes; an empty one for None.

    Raises
    ------
    InvalidSetting
        If a price has an unknown name, or is negative or not finite.
    TypeError
        If it is not a mapping, or a price is not a number.
    """
    if prices is None:
        return {}
    if not isinstance(prices, Mapping):
        raise TypeError(f"prices must be a mapping of kinds to prices, got {prices!r}.")
    for name, price in prices.items():
        if name not in PRICES:
            near = difflib.get_close_matches(str(name), PRICES, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known kinds: {', '.join(PRICES)}."
            raise InvalidSetting(f"prices must have only known kinds, got {name!r}.", hint=hint)
        if isinstance(price, bool) or not isinstance(price, int | float):
            raise TypeError(f"prices[{name!r}] must be a number, got {price!r}.")
        if not 0 <= price < math.inf:
            raise InvalidSetting(f"prices[{name!r}] must be finite and at least 0, got {price!r}.")
    return {name: float(price) for name, price in prices.items()}


def _unit(kind: str) -> int:
    """Return for how many tokens or seconds a price is."""
    if kind == SECONDS:
        return 1
    return 60 if kind in SESSION_SECONDS else _MILLION
