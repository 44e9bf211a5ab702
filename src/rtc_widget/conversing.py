"""Saying something to the other side, and reading what was said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from rtc_widget.call_widget import CallWidget
from rtc_widget.conversation import Transcript
from rtc_widget.errors import NotConnected
from rtc_widget.events import Event


class Conversing(CallWidget):
    """The part of `VoiceChat` that sends events and keeps the transcript."""

    def send(self, event: Mapping[str, Any]) -> str:
        """Send one client event, such as ``{"type": "response.create"}``, over the data channel.

        Parameters
        ----------
        event : mapping
            A JSON object with a ``type``.

        Returns
        -------
        str
            Its ``event_id``, made up if it had none. Servers name it in the errors that it causes.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        ValueError, TypeError
            If it is no event, or cannot be written as JSON.
        """
        return self._send_events([event])

    def send_text(self, text: str) -> str:
        """Say something in writing and ask for an answer (``conversation.item.create``, ``response.create``).

        Returns
        -------
        str
            The ``event_id`` of the item's event.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        ValueError
            If there is no text.
        """
        if not text.strip():
            raise ValueError("There is no text to send.")
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return self._send_events([{"type": "conversation.item.create", "item": item}, {"type": "response.create"}])

    @property
    def transcript(self) -> Transcript:
        """What both sides said, in the order of the conversation."""
        return self._record.transcript

    def _send_events(self, events: list[Mapping[str, Any]]) -> str:
        if self.data_channel_state != "open":
            raise NotConnected(f"Nothing was sent: the data channel is {self.data_channel_state}.")
        prepared = [{"event_id": f"event_{uuid4().hex[:20]}", **_checked(event)} for event in events]
        try:
            texts = [json.dumps(event, ensure_ascii=False, allow_nan=False) for event in prepared]
        except (TypeError, ValueError) as error:
            raise type(error)(f"The event cannot be written as JSON: {error}") from None
        self._bridge.post("send", self._record.fault, events=texts)
        return str(prepared[0]["event_id"])


def _checked(event: Mapping[str, Any]) -> dict[str, Any]:
    raw = dict(event.raw if isinstance(event, Event) else event)
    if not isinstance(raw.get("type"), str):
        raise ValueError(f"An event needs a 'type', such as 'response.create'; this one has only {sorted(raw)}.")
    return raw
