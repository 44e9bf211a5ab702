"""The session's settings during a call, and push-to-talk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from rtc_widget.calls.sender import Conversing
from rtc_widget.errors import NotConnected, TurnDetectionEnabled, WaitTimeout
from rtc_widget.kernel.main_loop import within
from rtc_widget.protocols.realtime.session import Session
from rtc_widget.protocols.realtime.session_settings import session_settings


class Steering(Conversing):
    """The part of `VoiceChat` that changes the session and holds the key of push-to-talk."""

    @property
    def session(self) -> Session | None:
        """The session's settings as the server has confirmed them last; None before the first call."""
        return self._session_watch.session

    async def update_session(self, timeout: float = 10, **settings: Any) -> Session:
        """Change the session's settings and wait until the server has confirmed it.

        Tools are changed by ``chat.tool`` and ``chat.tools.remove`` instead.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the server's word.
        **settings
            As for `VoiceChat`: ``instructions``, ``voice``, ``turn_detection`` … None turns a thing off.

        Returns
        -------
        Session
            What the server has confirmed.

        Raises
        ------
        InvalidSession
            If a setting is unknown.
        EventRefused
            What the server says against it; the settings are as before.
        WaitTimeout
            If it says nothing.
        NotConnected
            If there is no call: settings for the next are given to `VoiceChat`.
        AwaitUnsupported
            In a cell of ipykernel 6.
        """
        if "tools" in settings:
            raise TypeError("Tools are changed by @chat.tool and chat.tools.remove(…).")
        session = {"type": "realtime", **session_settings(settings)}
        self._await_news_here()
        event_id = f"event_{uuid4().hex[:20]}"
        confirmed = self._session_watch.expect(event_id)
        late = WaitTimeout(f"The server has not confirmed the change within {timeout} s.")
        try:
            self._send_events(
                [{"type": "session.update", "event_id": event_id, "session": session}],
                lambda error: self._session_watch.give_up(event_id, error),
            )
            return await within(timeout, confirmed, late)
        except NotConnected as error:
            hint = "`await chat.connect()` makes one; settings for every call are given to VoiceChat(…)."
            raise NotConnected(error.message, hint=hint) from None
        except WaitTimeout as error:
            if (suspected := self._session_watch.suspected(event_id)) is None:
                raise
            perhaps = f"It may be this one that it has refused: {suspected.message}"
            raise WaitTimeout(error.message, hint=perhaps) from None
        finally:
            self._session_watch.give_up(event_id)

    def start_talking(self) -> None:
        """Begin a turn of push-to-talk: the assistant falls silent, the microphone is heard.

        Needs a session that detects no turns: ``VoiceChat(turn_detection=None)``, or
        ``await chat.update_session(turn_detection=None)``. A muted microphone stays muted.

        Raises
        ------
        TurnDetectionEnabled
            If the server detects turns.
        NotConnected
            If there is no call.
        """
        self._talk(on=True)

    def stop_talking(self) -> None:
        """End the turn and ask for the answer; a turn shorter than 0.3 s is taken back.

        Raises
        ------
        TurnDetectionEnabled, NotConnected
            As for `start_talking`.
        """
        self._talk(on=False)

    @contextmanager
    def push_to_talk(self) -> Iterator[None]:
        """Talk inside the block: ``with chat.push_to_talk(): await asyncio.sleep(3)``.

        Raises
        ------
        TurnDetectionEnabled, NotConnected
            As for `start_talking`.
        """
        self.start_talking()
        try:
            yield
        finally:
            if self.data_channel_state == "open":
                self.stop_talking()

    def _talk(self, *, on: bool) -> None:
        if self.data_channel_state != "open":
            raise NotConnected(f"Not connected: the data channel is {self.data_channel_state}.")
        if self.session is not None and self.session.turn_detection is not None:
            raise TurnDetectionEnabled("The server detects by itself when a person begins and ends to talk.")
        self._bridge.post("talk", self._record.fault, on=on)
