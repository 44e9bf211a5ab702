"""The base class of all errors of this package."""

from __future__ import annotations

from typing import ClassVar

from rtc_widget._unicode import well_formed
from rtc_widget.errors.cell_traceback import rendered
from rtc_widget.errors.texts import KERNEL_HINTS


class RtcWidgetError(Exception):
    """The base class of the errors of this package.

    Parameters
    ----------
    message : str
        One sentence that says what happened.
    hint : str, optional
        One sentence that says what to do next; the default is the hint of the class. May be empty.

    Attributes
    ----------
    code : str
        A stable name for programs; `message` and `hint` may change.
    """

    code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # A class without its own text inherits the hint of its parent; a class may also define its hint directly.
        if "default_hint" not in vars(cls) and cls.code in KERNEL_HINTS:
            cls.default_hint = KERNEL_HINTS[cls.code]

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        # A message may quote a server, and it must be possible to print, log and send it.
        self.message = well_formed(message)
        self.hint = self.default_hint if hint is None else well_formed(hint)
        super().__init__(f"{self.message} {self.hint}".rstrip())

    def to_wire(self) -> dict[str, str]:
        """Return the error as it is sent to the page: ``{"code", "message", "hint"}``."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    def _render_traceback_(self) -> list[str]:
        # IPython calls this in place of its own traceback, whose frames are mostly those of this package.
        return rendered(self, self.message, self.hint)


class UnexpectedError(RtcWidgetError):
    """A defect in this package."""

    code = "unexpected"
