"""Microphones and loudspeakers that the page can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Device:
    """A microphone or a loudspeaker (W3C ``MediaDeviceInfo``).

    Attributes
    ----------
    kind : {"microphone", "speaker"}
        The kind of device.
    name : str
        The name that the system gives it; empty before microphone access was granted.
    id : str
        The browser's id, which is stable for this site until its data is cleared.
    chosen : bool
        Whether it was chosen in the page or by `VoiceChat.use_microphone` or `VoiceChat.use_speaker`.
    in_use : bool
        Whether the call uses it now.
    """

    kind: Literal["microphone", "speaker"]
    name: str
    id: str
    chosen: bool = False
    in_use: bool = False


def devices_from_wire(result: Mapping[str, Any]) -> list[Device]:
    """Return the devices in a reply of the page."""
    return [
        Device(entry["kind"], str(entry["name"]), str(entry["id"]), bool(entry["chosen"]), bool(entry["in_use"]))
        for entry in result.get("devices", ())
        if entry.get("kind") in ("microphone", "speaker")
    ]
