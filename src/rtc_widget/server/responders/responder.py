"""The interface of responders: a question in, the response out piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from rtc_widget._aiortc.stats import CallStatistics, no_statistics
from rtc_widget.server.conversation import Conversation


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A function of the client that a responder may call.

    Attributes
    ----------
    name, description : str
        Name and description of the function.
    parameters : mapping
        The JSON schema of its arguments.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestedToolCall:
    """A tool call of a responder; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Question:
    """The input of a responder.

    Attributes
    ----------
    text : str
        The last user message; empty if the user said nothing.
    conversation : Conversation
        The conversation, including the last message.
    instructions : str
        The instructions of the response, or of the session.
    tools : tuple of ToolDefinition
        The allowed tools: none for the tool choice ``"none"``, one for a named choice.
    tool_choice : {"auto", "required"}
        Whether the responder must call a tool.
    parallel_tool_calls : bool
        Whether the responder may call several tools at once.
    max_output_tokens : int or None
        Limit on the response; the server cuts a longer one.
    statistics : callable
        Returns the statistics of the call.
    """

    text: str
    conversation: Conversation
    instructions: str
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: Literal["auto", "required"] = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: int | None = None
    statistics: Callable[[], Awaitable[CallStatistics]] = no_statistics


class IncompleteResponse(Exception):
    """Ends a response early; the status of the response becomes ``incomplete``.

    Parameters
    ----------
    reason : {"max_output_tokens", "content_filter"}
        The reason, as in the Realtime API.
    """

    def __init__(self, reason: Literal["max_output_tokens", "content_filter"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Responder(Protocol):
    """Responds to questions. The server speaks the text, so it must not contain markup."""

    def respond(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        """Yield the response in pieces of any size, and tool calls.

        The server speaks the text sentence by sentence. An exception ends the response as ``failed`` with the message
        of the exception; the call continues.
        """
        ...


@runtime_checkable
class PreviewResponder(Responder, Protocol):
    """A responder that can tell what it would say, without any effect outside of it.

    The server asks it at a pause of the user, and synthesizes the beginning before the turn has ended.
    """

    def preview(self, text: str) -> str:
        """Return what `respond` will probably yield to the user's `text`."""
        ...
