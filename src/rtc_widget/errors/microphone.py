"""The microphone and the other devices."""

from __future__ import annotations

from rtc_widget.errors.base import RtcWidgetError


class MicrophoneError(RtcWidgetError):
    """The microphone could not be opened."""

    code = "microphone"


class MicrophoneDenied(MicrophoneError):
    """The microphone was refused."""

    code = "microphone_denied"


class MicrophoneBlocked(MicrophoneError):
    """The page around the notebook forbids the microphone."""

    code = "microphone_blocked"


class DeviceNotFound(MicrophoneError):
    """There is no microphone or loudspeaker of that name."""

    code = "device_not_found"


class SpeakerNotSelectable(MicrophoneError):
    """The browser does not let the page choose a loudspeaker, or not this one."""

    code = "speaker_not_selectable"


class MicrophoneNotFound(MicrophoneError):
    """There is no microphone."""

    code = "microphone_not_found"


class MicrophoneInUse(MicrophoneError):
    """Another program holds the microphone."""

    code = "microphone_in_use"


class MicrophoneConstraints(MicrophoneError):
    """No microphone satisfies the requested constraints."""

    code = "microphone_constraints"


class InsecureContext(MicrophoneError):
    """The page was loaded over plain http from another machine."""

    code = "insecure_context"


class MediaUnavailable(MicrophoneError):
    """The browser offers no microphone API here."""

    code = "media_unavailable"
