"""What thinks: a question goes in, an answer comes out, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from rtc_widget._aiortc.stats import CallStatistics, no_statistics
from rtc_widget.server.conversation import Conversation


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A function of the client that a responder may have called.

    Attributes
    ----------
    name, description : str
        What it is called and what it does.
    parameters : mapping
        The JSON schema of its arguments.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestedToolCall:
    """That a tool is to be called; `arguments` is JSON."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered.

    Attributes
    ----------
    text : str
        What the person said last; empty when nobody said anything.
    conversation : Conversation
        Everything that was said before, that included.
    instructions : str
        The session's or the response's instructions.
    tools : tuple of ToolDefinition
        What may be called. With the choice ``"none"`` there are none, with a named one there is that one.
    tool_choice : {"auto", "required"}
        Whether one of them has to be called.
    parallel_tool_calls : bool
        Whether several may be called at once.
    max_output_tokens : int or None
        How long the answer may become; it is cut off there in any case.
    statistics : callable
        What is known of the running call.
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
    """An answer ends here, though it is not complete: the response will be `incomplete`.

    Parameters
    ----------
    reason : {"max_output_tokens", "content_filter"}
        Why; as in the protocol.
    """

    def __init__(self, reason: Literal["max_output_tokens", "content_filter"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Responder(Protocol):
    """Answers questions. What it yields is spoken, so it holds no markup."""

    def answer(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        """Yield the answer in pieces of any size, and the tools that are to be called.

        Text is spoken sentence by sentence as it comes. An exception makes the response fail with its message; the
        call goes on.
        """
        ...
