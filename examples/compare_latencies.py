"""Twenty conversations at once, without a browser, and how long each answer took.

``python examples/compare_latencies.py``. Every conversation asks its questions one after the other, in writing or
aloud, and listens to the whole answer. What was measured comes back as one DataFrame, a row a turn. With
``OPENAI_API_KEY`` set the calls go to OpenAI, else to the embedded server, which is one machine for all of them: with
twenty calls you measure how it copes.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

import pandas as pd

from rtc_widget import VoiceChat

QUESTIONS = ("What is ICE?", "What is a jitter buffer?", "What is DTLS?")


async def converse(name: int, questions: Sequence[Any]) -> list[dict[str, object]]:
    """Hold one conversation; a question is a text, or a sound file to be spoken."""
    rows: list[dict[str, object]] = []
    chat = VoiceChat(page="headless")
    try:
        await chat.connect(timeout=150)
        for number, question in enumerate(questions):
            answered = asyncio.ensure_future(chat.wait_for("output_audio_buffer.stopped", timeout=120))
            await asyncio.sleep(0)  # it listens before there is anything to hear
            first = len(chat.events)
            if isinstance(question, str) and question.endswith("?"):
                chat.send_text(question)
                asked = None
            else:
                asked = (await chat.say(question)).end
            await answered
            rows.append({"conversation": name, "turn": number, **latencies(chat.events[first:], asked)})
    finally:
        chat.close()
    return rows


def latencies(events: Sequence[Any], asked: float | None) -> dict[str, object]:
    """Return the seconds from the end of the question to the answer's first word, first sound and last word."""
    times: dict[str, float] = {}
    for event in events:
        times.setdefault(event.type, event.elapsed)
    begin = times["conversation.item.create"] if asked is None else asked
    done = next(event for event in events if event.type == "response.done")
    return {
        "first_word": times["response.output_audio_transcript.delta"] - begin,
        "first_sound": times["output_audio_buffer.started"] - begin,
        "all_words": times["response.done"] - begin,
        "tokens": done.response.usage.total_tokens,
    }


async def compare(conversations: int, questions: Sequence[Any]) -> pd.DataFrame:
    """Hold all conversations at the same time; return what was measured."""
    rows = await asyncio.gather(*(converse(name, questions) for name in range(conversations)))
    return pd.DataFrame([row for turns in rows for row in turns])


def main() -> None:
    """Run the experiment and print its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--conversations", type=int, default=20)
    parser.add_argument("--csv", help="also write the table to this file")
    parser.add_argument(
        "questions", nargs="*", default=QUESTIONS, help="texts that end in a question mark, or sound files"
    )
    arguments = parser.parse_args()
    table = asyncio.run(compare(arguments.conversations, arguments.questions))
    print(table.round(2).to_string(index=False))
    print()
    print(table[["first_word", "first_sound", "all_words"]].describe(percentiles=[0.5, 0.9]).round(2))
    if arguments.csv:
        table.to_csv(arguments.csv, index=False)


if __name__ == "__main__":
    main()
