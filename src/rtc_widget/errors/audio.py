"""Sound that cannot be heard, said or kept."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class AudioError(RtcWidgetError):
    """Sound could not be heard, said or kept."""

    code = "audio"


class InvalidAudio(AudioError, ValueError):
    """What was given is no sound: empty, not a number somewhere, of an odd shape, or no audio file."""

    code = "invalid_audio"


class ClipTooLong(AudioError):
    """The clip is longer than a page takes."""

    code = "clip_too_long"


class ClipNotFound(AudioError):
    """The page asked for a clip that the kernel does not have any more."""

    code = "clip_not_found"


class ClipFailed(AudioError):
    """The page could not speak a clip; the call goes on."""

    code = "clip_failed"


class ClipInterrupted(AudioError):
    """The call ended before the clip did."""

    code = "clip_interrupted"


class ReceiveOnly(AudioError):
    """The call was made without a line on which anything could be said."""

    code = "receive_only"


class AudioBlocked(AudioError):
    """The browser lets the page use no sound before someone has clicked into it."""

    code = "audio_blocked"


class RecordingUnavailable(AudioError):
    """The page cannot record."""

    code = "recording_unavailable"


class NothingRecorded(AudioError):
    """There is no recorded sound."""

    code = "nothing_recorded"
