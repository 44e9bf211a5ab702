"""The base class of all errors of this package."""

from __future__ import annotations

from typing import ClassVar

from rtc_widget.errors.texts import KERNEL_HINTS


class RtcWidgetError(Exception):
    """The root of all errors raised on purpose by this package.

    Parameters
    ----------
    message : str
        What happened, in a sentence.
    hint : str
        What to do next, in a sentence; may be empty.

    Attributes
    ----------
    code : str
        A stable name for programs; `message` and `hint` are for people.
    """

    code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # A class without a text of its own keeps the hint of its parent, and a class may define its hint itself.
        if "default_hint" not in vars(cls) and cls.code in KERNEL_HINTS:
            cls.default_hint = KERNEL_HINTS[cls.code]

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        super().__init__(f"{message} {self.hint}".rstrip())

    def to_wire(self) -> dict[str, str]:
        """Return ``{"code", "message", "hint"}``, the form in which errors cross to the page."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class UnexpectedError(RtcWidgetError):
    """A fault of this package."""

    code = "unexpected"
