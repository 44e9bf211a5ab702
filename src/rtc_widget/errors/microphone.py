"""Errors of microphones and loudspeakers."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class MicrophoneError(RtcWidgetError):
    """The microphone could not be opened."""

    code = "microphone"


class MicrophoneDenied(MicrophoneError):
    """The user, the browser or the system refused access to the microphone."""

    code = "microphone_denied"


class MicrophoneBlocked(MicrophoneError):
    """The embedding page does not allow microphone access."""

    code = "microphone_blocked"


class DeviceNotFound(MicrophoneError):
    """No microphone or loudspeaker has this name or id."""

    code = "device_not_found"


class SpeakerNotSelectable(MicrophoneError):
    """The browser does not allow the page to select this loudspeaker, or any."""

    code = "speaker_not_selectable"


class MicrophoneNotFound(MicrophoneError):
    """No microphone is connected."""

    code = "microphone_not_found"


class MicrophoneInUse(MicrophoneError):
    """The microphone cannot be read; another program may be using it."""

    code = "microphone_in_use"


class MicrophoneConstraints(MicrophoneError):
    """No microphone satisfies the requested constraints."""

    code = "microphone_constraints"


class InsecureContext(MicrophoneError):
    """The page was loaded over plain http from another machine."""

    code = "insecure_context"


class MediaUnavailable(MicrophoneError):
    """The browser has no microphone API here (W3C ``getUserMedia``)."""

    code = "media_unavailable"
