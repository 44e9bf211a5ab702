"""The transcript of a conversation."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from rtc_widget._sequence import FrozenSequence
from rtc_widget._unicode import well_formed
from rtc_widget.conversation.event_reader import CallTurns, reader_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.optional import require_pandas
from rtc_widget.types import DEFAULT_PROTOCOL, Role

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("rtc_widget")

SEAMS: Mapping[bool, str] = {True: "── connected again ──", False: "── new call ──"}

_SPEAKERS: Mapping[Role, str] = {"user": "You", "assistant": "Assistant"}


class Transcript(FrozenSequence[Turn]):
    """The turns of a conversation in the order of the conversation, which may differ from the order of the events.

    A transcript is reduced from the events of a wire protocol, such as the GA Realtime API and its beta. Unknown events
    are ignored.

    Parameters
    ----------
    events : iterable of mapping
        The events of one call: raw objects or `Event`.
    protocol : str
        The wire protocol of raw objects.

    Examples
    --------
    >>> transcript = Transcript()
    >>> transcript.add({"type": "response.output_text.delta", "item_id": "item_1", "delta": "Hello"})
    >>> transcript[0].text
    'Hello'
    """

    def __init__(self, events: Iterable[Mapping[str, Any]] = (), *, protocol: str = DEFAULT_PROTOCOL) -> None:
        # Servers may reuse item ids in the next call, so the turns of each call are kept apart.
        self._protocol = protocol
        self._calls: list[CallTurns] = [reader_of(protocol).call_turns(1, resumes=False)]
        self._begun = False
        for event in events:
            self.add(event)

    def add(self, event: Mapping[str, Any], *, call: int | None = None) -> None:
        """Add one event: a raw dict, or an `Event`, which also has a time.

        Parameters
        ----------
        event : mapping
            The event.
        call : int, optional
            The number of its call, for late events of an earlier call, which come before its end. The default is the
            last call.
        """
        turns = self._calls[-1 if call is None else call - 1]
        try:
            if isinstance(event, Event):
                turns.add(fields_of(event), event.elapsed)
            else:
                turns.add(event, None)
        except Exception:
            # Servers send anything; what is passed over in a call must not fail when the call is loaded or resumed.
            logger.exception("%.200r has an unexpected form and is not in the transcript", event)

    def begin_call(self, *, resumes: bool) -> int:
        """Begin another call; `resumes` says whether it continues the one before.

        Returns
        -------
        int
            The number of the call, as in `Turn.call`.
        """
        if self._begun:
            self.end_call()
            self._calls.append(reader_of(self._protocol).call_turns(len(self._calls) + 1, resumes=resumes))
        self._begun = True
        return len(self._calls)

    def end_call(self, call: int | None = None, *, at: float | None = None) -> None:
        """End the call of this number, by default the last one; a turn in progress becomes interrupted.

        Harmless to repeat; the last known time counts.

        Parameters
        ----------
        call : int, optional
            The number of the call.
        at : float, optional
            The time of the end, in seconds as `Event.elapsed`. A response that was still spoken is interrupted: the
            part until then was played. One that waited behind it was not played. Default: unknown; then both count as
            played.
        """
        self._calls[-1 if call is None else call - 1].end(at)

    def is_piece(self, event: Event, *, call: int) -> bool:
        """Whether an event of this call has a piece of a text that no event so far has as a whole."""
        return self._calls[call - 1].is_piece(fields_of(event))

    def with_function_results(self) -> list[Turn | FunctionResult]:
        """Return the turns and the function calls that have an output, in the order of the conversation."""
        return [item for call in self._calls for item in call.items]

    def to_resume(self) -> list[Turn | FunctionResult]:
        """Return turns and function calls since the last call that did not resume another."""
        first = next((at for at in range(len(self._calls) - 1, 0, -1) if not self._calls[at].resumes), 0)
        return [item for call in self._calls[first:] for item in call.items]

    def of_last_call(self) -> list[Turn]:
        """Return the turns of the last call."""
        return self._calls[-1].turns

    def of_response(self, response_id: str) -> Turn | None:
        """Return the last turn of a response in the last call; None if it has none."""
        turns = self._calls[-1].turns
        return next((turn for turn in reversed(turns) if turn.response_id == response_id), None)

    def to_markdown(self) -> str:
        """Return the conversation as Markdown, one paragraph per turn, with the played part of interrupted turns."""
        blocks: list[str] = []
        for seam, turn in self._with_seams():
            if seam:
                blocks.append(f"*{seam}*")
            at = "" if turn.start is None else f" ({turn.start:.1f} s)"
            cut = f" *(interrupted after: {_markdown(turn.heard) or '…'})*" if turn.interrupted else ""
            note = f" *({_note(turn)})*" if _note(turn) else ""
            blocks.append(f"**{_SPEAKERS[turn.role]}**{at}: {_markdown(turn.text) or '…'}{cut}{note}")
        return "\n\n".join(blocks) + ("\n" if blocks else "")

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per turn (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        pd = require_pandas()
        names = ("call", "role", "text", "start", "end", "status", "interrupted", "heard", "item_id", "response_id")
        rows = [{name: getattr(turn, name) for name in names} for turn in self]
        kinds = {"start": "float64", "end": "float64", "interrupted": "bool", "call": "int64"}
        table = pd.DataFrame(rows, columns=list(names)).astype(kinds)
        texts = ["text", "heard", "item_id", "response_id"]
        for name in texts:
            table[name] = table[name].map(well_formed, na_action="ignore").astype("string")
        return table

    def _with_seams(self) -> list[tuple[str, Turn]]:
        """Pair each turn with the text between it and the turn before."""
        turns = self._snapshot()
        return [
            (SEAMS[self._calls[turn.call - 1].resumes] if before and before.call != turn.call else "", turn)
            for before, turn in zip([None, *turns], turns, strict=False)
        ]

    def _snapshot(self) -> list[Turn]:
        return [turn for call in self._calls for turn in call.turns]

    def __str__(self) -> str:
        return "\n".join(line for seam, turn in self._with_seams() for line in (seam, str(turn)) if line)

    def __repr__(self) -> str:
        return str(self) or "<Transcript: 0 turns>"

    def _repr_html_(self) -> str:
        rows: list[str] = []
        for seam, turn in self._with_seams():
            if seam:
                rows.append(f'<div style="color: gray; text-align: center">{escape(seam)}</div>')
            heard, rest = turn.text[: len(turn.heard)], turn.text[len(turn.heard) :]
            unheard = f'<s style="color: gray" title="not heard">{escape(rest)}</s>' if rest.strip() else ""
            at = "" if turn.start is None else f"{turn.start:.1f} s"
            note = turn.status if turn.interrupted else _note(turn)
            mark = f" <small>— {note}</small>" if note else ""
            rows.append(
                f'<div><span style="display: inline-block; min-width: 4em; color: gray">{at}</span>'
                f"<b>{_SPEAKERS[turn.role]}</b>: {escape(heard) or '…'}{unheard}{mark}</div>"
            )
        return f'<div style="line-height: 1.6">{"".join(rows)}</div>' if rows else "<i>Nothing has been said yet.</i>"


def _note(turn: Turn) -> str:
    """Return why a turn that was not interrupted was not heard; empty if it was."""
    if turn.status == "failed":
        return "failed"
    return "not spoken" if turn.unspoken else ""


def _markdown(text: str) -> str:
    """Return a text on one line, with Markdown's special characters escaped."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", " ".join(text.split()))
