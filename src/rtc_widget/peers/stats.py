"""The statistics of a peer connection: the reports of one ``getStats()``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rtc_widget._sequence import FrozenSequence
from rtc_widget.optional import require_pandas

if TYPE_CHECKING:
    import pandas as pd


class PeerStats(FrozenSequence[Mapping[str, Any]]):
    """The reports of one ``getStats()``, unchanged (W3C WebRTC Statistics); names are the W3C's, in camelCase.

    Examples
    --------
    >>> stats = PeerStats([{"id": "T01", "type": "transport", "bytesSent": 7}])
    >>> stats.of("transport")[0]["bytesSent"]
    7
    >>> stats.by_id("T01")["type"]
    'transport'
    """

    def __init__(self, reports: Iterable[Mapping[str, Any]]) -> None:
        self._reports = tuple(reports)

    def of(self, type: str) -> PeerStats:
        """Return the reports of a type, such as ``"candidate-pair"``."""
        return PeerStats(report for report in self._reports if report.get("type") == type)

    def by_id(self, id: str) -> Mapping[str, Any] | None:
        """Return the report of an id, such as a transport's ``selectedCandidatePairId``; None if there is none."""
        return next((report for report in self._reports if report.get("id") == id), None)

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the reports, each once."""
        return tuple(dict.fromkeys(str(report.get("type")) for report in self._reports))

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per report and one column per field (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        return require_pandas().DataFrame([dict(report) for report in self._reports])

    def _snapshot(self) -> Sequence[Mapping[str, Any]]:
        return self._reports

    def __repr__(self) -> str:
        return f"<PeerStats: {len(self._reports)} reports, {', '.join(self.types) or 'none'}>"
