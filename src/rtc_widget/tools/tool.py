"""Python functions that the model may call."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from html import escape
from typing import Any

from rtc_widget._unicode import well_formed
from rtc_widget.errors import InvalidTool
from rtc_widget.tools.call_log import ToolCalls
from rtc_widget.tools.docstrings import function_doc
from rtc_widget.tools.reloaded import is_same, reloaded, version
from rtc_widget.tools.schema import Arguments, Parameters

Function = Callable[..., Any]
Confirm = bool | Callable[..., bool]

logger = logging.getLogger("rtc_widget")

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Tool:
    """A Python function, described for a model.

    Parameters
    ----------
    function : callable
        A sync or async function. Its signature and type hints define the schema; its docstring (NumPy, Google or Sphinx
        style) describes the function and its parameters. A pydantic ``Field``, as default or in ``Annotated``, means
        what it means in pydantic. After ``%autoreload`` the tool follows the new function.
    name : str, optional
        The name for the model. The default is the function's name.
    description : str, optional
        The description for the model. The default is the text of the docstring before its sections.
    thread : bool
        Whether to run it in a thread, so that a long call blocks neither the notebook nor other tools. By default it
        runs on the kernel's main loop, where it may use all objects of the notebook.
    confirm : bool or callable
        Whether to ask the user in the widget before each call. A callable gets the arguments and returns whether to
        ask: ``confirm=lambda amount: amount > 100``.
    timeout : float or None
        Maximum seconds of a call; None for no limit. A thread continues after the timeout, without effect on the
        session. A function that blocks the main loop cannot be stopped.

    Raises
    ------
    InvalidTool
        If the function cannot be described: a parameter without a type hint, ``*args``, or a type that JSON cannot
        represent.
    ValueError
        If `timeout` is not above 0.

    Examples
    --------
    >>> def add(a: int, b: int = 1) -> int:
    ...     "Add two numbers."
    ...     return a + b
    >>> Tool(add).parameters["required"]
    ['a']
    """

    def __init__(
        self,
        function: Function,
        *,
        name: str | None = None,
        description: str | None = None,
        thread: bool = False,
        confirm: Confirm = False,
        timeout: float | None = 60.0,
    ) -> None:
        if not callable(function):
            raise InvalidTool(f"A tool must be a function, got {function!r}.", hint="Pass a function with type hints.")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidTool(
                f"{function.__name__} cannot be a tool: it is a generator function.", hint="Return the whole result."
            )
        if thread and inspect.iscoroutinefunction(function):
            raise InvalidTool(
                f"thread=True cannot be used with the async function {function.__name__}.", hint="Omit it."
            )
        if inspect.iscoroutinefunction(confirm):
            raise InvalidTool(
                f"confirm must be a bool or a sync function, got the async function {confirm.__name__}.",
                hint="It must return at once whether to ask.",
            )
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout must be a number of seconds above 0, or None for no limit, got {timeout}.")
        if description is not None and not isinstance(description, str):
            raise InvalidTool(
                f"The description of a tool must be a str, got {type(description).__name__}.", hint="Pass a text."
            )
        self.function = function
        self.name = _checked_name(function, name)
        self.thread = thread
        self.confirm = confirm
        self.timeout = timeout
        self.context = copy_context()
        self._given_description = description
        self._version = version(function)
        self._revision = 1
        self._describe()

    def _describe(self) -> None:
        """Read the signature and the docstring of the function."""
        current = reloaded(self.function)
        doc = function_doc(current)
        self._parameters = Parameters(current, self.name, doc)
        self._description = doc.about if self._given_description is None else self._given_description
        self._current = current

    def _refresh(self) -> None:
        """Describe the function again if its module was reloaded."""
        found = version(self.function)
        if is_same(found, self._version):
            return
        self._version = found
        try:
            self._describe()
        except InvalidTool as error:
            logger.warning("The tool %s was reloaded; the model still has its old description. %s", self.name, error)
        else:
            self._revision += 1

    @property
    def revision(self) -> int:
        """How often the function was described."""
        self._refresh()
        return self._revision

    @property
    def current_function(self) -> Function:
        """The function to call: `function` as its module defines it now."""
        self._refresh()
        return self._current

    @property
    def description(self) -> str:
        """The description for the model."""
        self._refresh()
        return self._description

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        self._refresh()
        return self._parameters.schema

    def check(self, arguments: str) -> Arguments:
        """Return a model's arguments, checked and converted.

        Raises
        ------
        InvalidArguments
            If they do not fit the parameters.
        """
        self._refresh()
        return self._parameters.check(arguments)

    def completed(self, arguments: Arguments) -> Arguments:
        """Return arguments with the function's own defaults for parameters that were not given."""
        return self._parameters.completed(arguments)

    def to_wire(self) -> dict[str, Any]:
        """Return the tool as an entry of the session's ``tools``."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }

    def __repr__(self) -> str:
        options = [name for name in ("thread", "confirm") if getattr(self, name)]
        parameters = ", ".join(self.parameters["properties"])
        return well_formed(f"<Tool {self.name}({parameters}){''.join(f' {one}' for one in options)}>")


class Tools(Mapping[str, Tool]):
    """The functions that the model may call, by name, and the log of its calls.

    Attributes
    ----------
    calls : ToolCalls
        The last calls, oldest first, with arguments, result or error, and time.

    Examples
    --------
    >>> tools = Tools()
    >>> def add(a: int, b: int) -> int:
    ...     "Add two numbers."
    ...     return a + b
    >>> tools.add(add)
    <Tool add(a, b)>
    >>> list(tools)
    ['add']
    """

    def __init__(self) -> None:
        self.calls = ToolCalls()
        self._tools: dict[str, Tool] = {}
        self._listeners: list[Callable[[], None]] = []

    def revisions(self) -> Mapping[str, int]:
        """Return how often each function was described, which is more than once if its module was reloaded."""
        return {name: tool.revision for name, tool in self._tools.items()}

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever a tool is added or removed."""
        self._listeners.append(changed)

    def _changed(self) -> None:
        for changed in self._listeners:
            changed()

    def add(self, function: Function | Tool, **options: Any) -> Tool:
        """Add a function; a tool of the same name is replaced. The options are those of `Tool`.

        Raises
        ------
        InvalidTool
            If the function cannot be described.
        TypeError
            If options are passed together with a `Tool`.
        """
        if isinstance(function, Tool):
            if options:
                raise TypeError(f"Options must be passed to Tool(…), got {', '.join(options)} here.")
            tool = function
        else:
            tool = Tool(function, **options)
        self._change({**self._tools, tool.name: tool})
        return tool

    def decorate(self, function: Function | None = None, **options: Any) -> Function | Callable[[Function], Function]:
        """Add a function and return it, or return a decorator that does."""
        if function is None:
            return lambda function: self.decorate(function, **options)
        self.add(function, **options)
        return function

    def remove(self, tool: str | Function | Tool) -> None:
        """Remove a tool, by its name, its function or the tool itself.

        Raises
        ------
        KeyError
            If there is no such tool.
        """
        name = next((name for name, one in self._tools.items() if tool in (name, one, one.function)), None)
        if name is None:
            raise KeyError(f"Unknown tool {tool!r}. Tools: {', '.join(self._tools) or 'none'}.")
        self._change({key: value for key, value in self._tools.items() if key != name})

    def _change(self, tools: dict[str, Tool]) -> None:
        """Replace the tools; keep the present ones if the server cannot be told."""
        # A new mapping each time: another thread may be reading the old one.
        before, self._tools = self._tools, tools
        try:
            self._changed()
        except BaseException:
            self._tools = before
            raise

    def to_wire(self) -> list[dict[str, Any]]:
        """Return the entries of the session's ``tools``."""
        return [tool.to_wire() for tool in self._tools.values()]

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"<Tools: {', '.join(map(repr, self._tools.values())) or 'none'}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{escape(tool.name)}({escape(', '.join(tool.parameters['properties']))})</code></td>"
            f"<td style='text-align: left'>{escape(tool.description)}</td></tr>"
            for tool in self._tools.values()
        )
        table = well_formed(f"<table>{rows}</table>")
        return table if rows else "<i>No tools yet: decorate a function with @chat.tool.</i>"


def _checked_name(function: Function, name: str | None) -> str:
    found = name or getattr(function, "__name__", None) or ""
    if not _NAME.fullmatch(found):
        raise InvalidTool(
            f"{function!r} cannot be a tool: its name must have 1 to 64 letters, digits, _ or -, got {found!r}.",
            hint="Pass another name: name=…",
        )
    return found
