"""Naming a chat model as the mind of the embedded server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """A chat model that answers: `Local(reply=ChatCompletions(…))`.

    Any server with OpenAI's Chat Completions API and streaming will do: Ollama, vLLM, llama.cpp, LM Studio, OpenAI
    itself. The session's ``instructions`` become the system prompt, what was said the history, and the session's
    tools are passed through.

    Parameters
    ----------
    base_url : str
        Up to and with ``/v1``, such as ``"http://127.0.0.1:11434/v1"`` for Ollama.
    model : str
        The model's name there, such as ``"llama3.2"``.
    api_key : str, optional
        Sent as bearer token; never shown.

    Examples
    --------
    >>> ChatCompletions("http://127.0.0.1:11434/v1", "llama3.2", api_key="secret")
    ChatCompletions(base_url='http://127.0.0.1:11434/v1', model='llama3.2')
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(
                f"base_url takes an http or https URL such as http://127.0.0.1:11434/v1, not {self.base_url!r}"
            )

    def to_header(self) -> str:
        """Return all of it as one line of ASCII, for the embedded server alone."""
        return json.dumps({"base_url": self.base_url, "model": self.model, "api_key": self.api_key})
