"""What thinks: a question goes in, an answer comes out, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from rtc_widget.local.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered.

    Attributes
    ----------
    text : str
        What the person said last.
    conversation : Conversation
        Everything that was said before, that included.
    instructions : str
        The session's or the response's instructions.
    """

    text: str
    conversation: Conversation
    instructions: str


class Mind(Protocol):
    """Answers questions. What it yields is spoken, so it holds no markup."""

    def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the answer in pieces of any size; they are spoken sentence by sentence as they come.

        An exception makes the response fail with its message; the call goes on.
        """
        ...
