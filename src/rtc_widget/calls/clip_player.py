"""Clips that speak in place of the microphone."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rtc_widget.arranging import Arranging
from rtc_widget.calls.media_record import MediaRecord
from rtc_widget.comm.media import Utterance
from rtc_widget.errors import AwaitUnsupported, ClipTooLong, NotConnected, PageNotFound, PageTimeout, ReceiveOnly

if TYPE_CHECKING:
    import numpy.typing as npt

    from rtc_widget.audio.clip import AudioClip

    Sound = AudioClip | str | Path | npt.ArrayLike
    Voice = bool | Literal["clips"] | AudioClip

LONGEST_CLIP_SECONDS = 600.0
_PATIENCE_SECONDS = 30.0
# What every browser's AudioBuffer takes (W3C Web Audio, section 1.4).
_LOWEST_RATE, _HIGHEST_RATE = 8_000, 96_000


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


class Saying(Arranging):
    """The part of `VoiceChat` that lets clips speak."""

    _heard: MediaRecord
    _microphone_clip: AudioClip | None = None
    # How many seconds of clips wait to be spoken.
    _waiting_seconds = 0.0

    async def say(self, clip: Sound, timeout: float | None = None) -> SpokenInterval:
        """Let a clip speak in place of the microphone; returns when it has been spoken.

        Silence follows for a second, so that the server notices the end; then the microphone, if there is one, is back.
        A muted microphone mutes no clip. Clips that are said at the same time are spoken one after the other. If this
        is cancelled or takes too long, the clip is cut off.

        Parameters
        ----------
        clip : AudioClip, path or array
            At most ten minutes. An array is taken for 24,000 samples a second.
        timeout : float, optional
            Seconds; left out, half a minute more than the clip lasts.

        Returns
        -------
        SpokenInterval
            When it began and ended: what to measure a latency from.

        Raises
        ------
        NotConnected
            If there is no call.
        ReceiveOnly
            If the call was made for listening only: nothing can be said in it. ``microphone="clips"`` makes one in
            which clips are said and nobody is asked for a microphone.
        InvalidAudio, ClipTooLong
            If it cannot be spoken.
        ClipInterrupted
            If the call ends before the clip does.
        AwaitUnsupported, PageTimeout
            As for `connect`.

        Examples
        --------
        >>> said = await chat.say("question.wav")  # doctest: +SKIP
        >>> answer = await chat.wait_for("output_audio_buffer.started")  # doctest: +SKIP
        >>> answer.elapsed - said.end  # doctest: +SKIP
        0.83
        """
        utterance = _utterance(clip)
        if self.data_channel_state != "open":
            raise NotConnected(f"Nothing was said: the data channel is {self.data_channel_state}.")
        if self._record.is_made_for_listening and self._call_settings.microphone != "clips":
            raise ReceiveOnly("This call is for writing and listening only, so no clip can be said in it.")
        self._await_here()
        id = self._media.offer(utterance)
        self._waiting_seconds += utterance.seconds
        limit = self._waiting_seconds + _PATIENCE_SECONDS if timeout is None else timeout
        try:
            reply = await self._bridge.request("play_clip", timeout=limit, clip=id)
        except (PageTimeout, AwaitUnsupported, asyncio.CancelledError):
            # Nobody waits for its end any more. Without a page nothing speaks.
            with contextlib.suppress(PageNotFound):
                self._bridge.post("cancel_clip", self._record.fault, clip=id)
            raise
        finally:
            self._waiting_seconds -= utterance.seconds
            self._media.withdraw(id)
        return SpokenInterval(*(self._heard.elapsed(float(reply[name])) for name in ("start_ms", "end_ms")))

    @property
    def microphone(self) -> Voice:
        """What calls hear: True, a microphone; False, nothing, for calls of writing and listening; or a clip.

        ``"clips"`` is a call without a microphone in which clips can be said (`say`).
        A clip, or a path or array to make one of, speaks once in each call, from when events can be sent; then it is
        silent. The browser is asked for no microphone then. Holds for the next call.
        """
        return self._call_settings.microphone if self._microphone_clip is None else self._microphone_clip

    @microphone.setter
    def microphone(self, value: Voice | Sound) -> None:
        choice = microphone_choice(value)
        before = self._call_settings.microphone_clip
        if isinstance(choice, bool | str):
            self._microphone_clip = None
            self._change_settings(microphone=choice, microphone_clip=None)
        else:
            self._microphone_clip = choice
            self._change_settings(microphone=True, microphone_clip=self._media.offer(_utterance(choice)))
        if before is not None:
            self._media.withdraw(before)


def microphone_choice(value: Voice | Sound) -> Voice:
    """Return what `VoiceChat.microphone` was set to: a truth value, ``"clips"``, or else a clip.

    Raises
    ------
    InvalidAudio, ClipTooLong
        If it is no clip that can be spoken.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value == "clips":
        return "clips"
    if value is None or isinstance(value, int | float):
        raise TypeError(f"microphone is True, False, 'clips', or a clip (AudioClip, path or array), not {value!r}")
    from rtc_widget.audio.clip import AudioClip

    clip = AudioClip.of(value)
    _require_short(clip)
    return clip


def _utterance(sound: Sound) -> Utterance:
    from rtc_widget.audio.clip import RATE, AudioClip

    clip = AudioClip.of(sound)
    _require_short(clip)
    if not _LOWEST_RATE <= clip.sample_rate <= _HIGHEST_RATE:
        clip = clip.resample(RATE)
    return Utterance(clip.pcm.astype("<i2").tobytes(), clip.sample_rate)


def _require_short(clip: AudioClip) -> None:
    if clip.duration > LONGEST_CLIP_SECONDS:
        raise ClipTooLong(f"The clip lasts {clip.duration:.0f} s; a page takes {LONGEST_CLIP_SECONDS:.0f} s.")
