"""What a signaling says about the backend of its voice model."""

from __future__ import annotations

from collections.abc import Callable

from rtc_widget.conversation.subscriptions import Failure
from rtc_widget.protocols.base import SessionOptions
from rtc_widget.signaling.base import Signaling


def session_options(signaling: Signaling, failed: Callable[[Failure], None]) -> SessionOptions:
    """Return the options of a signaling, from its optional attributes (see `rtc_widget.signaling.base.Signaling`)."""
    return SessionOptions(
        delegate=getattr(signaling, "delegate", None),
        takes_tools=bool(getattr(signaling, "takes_tools", True)),
        tools=tuple(getattr(signaling, "backend_tools", ())),
        failed=failed,
    )
