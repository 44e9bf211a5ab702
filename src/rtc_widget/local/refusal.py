"""What the server refuses, in the shape in which OpenAI refuses it."""

from __future__ import annotations


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
