"""The settings of one response, which override those of the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rtc_widget.server.conversation import MAX_ITEMS, Conversation, Item
from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.protocols.realtime import session_config as settings
from rtc_widget.server.protocols.realtime.items import item_from_wire
from rtc_widget.server.protocols.realtime.response_items import Modality
from rtc_widget.server.responders.responder import ToolDefinition

_Key = Annotated[str, StringConstraints(max_length=64)]
_Value = Annotated[str, StringConstraints(max_length=512)]


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    """The settings of a response.

    Attributes
    ----------
    is_out_of_band : bool
        Whether the response is not part of the conversation.
    input : tuple of Item or None
        The items to answer instead of the conversation.
    tools, tool_choice, parallel_tool_calls
        As in `Question`.
    """

    modality: Modality = "audio"
    instructions: str = ""
    speed: float = 1.0
    voice: str = "heart"
    output_format: settings.Format = field(default_factory=settings.PcmFormat)
    max_output_tokens: int | Literal["inf"] = "inf"
    metadata: Mapping[str, str] | None = None
    is_out_of_band: bool = False
    input: tuple[Item, ...] | None = None
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: Literal["auto", "required"] = "auto"
    parallel_tool_calls: bool = True


class _ClosedResponseModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Output(_ClosedResponseModel):
    format: settings.Format | None = None
    voice: settings.Voice | None = None


class _ResponseAudio(_ClosedResponseModel):
    output: _Output = _Output()


class _Overrides(_ClosedResponseModel):
    output_modalities: Annotated[list[Modality], Field(min_length=1, max_length=1)] | None = None
    instructions: str | None = None
    conversation: Literal["auto", "none"] = "auto"
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] | None = None
    metadata: Annotated[dict[_Key, _Value], Field(max_length=16)] | None = None
    input: Annotated[list[dict[str, Any]], Field(max_length=MAX_ITEMS)] | None = None
    tools: list[settings.SessionTool] | None = None
    tool_choice: settings.ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    audio: _ResponseAudio = _ResponseAudio()
    # Accepted without effect: the server does not reason, and OpenAI stores the prompts.
    reasoning: settings.Reasoning | None = None
    prompt: settings.Prompt | None = None


def response_settings(
    session: settings.SessionConfig, conversation: Conversation, overrides: Mapping[str, Any] | None
) -> ResponseSettings:
    """Return the settings of a response in `session`; `overrides` is the `response` of a `response.create` event.

    Raises
    ------
    ApiError
        When a setting is unknown or invalid.
    """
    given = {} if overrides is None else overrides
    try:
        wanted = _Overrides.model_validate(given)
    except ValidationError as error:
        raise api_error_from(error, given, "response") from None
    output = session.audio.output
    tools = session.tools if wanted.tools is None else wanted.tools
    choice = session.tool_choice if wanted.tool_choice is None else wanted.tool_choice
    settings.require_chosen_tool(tools, choice, "response.tool_choice")
    chosen, must = _chosen(_functions(tools), choice)
    parallel = session.parallel_tool_calls if wanted.parallel_tool_calls is None else wanted.parallel_tool_calls
    return ResponseSettings(
        modality=(wanted.output_modalities or session.output_modalities)[0],
        instructions=session.instructions if wanted.instructions is None else wanted.instructions,
        speed=output.speed,
        voice=settings.name_of(wanted.audio.output.voice or output.voice),
        output_format=wanted.audio.output.format or output.format,
        max_output_tokens=wanted.max_output_tokens or session.max_output_tokens,
        metadata=wanted.metadata,
        is_out_of_band=wanted.conversation == "none",
        input=None if wanted.input is None else _input(wanted.input, conversation, session),
        tools=chosen,
        tool_choice="required" if must else "auto",
        parallel_tool_calls=parallel is not False,
    )


def _functions(tools: list[settings.SessionTool]) -> tuple[ToolDefinition, ...]:
    return tuple(
        ToolDefinition(tool.name, tool.description, tool.parameters)
        for tool in tools
        if isinstance(tool, settings.FunctionTool)  # OpenAI's cloud calls MCP servers; this server does not
    )


def _chosen(tools: tuple[ToolDefinition, ...], choice: settings.ToolChoice) -> tuple[tuple[ToolDefinition, ...], bool]:
    """Return the tools that `choice` allows, and whether the responder must call one."""
    if isinstance(choice, settings.NamedTool):
        return tuple(tool for tool in tools if tool.name == choice.name), True
    if isinstance(choice, settings.NamedMcpTool):
        return (), False
    return (() if choice == "none" else tools), choice == "required" and bool(tools)


def _input(
    wires: list[dict[str, Any]], conversation: Conversation, session: settings.SessionConfig
) -> tuple[Item, ...]:
    items: list[Item] = []
    for at, wire in enumerate(wires):
        root = f"response.input[{at}]"
        if wire.get("type") != "item_reference":
            items.append(item_from_wire(wire, session.audio.input.format.audio_format(), root=root))
            continue
        item = conversation.find(str(wire.get("id")))
        if item is None:
            message = f"The item with id '{wire.get('id')}' does not exist in the conversation."
            raise ApiError(message, "invalid_value", param=f"{root}.id")
        items.append(item)
    return tuple(items)
