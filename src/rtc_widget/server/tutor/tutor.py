"""The default responder: a small tutor that explains WebRTC."""

from __future__ import annotations

import itertools
import json
import re
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from rtc_widget._glossary.terms import all_terms
from rtc_widget.server.conversation import Conversation, FunctionCallItem, FunctionCallOutput, MessageItem
from rtc_widget.server.responders.responder import Question, RequestedToolCall
from rtc_widget.server.tutor.call_report import is_about_the_call, report
from rtc_widget.server.tutor.glossary import find, plain
from rtc_widget.server.tutor.tool_matching import ToolRequest, requested
from rtc_widget.server.tutor.tool_results import spoken_result
from rtc_widget.server.tutor.tool_words import words_of_name

GREETING = (
    "Hello! I am the WebRTC tutor of this notebook. Ask me, for example, what ICE is, or what a jitter buffer does."
)
WHO = (
    "I am a small tutor who runs on your own computer. I hear with a speech recogniser, look your question up in a "
    "glossary of WebRTC, and speak the answer. I need no key and no network."
)
STILL_THERE = "Are you still there? Ask me about WebRTC whenever you like."
THANKS = "You are welcome! Ask me about another term whenever you like."
GOODBYE = "Goodbye! It was nice to talk with you."
HOW_ARE_YOU = "I am fine, thank you; all my packets arrive in order. What would you like to know about WebRTC?"

MAX_MATCHED = 1_000
"""Characters of a question that are compared with the glossary and the tools, at its end. More would stop the audio."""

_SMALL_TALK = (
    (
        re.compile(
            r"\b(who|what) are you\b|\byour name\b|\bintroduce yourself\b|\bwho am i (talking|speaking) (to|with)\b"
        ),
        WHO,
    ),
    (re.compile(r"\bhow are you\b|\bhow s it going\b|\bhow do you do\b"), HOW_ARE_YOU),
    (re.compile(r"\b(thanks|thank you|thank u|cheers)\b"), THANKS),
    (re.compile(r"\b(good ?bye|bye|see you|good night)\b"), GOODBYE),
    (re.compile(r"^(hello|hi|hey|good (morning|afternoon|evening|day)|howdy|greetings)\b"), GREETING),
)
_HELP = re.compile(r"\b(help|what (can|do) you (do|know|explain)|what (can|should) i ask|which terms|topics)\b")


class Tutor:
    """A `Responder` that explains the terms of the glossary, calls tools, and reports on the running call.

    Examples
    --------
    >>> Tutor().reply("What is Opus?").split(",")[0].split(".")[0]
    'Opus is the sound codec that every WebRTC browser has'
    """

    def __init__(self) -> None:
        # They rotate, so that the user gets new ones each time.
        self._suggestions = deque(
            ["ICE", "a jitter buffer", "SDP", "a data channel", "DTLS", "Opus", "packet loss", "a TURN server", "NAT"]
        )

    async def respond(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        """Yield the response, or the calls of the requested tools."""
        turn = ToolTurn.of(question.conversation)
        if turn.outputs:
            left = (
                turn.left_of(requested(question.text[-MAX_MATCHED:], question.tools))
                if not question.parallel_tool_calls
                else []
            )
            yield left[0] if left else turn.spoken_results()
            return
        if not question.text:
            yield STILL_THERE if _has_begun(question.conversation) else GREETING
            return
        asked = question.text[-MAX_MATCHED:]
        wanted = requested(asked, question.tools, must=question.tool_choice == "required")
        # "What is packet loss?" asks for the term, even if the description of a tool has these words.
        by_name = any(request.by_name for request in wanted)
        if wanted and (by_name or question.tool_choice == "required" or not find(asked)):
            for piece in _calls(wanted, question):
                yield piece
        elif is_about_the_call(plain(asked)):
            yield report(plain(asked), await question.statistics())
        else:
            yield self.reply(question.text)

    def reply(self, text: str) -> str:
        """Return the response of the tutor to `text`."""
        reply = self.preview(text)
        if self._three() in reply:
            self._suggestions.rotate(-3)
        return reply

    def preview(self, text: str) -> str:
        """Return what `reply` will return; the next suggestions stay the same."""
        asked = text[-MAX_MATCHED:]
        found = find(asked)
        if found:
            return " ".join(term.says for term in found)
        plain_text = plain(asked)
        if not plain_text:
            return GREETING
        if _HELP.search(plain_text):
            return (
                f"I can explain {len(all_terms())} terms of WebRTC, for example {self._three()}. Ask about any of them."
            )
        for pattern, reply in _SMALL_TALK:
            if pattern.search(plain_text):
                return reply
        repeated = text.strip().rstrip(".?! ")
        return f"I heard: {repeated}. I cannot explain that, but I can explain {self._three()}."

    def _three(self) -> str:
        first, second, third = itertools.islice(self._suggestions, 3)
        return f"{first}, {second}, and {third}"


def _has_begun(conversation: Conversation) -> bool:
    return any(isinstance(item, MessageItem) and item.role != "system" for item in conversation.items)


def _calls(wanted: tuple[ToolRequest, ...], question: Question) -> Iterator[str | RequestedToolCall]:
    missing = dict.fromkeys(name for request in wanted for name in request.missing)
    if missing and question.tool_choice == "auto":
        names = " and the ".join(words_of_name(name) for name in missing)
        yield f"For that I need the {names}. Please ask again, and say it with your question."
        return
    yield from tool_calls(wanted)[: None if question.parallel_tool_calls else 1]


@dataclass(frozen=True, slots=True)
class ToolTurn:
    """The tool calls of a turn and their results.

    Attributes
    ----------
    calls : tuple of FunctionCallItem
        The calls.
    outputs : tuple of FunctionCallOutput
        The results so far.
    """

    calls: tuple[FunctionCallItem, ...]
    outputs: tuple[FunctionCallOutput, ...]

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Return the turn at the end of `conversation`."""
        items = list(itertools.takewhile(lambda item: not isinstance(item, MessageItem), reversed(conversation.items)))
        items.reverse()
        return cls(
            tuple(item for item in items if isinstance(item, FunctionCallItem)),
            tuple(item for item in items if isinstance(item, FunctionCallOutput)),
        )

    def left_of(self, wanted: Iterable[ToolRequest]) -> list[RequestedToolCall]:
        """Return the calls of `wanted` that have not been made yet; a client may allow only one at a time."""
        made = [(call.name, call.arguments) for call in self.calls]
        return [call for call in tool_calls(wanted) if (call.name, call.arguments) not in made]

    def spoken_results(self) -> str:
        """Return the results as spoken text; several results are named by their arguments."""
        if len(self.outputs) == 1:
            return spoken_result(self.outputs[0].output)
        calls = {call.call_id: call for call in self.calls}
        return " ".join(_named(calls.get(output.call_id), output.output) for output in self.outputs)


def tool_calls(wanted: Iterable[ToolRequest]) -> list[RequestedToolCall]:
    """Return the calls for the requests `wanted`."""
    return [RequestedToolCall(request.tool.name, json.dumps(request.arguments)) for request in wanted]


def _named(call: FunctionCallItem | None, output: str) -> str:
    spoken = spoken_result(output)
    try:
        arguments: Any = json.loads(call.arguments) if call else {}
    except ValueError:
        return spoken
    name = next((value for value in arguments.values() if isinstance(value, str)), "")
    return f"{name}: {spoken}" if name else spoken
