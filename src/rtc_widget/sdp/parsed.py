"""The text of a session description, with its lines and sections."""

from __future__ import annotations

from functools import cached_property
from typing import NoReturn

from rtc_widget.sdp.lines import Line, split_lines
from rtc_widget.sdp.sections import MediaSection, SessionSection, sections_of
from rtc_widget.types import SdpType


class ParsedDescription:
    """What `SessionDescription` says; apart from it, because checks, differences and views need no more.

    Attributes
    ----------
    sdp : str
        The text, as it came.
    type : {"offer", "pranswer", "answer", "rollback"} or None
        What the description is for.
    """

    sdp: str
    type: SdpType | None

    def __init__(self, sdp: str, type: SdpType | None) -> None:
        vars(self)["sdp"] = sdp
        vars(self)["type"] = type

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """All lines; their texts and ends, joined, are the text again."""
        return split_lines(self.sdp)

    @property
    def session(self) -> SessionSection:
        """The lines in front of the first ``m=`` line."""
        return self._sections[0]

    @property
    def media(self) -> tuple[MediaSection, ...]:
        """The media sections, in the order of the text."""
        return self._sections[1]

    @cached_property
    def _sections(self) -> tuple[SessionSection, tuple[MediaSection, ...]]:
        return sections_of(self.lines)

    def section(self, mid: str) -> MediaSection | None:
        """Return the first media section with this mid; None if there is none."""
        return next((section for section in self.media if section.mid == mid), None)

    @property
    def ice_lite(self) -> bool:
        """Whether the writer answers connectivity checks and starts none."""
        return self.session.ice_lite

    @property
    def is_answer(self) -> bool:
        """Whether the description is an answer, final or provisional."""
        return self.type in ("answer", "pranswer")

    def __str__(self) -> str:
        return self.sdp

    def __repr__(self) -> str:
        kinds = [section.short_kind for section in self.media]
        parts = [self.type or "no type", " + ".join(kinds) or "no media", f"{len(self.lines)} lines"]
        return f"<{self.__class__.__name__}: {'; '.join(parts)}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ParsedDescription):
            return NotImplemented
        return (self.sdp, self.type) == (other.sdp, other.type)

    def __hash__(self) -> int:
        return hash((self.sdp, self.type))

    def __reduce__(self) -> tuple[object, ...]:
        return self.__class__, (self.sdp, self.type)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("A SessionDescription cannot be changed: create one from the changed text.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("A SessionDescription cannot be changed: create one from the changed text.")
