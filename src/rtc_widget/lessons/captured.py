"""Session descriptions of real browsers and servers, captured for the lessons."""

from __future__ import annotations

from importlib.resources import files

from rtc_widget.sdp.description import SessionDescription
from rtc_widget.types import SdpType

_FOLDER = files(__package__) / "captures"


def captured(name: str) -> SessionDescription:
    """Return a captured description; its addresses are those that RFC 5737 and RFC 3849 reserve for documentation.

    Parameters
    ----------
    name : str
        One of `capture_names`.

    Raises
    ------
    KeyError
        If no description has this name; the message lists the names.

    Examples
    --------
    >>> captured("chromium-offer-data-only")
    <SessionDescription: offer; data; 21 lines>
    """
    if name not in capture_names():
        raise KeyError(f"name must be one of {', '.join(capture_names())}; got {name!r}")
    # Bytes, because SDP ends its lines with CRLF, which reading text would change.
    text = (_FOLDER / f"{name}.sdp").read_bytes().decode()
    kind: SdpType = "answer" if "-answer-" in name else "offer"
    return SessionDescription(text, type=kind)


def capture_names() -> tuple[str, ...]:
    """Return the names of the captured descriptions: who wrote it, its type, its media."""
    return tuple(sorted(file.name.removesuffix(".sdp") for file in _FOLDER.iterdir() if file.name.endswith(".sdp")))
