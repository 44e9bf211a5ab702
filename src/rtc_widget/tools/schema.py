"""The parameters of a Python function as JSON schema; checks a model's arguments against them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Optional, get_origin, get_type_hints

from rtc_widget._unicode import well_formed_json
from rtc_widget.errors import InvalidTool
from rtc_widget.tools.docstrings import FunctionDoc

NEEDS_PYDANTIC = "Tools need pydantic: pip install 'rtc-widget[tools]'"


class InvalidArguments(ValueError):
    """A model has called a tool with invalid arguments; the message is for the model."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """Checked arguments, ready for the call."""

    positional: tuple[Any, ...]
    named: Mapping[str, Any]


class Parameters:
    """The parameters of a function.

    Parameters
    ----------
    function : callable
        Its signature and type hints define the parameters.
    tool : str
        The name of the tool, for error messages.
    doc : FunctionDoc
        Describes the parameters.

    Attributes
    ----------
    schema : dict
        JSON schema: an object with one property per parameter.

    Raises
    ------
    InvalidTool
        If a parameter has no type hint, or a type that JSON cannot represent.
    ImportError
        If pydantic is not installed; the message says how to install it.
    """

    def __init__(self, function: Callable[..., Any], tool: str, doc: FunctionDoc) -> None:
        try:
            import pydantic

            from rtc_widget.tools.json_schema import CheckedJsonSchema
        except ImportError:
            raise ImportError(NEEDS_PYDANTIC) from None
        self._parameters = _parameters(function, tool)
        hints = _hints(function, tool)
        # Parameters may have names that pydantic reserves, such as `schema`, `_x` or `model_config`.
        names = {f"p{number}": parameter.name for number, parameter in enumerate(self._parameters)}
        config = pydantic.ConfigDict(
            extra="forbid", protected_namespaces=(), alias_generator=lambda field: names.get(field, field)
        )
        try:
            with warnings.catch_warnings():
                # pydantic warns of a default that JSON cannot represent, and leaves it out of the schema.
                warnings.simplefilter("ignore")
                fields: dict[str, Any] = {
                    field: _field(parameter, _hint(parameter, hints, tool), doc.parameters.get(parameter.name))
                    for field, parameter in zip(names, self._parameters, strict=True)
                }
                self._model = pydantic.create_model(tool, __config__=config, **fields)
                schema = self._model.model_json_schema(schema_generator=CheckedJsonSchema)
                json.dumps(schema, allow_nan=False)
        except InvalidTool:
            raise
        except Exception as error:  # noqa: BLE001 - types and their schemas may be any code of the user
            words = str(error).split("\n")[0].rstrip(".")
            raise InvalidTool(
                f"{tool} cannot be a tool: its parameters cannot be described as JSON schema. {words}.",
                hint="Use types that JSON can represent: str, int, float, bool, list, dict, Literal, Enum, datetime, "
                "dataclasses, pydantic models.",
            ) from None
        self._defaults_of_pydantic = {
            field
            for (field, info), parameter in zip(self._model.model_fields.items(), self._parameters, strict=True)
            if not info.is_required() and (parameter.default is parameter.empty or _is_field(parameter.default))
        }
        self.schema = _tidied(schema)

    def check(self, text: str) -> Arguments:
        """Return the arguments that a model has given as JSON, checked and converted.

        Raises
        ------
        InvalidArguments
            If they do not fit; the message says which and why.
        """
        import pydantic

        try:
            given = json.loads(text) if text.strip() else {}
        except (ValueError, RecursionError) as error:
            raise InvalidArguments(f"The arguments are not valid JSON: {error}.") from None
        if not isinstance(given, dict):
            raise InvalidArguments(f"The arguments must be a JSON object, got {type(given).__name__}.")
        try:
            # As JSON, which has no dates or tuples: what a strict type refuses from Python, it takes from JSON.
            checked = self._model.model_validate_json(json.dumps(well_formed_json(given)))
        except pydantic.ValidationError as error:
            reasons = [f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}" for one in error.errors()]
            raise InvalidArguments("; ".join(reasons)) from None
        # The function's own defaults apply to parameters that were not given.
        values = {
            parameter.name: getattr(checked, f"p{number}")
            for number, parameter in enumerate(self._parameters)
            if f"p{number}" in checked.model_fields_set | self._defaults_of_pydantic
            or parameter.kind is parameter.POSITIONAL_ONLY
        }
        first = [one.name for one in self._parameters if one.kind is one.POSITIONAL_ONLY]
        return Arguments(tuple(values.pop(name) for name in first), values)

    def completed(self, arguments: Arguments) -> Arguments:
        """Return arguments with the function's own defaults for parameters that were not given."""
        defaults = {
            one.name: one.default
            for one in self._parameters
            if one.default is not one.empty and not _is_field(one.default) and one.kind is not one.POSITIONAL_ONLY
        }
        return Arguments(arguments.positional, {**defaults, **arguments.named})


def _parameters(function: Callable[..., Any], tool: str) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise InvalidTool(
            f"{tool} cannot be a tool: Python does not know its parameters.",
            hint="Wrap it in a function that has parameters with type hints.",
        ) from None
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            name = parameter.replace(annotation=parameter.empty)
            raise InvalidTool(
                f"{tool} cannot be a tool: {name} takes any number of arguments.",
                hint="Use parameters with a name and a type hint each.",
            )
    return parameters


def _hints(function: Callable[..., Any], tool: str) -> Mapping[str, Any]:
    inner: Any = function
    while isinstance(inner, functools.partial):
        inner = inner.func
    inner = inspect.unwrap(inner)
    if not (inspect.isroutine(inner) or inspect.isclass(inner)):
        inner = type(inner).__call__
    try:
        return get_type_hints(inner, include_extras=True)
    except Exception as error:  # noqa: BLE001 - a type hint may be any code of the user
        raise InvalidTool(
            f"{tool} cannot be a tool: one of its type hints cannot be evaluated ({error}).",
            hint="Import or define the type before the function, at the top level of a cell or module.",
        ) from None


def _is_field(default: object) -> bool:
    """Return whether a default is a description of a default: ``Field(5, ge=1)`` or a dataclass's ``field()``."""
    from pydantic.fields import FieldInfo

    return isinstance(default, (FieldInfo, dataclasses.Field))


def _field(parameter: inspect.Parameter, hint: Any, description: str | None) -> Any:
    """Return the field of a pydantic model for a parameter: its type, or its type and default."""
    from pydantic.fields import FieldInfo

    default = parameter.default
    is_given = default is not parameter.empty
    info = FieldInfo.from_annotated_attribute(hint, default) if is_given else FieldInfo.from_annotation(hint)
    if get_origin(hint) is Annotated:
        plain, metadata = hint.__origin__, list(hint.__metadata__)
    else:
        plain, metadata = hint, []
    if info.default is None:
        plain = Optional[plain]  # noqa: UP045 - `|` does not take every type hint
    description = description or next((entry for entry in metadata if isinstance(entry, str)), None)
    if description is not None:
        # First, so that the description of a `Field` replaces it.
        metadata = [FieldInfo(description=description), *metadata]
    whole = Annotated[(plain, *metadata)] if metadata else plain
    if is_given:
        return whole, default
    return whole if metadata else (whole, ...)


def _hint(parameter: inspect.Parameter, hints: Mapping[str, Any], tool: str) -> Any:
    if parameter.name in hints:
        return hints[parameter.name]
    default = parameter.default
    if default is not parameter.empty and default is not None and not _is_field(default):
        return type(default)
    raise InvalidTool(
        f"{tool} cannot be a tool: its parameter {parameter.name!r} has no type hint.",
        hint=f"Add one, for example {parameter.name}: str.",
    )


class _Recursive(Exception):
    pass


def _tidied(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without titles and with definitions inlined, because small models do not follow references."""
    definitions = schema.pop("$defs", {})
    try:
        tidy = _tidy(schema, definitions, ())
    except _Recursive:
        tidy = _tidy(schema, None, ()) | {"$defs": {name: _tidy(one, None, ()) for name, one in definitions.items()}}
    return {"type": "object", "properties": {}, **tidy}


def _tidy(schema: Any, definitions: Mapping[str, Any] | None, path: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_tidy(entry, definitions, path) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema and definitions is not None:
        name = schema["$ref"].rpartition("/")[2]
        if name in path:
            raise _Recursive
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        return _tidy({**definitions[name], **siblings}, definitions, (*path, name))
    tidy = {key: value for key, value in schema.items() if key != "title"}
    for key, value in tidy.items():
        if key in ("properties", "patternProperties"):
            # These keys are names of parameters, and one may be "title".
            tidy[key] = {name: _tidy(inner, definitions, path) for name, inner in value.items()}
        elif key not in ("default", "enum", "const", "examples"):
            tidy[key] = _tidy(value, definitions, path)
    return tidy
