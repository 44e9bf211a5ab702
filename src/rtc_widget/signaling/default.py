"""Whom to call when nobody is named."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from rtc_widget.errors import MissingKey
from rtc_widget.signaling.base import Answer, Progress, Signaling
from rtc_widget.signaling.openai import KEY_VARIABLE, OpenAI

WHAT_TO_DO = (
    "Install the embedded voice server: pip install 'rtc-widget[local]', "
    f"or set {KEY_VARIABLE}. Then run this cell again."
)


def default_signaling() -> Signaling:
    """Return OpenAI where there is a key, else the embedded server where it is installed, else `NoServer`."""
    if os.environ.get(KEY_VARIABLE, "").strip():
        return OpenAI()
    from rtc_widget.signaling import local

    return local.Local() if local.is_installed() else NoServer()


class NoServer:
    """Stands where there is no one to call, and says what to do about it."""

    name = "nobody to call yet"
    protocol = "realtime"
    data_channel_label = "oai-events"
    ice_servers: Sequence[Mapping[str, Any]] = ()

    async def prepare(self, progress: Progress) -> None:
        """Raise `MissingKey`."""
        raise MissingKey("There is no voice server to call.", hint=WHAT_TO_DO)

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        """Raise `MissingKey`."""
        raise MissingKey("There is no voice server to call.", hint=WHAT_TO_DO)

    async def hang_up(self, call_id: str) -> None:
        """Do nothing: there was no call."""
