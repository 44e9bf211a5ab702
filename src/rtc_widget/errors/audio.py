"""Errors of clips and recordings."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class AudioError(RtcWidgetError):
    """Audio could not be read, played or recorded."""

    code = "audio"


class InvalidAudio(AudioError, ValueError):
    """Samples or a file cannot be used as audio: empty, not finite, of another shape or format."""

    code = "invalid_audio"


class ClipTooLong(AudioError):
    """The clip is longer than a page accepts."""

    code = "clip_too_long"


class ClipNotFound(AudioError):
    """The page requested a clip that the kernel no longer has."""

    code = "clip_not_found"


class ClipFailed(AudioError):
    """The page could not play a clip; the call continues."""

    code = "clip_failed"


class ClipInterrupted(AudioError):
    """The call ended before the clip did."""

    code = "clip_interrupted"


class InputAudioMissing(AudioError):
    """The server receives no audio of the page, so its session stands still; the call continues."""

    code = "input_audio_missing"


class ReceiveOnly(AudioError):
    """The call was made without outgoing audio (W3C direction ``recvonly``)."""

    code = "receive_only"


class AudioBlocked(AudioError):
    """The browser allows no audio on a page before the first click (autoplay policy)."""

    code = "audio_blocked"


class RecordingUnavailable(AudioError):
    """The page cannot record."""

    code = "recording_unavailable"


class NothingRecorded(AudioError):
    """No audio was recorded."""

    code = "nothing_recorded"
