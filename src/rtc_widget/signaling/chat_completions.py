"""A chat model as what responds: the settings of one that the embedded server asks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rtc_widget._urls import without_secrets


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """A chat model that responds: `Local(reply=ChatCompletions(…))`.

    Works with every server that has OpenAI's Chat Completions API with streaming: Ollama, vLLM, llama.cpp, LM Studio,
    OpenAI itself. The session's ``instructions`` become the system prompt, the conversation becomes the history, and
    the session's tools are passed on.

    Parameters
    ----------
    base_url : str
        The base URL with ``/v1``, such as ``"http://127.0.0.1:11434/v1"`` for Ollama.
    model : str
        The model's name on that server, such as ``"llama3.2"``.
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
            shown = without_secrets(self.base_url)
            raise ValueError(f"base_url must be an http or https URL such as http://127.0.0.1:11434/v1, got {shown!r}")

    def __repr__(self) -> str:
        return f"ChatCompletions(base_url={without_secrets(self.base_url)!r}, model={self.model!r})"

    def to_header(self) -> str:
        """Return the fields as one line of ASCII JSON, for the embedded server only."""
        return json.dumps({"base_url": self.base_url, "model": self.model, "api_key": self.api_key})
