"""Errors of the API, in the format of OpenAI."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError


class ApiError(Exception):
    """An invalid request or event.

    Parameters
    ----------
    message : str
        What is wrong and, where it helps, what is valid.
    code : str
        The error code of OpenAI, such as ``"unknown_parameter"``.
    param : str, optional
        The path of the invalid parameter, such as ``"session.audio.input.loudness"``.
    status : int
        The HTTP status of the response to a request.
    kind : str
        The error type of OpenAI, such as ``"rate_limit_error"``.
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
    """Return the first error that pydantic found in `given`, with OpenAI's wording and its path below `root`.

    If `root` is empty, the path begins with the key itself.
    """
    detail = error.errors(include_url=False)[0]
    path = _path(given, detail["loc"], root, is_missing=detail["type"] == "missing").removeprefix(".")
    if detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        # Pydantic reports the object; the invalid part is its type.
        path += ".type"
        tag = detail.get("ctx", {}).get("tag")
        if tag in (None, "object"):
            return ApiError(f"Missing required parameter: '{path}'.", "missing_required_parameter", param=path)
        known = detail["ctx"]["expected_tags"].replace("'word', ", "")
        return ApiError(f"Invalid value: '{tag}'. Supported values are: {known}.", "invalid_value", param=path)
    if detail["type"] == "extra_forbidden":
        return ApiError(f"Unknown parameter: '{path}'.", "unknown_parameter", param=path)
    if detail["type"] == "missing":
        return ApiError(f"Missing required parameter: '{path}'.", "missing_required_parameter", param=path)
    if detail["type"] == "too_long" and detail["loc"][-1:] == ("output_modalities",):
        message = f"Invalid value for '{path}': must have one item. Use ['audio'] or ['text']."
        return ApiError(message, "invalid_value", param=path)
    reason = "Input should be an object" if detail["type"] in _NOT_AN_OBJECT else detail["msg"]
    return ApiError(f"Invalid value for '{path}': {reason}.", "invalid_value", param=path)


_NOT_AN_OBJECT = ("model_type", "model_attributes_type", "dict_type")
"""Errors whose text would name the classes of the server."""


def _path(given: object, location: tuple[int | str, ...], root: str, *, is_missing: bool) -> str:
    path = root
    tagged: object = None
    for at, step in enumerate(location):
        is_last = at == len(location) - 1
        if isinstance(step, int) and isinstance(given, list):
            path, given = f"{path}[{step}]", given[step]
        elif isinstance(given, Mapping) and step == given.get("type") and given is not tagged and not is_last:
            tagged = given
            continue  # the tag of a union member in pydantic's path; a key may have the same name
        elif isinstance(given, Mapping) and (step in given or (is_last and is_missing)):
            path, given = f"{path}.{step}", given.get(step)
        # Any other step names a member of a nested union and is not a key of the input.
    return path
