"""Token counts for the `usage` of a response.

Audio counts as with OpenAI: a token per 100 ms of the user, and a token per 50 ms of the assistant. The server has no
tokenizer, so words and punctuation marks count as the tokens of a text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rtc_widget.server.conversation import FunctionCallItem, Item, MessageItem
from rtc_widget.server.tokens import text_tokens

USER_TOKENS_PER_SECOND = 10
ASSISTANT_TOKENS_PER_SECOND = 20


def audio_tokens(seconds: float, *, per_second: int) -> int:
    """Return the number of tokens for audio of `seconds`."""
    return round(seconds * per_second)


def _tokens_of(items: Iterable[Item]) -> tuple[int, int]:
    text = audio = 0
    for item in items:
        if isinstance(item, FunctionCallItem):
            text += text_tokens(f"{item.name} {item.arguments}")
            continue
        if not isinstance(item, MessageItem):
            text += text_tokens(item.output)
            continue
        for part in item.parts:
            if part.type == "input_audio":
                audio += audio_tokens(part.seconds, per_second=USER_TOKENS_PER_SECOND)
            elif part.type == "output_audio":
                audio += audio_tokens(part.seconds, per_second=ASSISTANT_TOKENS_PER_SECOND)
                text += text_tokens(part.text or "")
            else:
                text += text_tokens(part.text or "")
    return text, audio


def usage_of(input_items: Iterable[Item], output_items: Iterable[Item]) -> dict[str, Any]:
    """Return the `usage` of a response from its input and output items."""
    text_in, audio_in = _tokens_of(input_items)
    text_out, audio_out = _tokens_of(output_items)
    no_cache = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
    return {
        "total_tokens": text_in + audio_in + text_out + audio_out,
        "input_tokens": text_in + audio_in,
        "output_tokens": text_out + audio_out,
        "input_token_details": {
            "text_tokens": text_in,
            "audio_tokens": audio_in,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": no_cache,
        },
        "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
    }
