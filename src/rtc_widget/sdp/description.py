"""`SessionDescription`: an offer or an answer as an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast, get_args

from rtc_widget.errors import InvalidSdp
from rtc_widget.sdp.parsed import ParsedDescription
from rtc_widget.types import SdpType

if TYPE_CHECKING:
    import pandas as pd

    from rtc_widget.sdp.difference import Difference
    from rtc_widget.sdp.faults import Fault
    from rtc_widget.sdp.view import DescriptionView

_TYPES: tuple[str, ...] = get_args(SdpType)


class SessionDescription(ParsedDescription):
    r"""An offer or an answer: every line as it came, with its meaning (RFC 8866, W3C ``RTCSessionDescription``).

    The text is kept as it is, whatever it holds; ``str(description)`` returns it. The meaning is computed from the
    lines when it is asked for, and never raises: what cannot be read is None or left out, and `check` says why. A
    description cannot be changed. In a notebook it shows every line with an explanation; ICE credentials, fingerprints
    and addresses stay hidden, because notebooks are saved and shared. `show` shows them.

    Parameters
    ----------
    description : str, mapping or object
        The text; or anything with ``sdp`` and ``type``, such as a W3C ``RTCSessionDescriptionInit``.
    type : {"offer", "pranswer", "answer", "rollback"}, optional
        What the description is for. The default is the ``type`` of `description`; None if it has none.

    Raises
    ------
    TypeError
        If `description` has no text.
    ValueError
        If `type` is not one of these.

    Examples
    --------
    >>> offer = SessionDescription("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=sendonly\r\n", type="offer")
    >>> offer.media[0].mid, offer.media[0].direction, offer.media[0].codecs[0].name
    ('0', 'sendonly', 'PCMU')
    >>> offer
    <SessionDescription: offer; audio; 4 lines>
    """

    def __init__(
        self, description: str | Mapping[str, Any] | SessionDescription | Any, type: SdpType | None = None
    ) -> None:
        if isinstance(description, str):
            text: Any = description
        elif isinstance(description, Mapping):
            text, type = description.get("sdp", ""), type or description.get("type")
        else:
            text, type = getattr(description, "sdp", None), type or getattr(description, "type", None)
        if not isinstance(text, str):
            given = f"{description.__class__.__module__}.{description.__class__.__qualname__}"
            raise TypeError(f"description must be SDP text, or have the fields sdp and type; got {given}.")
        if type is not None and type not in _TYPES:
            raise ValueError(f"type must be one of {', '.join(map(repr, _TYPES))}; got {type!r}.")
        super().__init__(str(text), None if type is None else cast("SdpType", str(type)))

    def check(self, offer: SessionDescription | None = None) -> tuple[Fault, ...]:
        """Return the faults that an endpoint may refuse, in the order of the lines; empty if there is none.

        Parameters
        ----------
        offer : SessionDescription, optional
            The offer that this answer belongs to; the two are then compared, too.
        """
        from rtc_widget.sdp.faults import faults_of

        return faults_of(self, offer)

    def require_valid(self, offer: SessionDescription | None = None) -> None:
        """Raise the first fault of `check`, if there is one.

        Raises
        ------
        InvalidSdp
            With the number of the line and the reason.
        """
        for fault in self.check(offer):
            raise InvalidSdp.at(fault.line_number, fault.reason)

    def diff(self, other: SessionDescription) -> Difference:
        """Return what this offer and its answer negotiate, refuse and change.

        Two descriptions of the same type are compared as an earlier and a later one.

        Parameters
        ----------
        other : SessionDescription
            The answer to this offer, or a later description of the same type.
        """
        from rtc_widget.sdp.difference import difference_of

        if not isinstance(other, SessionDescription):
            raise TypeError(f"other must be a SessionDescription, got {other.__class__.__qualname__}.")
        return difference_of(self, other)

    def show(self, *, secrets: bool = True, opened: bool = True) -> DescriptionView:
        """Return the view of a notebook, with ICE credentials, fingerprints and addresses.

        Clear the output before you share the notebook.

        Parameters
        ----------
        secrets : bool
            Whether to show them.
        opened : bool
            Whether the sections are open at first.
        """
        from rtc_widget.sdp.view import DescriptionView

        return DescriptionView(self, secrets=secrets, opened=opened)

    def to_pandas(self, *, secrets: bool = False) -> pd.DataFrame:
        """Return a table with one row per line: number, section, kind, text, explanation, reference (extra ``data``).

        Parameters
        ----------
        secrets : bool
            Whether the texts have ICE credentials, fingerprints and addresses.

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        from rtc_widget.sdp.tables import lines_table

        return lines_table(self, secrets=secrets)

    def to_json(self) -> dict[str, str | None]:
        """Return the W3C ``RTCSessionDescriptionInit``: ``{"type", "sdp"}``."""
        return {"type": self.type, "sdp": self.sdp}

    def _repr_html_(self) -> str:
        return self.show(secrets=False, opened=False)._repr_html_()
