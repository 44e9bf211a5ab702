"""Errors of session descriptions, and of the glossary that explains them."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class InvalidSdp(RtcWidgetError, ValueError):
    """A session description has a fault that an endpoint may refuse (RFC 8866, RFC 9429).

    Attributes
    ----------
    line_number : int or None
        The line with the fault, from 1; None if the fault is in no single line.
    reason : str
        What is wrong.
    """

    code = "invalid_sdp"
    line_number: int | None = None
    reason = ""

    @classmethod
    def at(cls, line_number: int | None, reason: str) -> InvalidSdp:
        """Return the error of a fault in a line."""
        error = cls(reason if line_number is None else f"Line {line_number}: {reason}")
        error.line_number, error.reason = line_number, reason
        return error


class UnknownTerm(RtcWidgetError, LookupError):
    """The glossary does not have a term."""

    code = "unknown_term"
