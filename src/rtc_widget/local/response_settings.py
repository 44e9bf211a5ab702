"""What a client may say about one response, on top of the session."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtc_widget.local.refusal import Refusal
from rtc_widget.local.response import ResponseSettings
from rtc_widget.local.session import Session, refusal_of

_NOT_YET = ("input", "tools", "tool_choice", "prompt", "reasoning", "parallel_tool_calls", "audio")


class _Overrides(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    output_modalities: Annotated[list[Literal["audio", "text"]], Field(min_length=1, max_length=1)] | None = None
    instructions: str | None = None
    conversation: Literal["auto"] = "auto"
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] | None = None
    metadata: dict[str, Annotated[str, Field(max_length=512)]] | None = None


def response_settings(session: Session, overrides: object) -> ResponseSettings:
    """Return how a response is made in `session`, given the `response` of a `response.create` (or None).

    Raises
    ------
    Refusal
        When it asks for something unknown, impossible, or not yet possible here.
    """
    given: Any = {} if overrides is None else overrides
    if isinstance(given, dict):
        for key in _NOT_YET:
            if key in given:
                message = f"The local server does not support 'response.{key}'; set it on the session instead."
                raise Refusal(message, "unsupported_parameter", param=f"response.{key}")
    try:
        wanted = _Overrides.model_validate(given)
    except ValidationError as error:
        raise refusal_of(error, given, "response") from None
    output = session.audio.output
    return ResponseSettings(
        modality=(wanted.output_modalities or session.output_modalities)[0],
        instructions=session.instructions if wanted.instructions is None else wanted.instructions,
        speed=output.speed,
        voice=output.voice,
        max_output_tokens=wanted.max_output_tokens or session.max_output_tokens,
        metadata=wanted.metadata,
    )
