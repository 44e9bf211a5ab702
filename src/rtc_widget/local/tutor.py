"""The mind that is here when no other is given: a small tutor who explains WebRTC."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncGenerator, Iterator

from rtc_widget.local.call_report import is_about_the_call, report
from rtc_widget.local.conversation import Conversation
from rtc_widget.local.glossary import find, plain, terms
from rtc_widget.local.items import FunctionCallOutput
from rtc_widget.local.mind import Question, ToolCall
from rtc_widget.local.tool_request import ToolRequest, requested, spoken_result

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
    """A `Mind` that explains the terms of `glossary.toml`, calls tools, and knows the running call.

    Examples
    --------
    >>> Tutor().reply("What is Opus?").split(",")[0].split(".")[0]
    'Opus is the sound codec that every WebRTC browser has'
    """

    def __init__(self) -> None:
        # Suggestions go round, so that a person who is at a loss hears of something new each time.
        self._suggestions: Iterator[str] = itertools.cycle(
            ["ICE", "a jitter buffer", "SDP", "a data channel", "DTLS", "Opus", "packet loss", "a TURN server", "NAT"]
        )

    async def answer(self, question: Question) -> AsyncGenerator[str | ToolCall, None]:
        """Yield the reply, or the calls of the tools that were asked for."""
        results = _results(question.conversation)
        if results:
            yield " ".join(map(spoken_result, results))
            return
        if not question.text:
            yield STILL_THERE
            return
        wanted = requested(question.text, question.tools, must=question.tool_choice == "required")
        # "What is packet loss?" asks for the word, though a tool may have it in its description.
        if wanted and (wanted.by_name or question.tool_choice == "required" or not find(question.text)):
            for piece in _calls(wanted, question):
                yield piece
        elif is_about_the_call(plain(question.text)):
            yield report(plain(question.text), await question.statistics())
        else:
            yield self.reply(question.text)

    def reply(self, text: str) -> str:
        """Return what the tutor says to `text`."""
        found = find(text)
        if found:
            return " ".join(term.says for term in found)
        said = plain(text)
        if not said:
            return GREETING
        if _HELP.search(said):
            return f"I can explain {len(terms())} terms of WebRTC, for example {self._three()}. Ask about any of them."
        for pattern, reply in _SMALL_TALK:
            if pattern.search(said):
                return reply
        heard = text.strip().rstrip(".?! ")
        return f"I heard: {heard}. I cannot explain that, but I can explain {self._three()}."

    def _three(self) -> str:
        first, second, third = itertools.islice(self._suggestions, 3)
        return f"{first}, {second}, and {third}"


def _results(conversation: Conversation) -> list[str]:
    """Return what the tools gave back that were called last, if nothing was said since."""
    last = itertools.takewhile(lambda item: isinstance(item, FunctionCallOutput), reversed(conversation.items))
    return [item.output for item in last if isinstance(item, FunctionCallOutput)][::-1]


def _calls(wanted: ToolRequest, question: Question) -> Iterator[str | ToolCall]:
    if wanted.missing and question.tool_choice == "auto":
        names = " and the ".join(name.replace("_", " ") for name in wanted.missing)
        yield f"For that I need the {names}. Please ask again, and say it with your question."
        return
    several = wanted.arguments if question.parallel_tool_calls else wanted.arguments[:1]
    for arguments in several:
        yield ToolCall(wanted.tool.name, json.dumps(arguments))
