"""JSON schemas by pydantic that offer a model no value that pydantic then refuses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonRef, JsonSchemaValue
from pydantic_core import CoreSchema, SchemaError, SchemaValidator, core_schema

_INTEGER = r"^-?[0-9]+$"
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
_COMPLEX = r"^-?[0-9]+(\.[0-9]+)?([+-][0-9]+(\.[0-9]+)?j)?$"
# Names in JSON are strings, so the check reads numbers and booleans from text.
_NAMES: Mapping[str, Mapping[str, Any]] = {
    "integer": {"pattern": _INTEGER},
    "number": {"pattern": _NUMBER},
    "boolean": {"enum": ["true", "false"]},
}


class CheckedJsonSchema(GenerateJsonSchema):
    """Generates JSON schemas; refuses what JSON cannot represent, and leaves out defaults that it cannot."""

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        """Return the schema of literals; each must be a value of JSON."""
        self._require_json(schema["expected"], schema)
        return super().literal_schema(schema)

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Return the schema of an enum; each of its values must be a value of JSON."""
        self._require_json(schema["members"], schema)
        return super().enum_schema(schema)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return a schema with its default, if JSON can represent that and the schema allows it."""
        described = super().default_schema(schema)
        if "default" in described and not _is_taken(described["default"], schema["schema"]):
            del described["default"]
        return described

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Return the schema of a decimal number; text must be a number, too."""
        described = super().decimal_schema(schema)
        number, text = described.get("anyOf", ({}, described))
        if schema.get("max_digits") is not None or schema.get("decimal_places") is not None:
            return {**text, "pattern": _decimal_pattern(schema.get("max_digits"), schema.get("decimal_places"))}
        if any(schema.get(limit) is not None for limit in ("le", "ge", "lt", "gt", "multiple_of")):
            return {**number}
        return {"anyOf": [number, {**text, "pattern": _NUMBER}]}

    def complex_schema(self, schema: core_schema.ComplexSchema) -> JsonSchemaValue:
        """Return the schema of a complex number in Python's notation."""
        return {**super().complex_schema(schema), "pattern": _COMPLEX}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Return the schema of a dict with its names."""
        described = super().dict_schema(schema)
        if "keys_schema" in schema and "patternProperties" not in described:
            names = self.generate_inner(schema["keys_schema"])
            if "$ref" in names:
                names = self.get_schema_from_definitions(JsonRef(names["$ref"])) or names
            if "enum" in names:
                names = {"enum": [one if isinstance(one, str) else json.dumps(one) for one in names["enum"]]}
            else:
                names = dict(_NAMES.get(names.get("type", ""), names))
            if names.keys() - {"type", "title"}:
                described["propertyNames"] = names
        return described

    def _require_json(self, values: Iterable[Any], schema: CoreSchema) -> None:
        validator = SchemaValidator(schema)
        for value in values:
            plain = value.value if isinstance(value, Enum) else value
            try:
                validator.validate_json(json.dumps(plain, allow_nan=False))
            except (TypeError, ValueError):  # `ValidationError` is a ValueError
                hint = " Use the Enum itself as the type." if schema["type"] == "literal" else ""
                raise PydanticInvalidForJsonSchema(f"{value!r} is not a value of JSON.{hint}") from None


def _decimal_pattern(digits: int | None, places: int | None) -> str:
    """Return the pattern of numbers with at most so many digits, and so many of them after the point."""
    before = "+" if digits is None else f"{{1,{max(1, digits - (places or 0))}}}"
    after = rf"(\.[0-9]{{1,{places}}})?" if places else ""
    return rf"^-?0{after}$" if digits is not None and digits == places else rf"^-?[0-9]{before}{after}$"


def _is_taken(default: Any, schema: CoreSchema) -> bool:
    """Return whether a default is JSON, and of the type beside it."""
    try:
        text = json.dumps(default, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    try:
        validator = SchemaValidator(schema)
    except SchemaError:
        return True  # it refers to types that are defined elsewhere
    try:
        validator.validate_json(text)
    except Exception:  # noqa: BLE001 - validators may be any code of the user
        return False
    return True
