"""Changes the session's settings during a call, and takes turns of push-to-talk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rtc_widget.calls.record import CallRecord
from rtc_widget.comm.bridge import Bridge
from rtc_widget.conversation.json_object import JsonObject
from rtc_widget.errors import NotConnected, TurnDetectionEnabled
from rtc_widget.kernel.await_guard import AwaitGuard
from rtc_widget.protocols.base import Channel, VoiceSession


class SessionControl:
    """Changes settings by the protocol, and tells the page when a turn of push-to-talk begins and ends.

    Parameters
    ----------
    session : VoiceSession
        Sends changes and waits for the server.
    bridge : Bridge
        The way to the page.
    record : CallRecord
        Knows the state of the data channel; shows errors of the page.
    guard : AwaitGuard
        Knows whether waiting is possible.
    check : callable
        Refuses settings that the server would not take.
    """

    def __init__(
        self,
        session: VoiceSession,
        bridge: Bridge,
        record: CallRecord,
        guard: AwaitGuard,
        check: Callable[[Mapping[str, Any]], None] = lambda settings: None,
    ) -> None:
        self._session = session
        self._bridge = bridge
        self._record = record
        self._guard = guard
        self._check = check

    async def update(self, settings: Mapping[str, Any], timeout: float) -> JsonObject:
        """Change settings and return what the server has confirmed; see `VoiceChat.update_session`."""
        if "tools" in settings:
            raise TypeError("Tools are changed by @chat.tool and chat.tools.remove(…), not by update_session.")
        self._check(settings)
        try:
            return await self._session.update(settings, timeout, self._guard.require_events)
        except NotConnected as error:
            hint = "`await chat.connect()` makes a call; settings for every call are given to VoiceChat(…)."
            raise NotConnected(error.message, hint=hint) from None

    async def append(self, channel: Channel, text: str, timeout: float, delegation_id: str | None) -> None:
        """Add a text to what the voice model knows; see `VoiceChat.instruct`."""
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, got {type(text).__name__}.")
        if not text.strip():
            raise ValueError("text must not be empty.")
        self._guard.require_events()
        if self._record.data_channel_state != "open":
            raise NotConnected(f"Nothing was sent: the data channel is {self._record.data_channel_state}.")
        await self._session.append(channel, text, timeout, delegation_id)

    def interrupt(self, was_speaking: bool, *, silences_page: bool) -> bool:
        """Stop the response; where the server cannot stop it, let the page silence it (see `VoiceChat.interrupt`)."""
        has_stopped = self._session.interrupt()
        if not silences_page:
            return has_stopped
        self._bridge.post("silence_output", self._record.fault)
        return has_stopped or was_speaking

    @contextmanager
    def push_to_talk(self) -> Iterator[None]:
        """Hold the turn while the block runs."""
        self.talk(on=True)
        try:
            yield
        finally:
            if self._record.data_channel_state == "open":
                self.talk(on=False)

    def talk(self, *, on: bool) -> None:
        """Begin or end a turn; see `VoiceChat.start_talking`."""
        if self._record.data_channel_state != "open":
            raise NotConnected(f"Not connected: the data channel is {self._record.data_channel_state}.")
        if self._session.detects_turns:
            raise TurnDetectionEnabled("The server detects turns in this session, so push-to-talk is not available.")
        if self._session.commits_turns:
            self._bridge.post("talk", self._record.fault, on=on)
        else:
            self._bridge.post("mute", self._record.fault, muted=not on)
