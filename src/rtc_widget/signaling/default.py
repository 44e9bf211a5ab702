"""The server to call if the user names none."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from rtc_widget.errors import MissingKey
from rtc_widget.signaling.base import Answer, Progress, Signaling
from rtc_widget.signaling.keys import OPENAI_VARIABLE
from rtc_widget.signaling.openai import OpenAI
from rtc_widget.signaling.shared_server import SERVER_VARIABLE
from rtc_widget.types import DEFAULT_PROTOCOL

WHAT_TO_DO = (
    "Install the embedded voice server: pip install 'rtc-widget[local]', "
    f"or set {OPENAI_VARIABLE}. Then run this cell again."
)


def default_signaling() -> Signaling:
    """Return the server that the environment names, by ``RTC_WIDGET_SERVER`` or OpenAI's key.

    Without one, the embedded server if it is installed, else `NoServer`.
    """
    if os.environ.get(SERVER_VARIABLE, "").strip():
        from rtc_widget.signaling import local

        return local.Local()
    if os.environ.get(OPENAI_VARIABLE, "").strip():
        return OpenAI()
    from rtc_widget.signaling import local

    return local.Local() if local.is_installed() else NoServer()


class NoServer:
    """A placeholder without a server; its calls fail with an error that says what to do."""

    name = "no server"
    protocol = DEFAULT_PROTOCOL
    data_channel_label = "oai-events"
    ice_servers: Sequence[Mapping[str, Any]] = ()

    async def prepare(self, progress: Progress) -> None:
        """Raise `MissingKey`."""
        raise MissingKey("No voice server is configured.", hint=WHAT_TO_DO)

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Raise `MissingKey`."""
        raise MissingKey("No voice server is configured.", hint=WHAT_TO_DO)

    async def hang_up(self, call_id: str) -> None:
        """Do nothing, since there are no calls."""
