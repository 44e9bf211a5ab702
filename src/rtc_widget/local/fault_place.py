"""What a log may hold of an exception: its class and where it was raised.

Its text may quote what somebody said, or what a model wrote.
"""

from __future__ import annotations

import traceback
from pathlib import Path


def kind_and_place(error: BaseException) -> str:
    """Return the class of `error` and the calls that led to it, innermost last, without a word of its text.

    Examples
    --------
    >>> kind_and_place(ValueError("my secret"))
    'ValueError'
    """
    calls = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(call.filename).name}:{call.lineno} in {call.name}" for call in calls]
    return " < ".join([type(error).__name__, *reversed(places)])
