"""Plays clips in place of the microphone."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.calls.record import CallRecord
from rtc_widget.calls.settings import SettingsWriter
from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.media import ClipOffers, PcmClip, require_short
from rtc_widget.errors import AwaitUnsupported, NotConnected, PageNotFound, PageTimeout, ReceiveOnly
from rtc_widget.kernel.await_guard import AwaitGuard

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip
    from rtc_widget.comm.media import ClipSource

    Microphone = bool | Literal["clips"] | AudioClip

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SpokenInterval:
    """When a clip was spoken.

    Attributes
    ----------
    start, end : float
        Seconds since the call began, as `Event.elapsed`.
    """

    start: float
    end: float


class ClipPlayer:
    """Plays clips through the page, one after the other, and keeps the clip that replaces the microphone.

    Parameters
    ----------
    bridge : Bridge
        The way to the page.
    clips : ClipOffers
        Gives the page the clips' samples.
    settings : SettingsWriter
        Tells the page which audio a call sends.
    record : CallRecord
        Knows the state of the call.
    media : MediaRecord
        Has the time base of the call.
    guard : AwaitGuard
        Knows whether waiting is possible.
    """

    def __init__(
        self,
        bridge: Bridge,
        clips: ClipOffers,
        settings: SettingsWriter,
        record: CallRecord,
        media: MediaRecord,
        guard: AwaitGuard,
    ) -> None:
        self._bridge = bridge
        self._offers = clips
        self._settings = settings
        self._record = record
        self._media = media
        self._guard = guard
        self._microphone_clip: AudioClip | None = None
        # Seconds of clips that wait to be played.
        self._waiting_seconds = 0.0

    async def play(self, source: ClipSource, timeout: float | None) -> SpokenInterval:
        """Play a clip and return when it was heard; see `VoiceChat.say`."""
        clip = PcmClip.of(source)
        if not self._record.is_open:
            raise NotConnected(f"The clip was not played: the data channel is {self._record.data_channel_state}.")
        if self._record.is_receive_only and self._settings.current.microphone != "clips":
            raise ReceiveOnly("The clip was not played: this call is for writing and listening only.")
        self._guard.require_page()
        id = self._offers.offer(clip)
        self._waiting_seconds += clip.seconds
        limit = self._waiting_seconds + _PATIENCE_SECONDS if timeout is None else timeout
        try:
            reply = await self._bridge.request("play_clip", timeout=limit, clip=id)
        except (PageTimeout, AwaitUnsupported, asyncio.CancelledError):
            # Nobody waits for its end. Without a page nothing is played.
            with contextlib.suppress(PageNotFound):
                self._bridge.post("cancel_clip", self._record.fault, clip=id)
            raise
        finally:
            self._waiting_seconds -= clip.seconds
            self._offers.withdraw(id)
        return SpokenInterval(*(self._media.elapsed(float(reply[name])) for name in ("start_ms", "end_ms")))

    @property
    def microphone(self) -> Microphone:
        """What calls hear; see `VoiceChat.microphone`."""
        return self._settings.current.microphone if self._microphone_clip is None else self._microphone_clip

    @microphone.setter
    def microphone(self, value: Microphone | ClipSource) -> None:
        choice = microphone_choice(value)
        before = self._settings.current.microphone_clip
        if isinstance(choice, bool | str):
            self._microphone_clip = None
            self._settings.change(microphone=choice, microphone_clip=None)
        else:
            self._microphone_clip = choice
            self._settings.change(microphone=True, microphone_clip=self._offers.offer(PcmClip.of(choice)))
        if before is not None:
            self._offers.withdraw(before)


def microphone_choice(value: Microphone | ClipSource) -> Microphone:
    """Return what `VoiceChat.microphone` was set to: a truth value, ``"clips"``, or else a clip.

    Raises
    ------
    InvalidAudio, ClipTooLong
        If it is a clip that cannot be played.
    TypeError
        If it is neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value == "clips":
        return "clips"
    if value is None or isinstance(value, int | float):
        raise TypeError(
            f"microphone must be True, False, 'clips', or a clip (AudioClip, path or array), got {value!r}."
        )
    from rtc_widget.audio.clip import AudioClip

    clip = AudioClip.of(value)
    require_short(clip)
    return clip
