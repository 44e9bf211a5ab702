"""What the server refuses, in the shape in which OpenAI refuses it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError


class ApiError(Exception):
    """A request or an event that cannot be served.

    Parameters
    ----------
    message : str
        What is wrong and, where it helps, what would be right.
    code : str
        OpenAI's name for it, such as ``"unknown_parameter"``.
    param : str, optional
        The path of what is wrong, such as ``"session.audio.input.loudness"``.
    status : int
        The HTTP status, when the refusal answers a request.
    """

    def __init__(
        self,
        message: str,
        code: str,
        *,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.status = status
        self.kind = kind

    def to_wire(self) -> dict[str, str | None]:
        """Return the `error` object of a response body or an `error` event."""
        return {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}


def api_error_from(error: ValidationError, given: object, root: str) -> ApiError:
    """Return the first fault that pydantic found in `given`, in OpenAI's words, with its path below `root`.

    Without a `root` the path begins with the key itself.
    """
    fault = error.errors(include_url=False)[0]
    path = _path(given, fault["loc"], root, is_missing=fault["type"] == "missing").removeprefix(".")
    if fault["type"] in ("union_tag_invalid", "union_tag_not_found"):
        # Pydantic blames the object; what is wrong in it is its type.
        path += ".type"
        tag = fault.get("ctx", {}).get("tag")
        if tag in (None, "object"):
            return ApiError(f"Missing required parameter: '{path}'.", "missing_required_parameter", param=path)
        known = fault["ctx"]["expected_tags"].replace("'word', ", "")
        return ApiError(f"Invalid value: '{tag}'. Supported values are: {known}.", "invalid_value", param=path)
    if fault["type"] == "extra_forbidden":
        return ApiError(f"Unknown parameter: '{path}'.", "unknown_parameter", param=path)
    if fault["type"] == "missing":
        return ApiError(f"Missing required parameter: '{path}'.", "missing_required_parameter", param=path)
    if fault["type"] == "too_long" and fault["loc"][-1:] == ("output_modalities",):
        message = f"Invalid value for '{path}': a response is spoken or written. Give ['audio'] or ['text']."
        return ApiError(message, "invalid_value", param=path)
    what = "Input should be an object" if fault["type"] in _NO_OBJECT else fault["msg"]
    return ApiError(f"Invalid value for '{path}': {what}.", "invalid_value", param=path)


_NO_OBJECT = ("model_type", "model_attributes_type", "dict_type")
"""Where pydantic's words would name its own classes."""


def _path(given: object, location: tuple[int | str, ...], root: str, *, is_missing: bool) -> str:
    path = root
    for at, step in enumerate(location):
        is_last = at == len(location) - 1
        if isinstance(step, int) and isinstance(given, list):
            path, given = f"{path}[{step}]", given[step]
        elif isinstance(given, Mapping) and step == given.get("type") and not is_last:
            continue  # pydantic names the member of a union by its type; a key may have that name as well
        elif isinstance(given, Mapping) and (step in given or (is_last and is_missing)):
            path, given = f"{path}.{step}", given.get(step)
        # Else it is the member of another union, which is no key of what was given.
    return path
