"""How a lost connection is made anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Reconnect:
    """What the page does when the way to the server is lost during a call. All times in seconds.

    WebRTC may heal a disconnected connection by itself; after `grace` a new call is made, with the session settings and
    what was said so far. Where the server can renegotiate (`rtc_widget.signaling.base.Renegotiates`), a browser seeks a
    new way for the same call first. The attempts are counted until the connection has been healthy for ten seconds.

    Attributes
    ----------
    max_attempts : int
        New ways and new calls in a row before giving up.
    grace : float
        How long WebRTC may try by itself.
    backoff, max_backoff : float
        The pause before the first attempt, doubled with each, and its limit. Up to half of it is left to chance, so
        that many notebooks that lost one server do not come back at the same moment.
    attempt_timeout : float
        How long one attempt may take.

    Raises
    ------
    ValueError
        If a number makes no sense.

    Examples
    --------
    >>> Reconnect(max_attempts=5).to_wire()["max_attempts"]
    5
    """

    max_attempts: int = 3
    grace: float = 5.0
    backoff: float = 0.5
    max_backoff: float = 8.0
    attempt_timeout: float = 15.0

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts={self.max_attempts}: no attempt at all is reconnect=None.")
        for name in ("grace", "backoff", "max_backoff"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name}={getattr(self, name)} is no time in seconds.")
        if not 0 < self.attempt_timeout < float("inf"):
            raise ValueError(f"attempt_timeout={self.attempt_timeout} leaves no time for an attempt.")

    def to_wire(self) -> dict[str, float]:
        """Return the numbers as the page reads them."""
        return asdict(self)
