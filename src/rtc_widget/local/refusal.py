"""What the server refuses, in the shape in which OpenAI refuses it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError


class Refusal(Exception):
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


def refusal_of(error: ValidationError, given: object, root: str) -> Refusal:
    """Return the first fault that pydantic found in `given`, in OpenAI's words, with its path below `root`.

    Without a `root` the path begins with the key itself.
    """
    fault = error.errors(include_url=False)[0]
    path = _path(given, fault["loc"], root).removeprefix(".")
    if fault["type"] in ("union_tag_invalid", "union_tag_not_found"):
        # Pydantic blames the object; what is wrong in it is its type.
        path += ".type"
    if fault["type"] == "extra_forbidden":
        return Refusal(f"Unknown parameter: '{path}'.", "unknown_parameter", param=path)
    if fault["type"] == "missing":
        return Refusal(f"Missing required parameter: '{path}'.", "missing_required_parameter", param=path)
    return Refusal(f"Invalid value for '{path}': {fault['msg']}.", "invalid_value", param=path)


def _path(given: object, location: tuple[int | str, ...], root: str) -> str:
    path = root
    for at, step in enumerate(location):
        is_last = at == len(location) - 1
        if isinstance(step, int) and isinstance(given, list):
            path, given = f"{path}[{step}]", given[step]
        elif isinstance(given, Mapping) and (step in given or is_last):
            path, given = f"{path}.{step}", given.get(step)
        # Else pydantic names the member of a union here, which is no key of what was given.
    return path
