"""The description of a function and of its parameters, read from its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

NEEDS_DOCSTRING_PARSER = "Tools need docstring-parser: pip install 'rtc-widget[tools]'"


@dataclass(frozen=True, slots=True)
class FunctionDoc:
    """The description in a docstring.

    Attributes
    ----------
    about : str
        Everything before the first section.
    parameters : mapping
        The description of each parameter that has one, in one line.
    """

    about: str
    parameters: Mapping[str, str]


def function_doc(function: Callable[..., Any]) -> FunctionDoc:
    """Read a docstring in NumPy's, Google's or Sphinx's style.

    Raises
    ------
    ImportError
        If docstring-parser is not installed; the message says how to install it.

    Examples
    --------
    >>> def weather(city: str) -> str:
    ...     '''Tell the weather.
    ...
    ...     Args:
    ...         city: Its English name.
    ...     '''
    >>> function_doc(weather)
    FunctionDoc(about='Tell the weather.', parameters={'city': 'Its English name.'})
    """
    try:
        import docstring_parser
    except ImportError:
        raise ImportError(NEEDS_DOCSTRING_PARSER) from None
    doc = docstring_parser.parse(inspect.getdoc(function) or "")
    about = " ".join((doc.description or "").split())
    described = {
        name.strip(" *"): " ".join(param.description.split())
        for param in doc.params
        if param.args[0] != "attribute" and param.description
        for name in param.arg_name.split(",")
    }
    return FunctionDoc(about, described)
