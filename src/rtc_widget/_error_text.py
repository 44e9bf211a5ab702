"""The text of an exception of the user's code, which may have any message or fail to give one."""

from __future__ import annotations

from rtc_widget._unicode import well_formed


def message_of(error: BaseException) -> str:
    """Return ``str(error)``; a note in its place if that fails."""
    try:
        return well_formed(str(error))
    except Exception as failure:  # noqa: BLE001 - `__str__` may be any code of the user
        return f"(its message cannot be read: {type(failure).__name__})"


def error_text(error: BaseException) -> str:
    """Return the type and the message of an exception.

    Examples
    --------
    >>> error_text(ValueError("Too many."))
    'ValueError: Too many.'
    """
    return well_formed(f"{type(error).__name__}: {message_of(error)}")
