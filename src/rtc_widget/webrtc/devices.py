"""Microphones and loudspeakers of the machine on which the page runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Device:
    """A microphone or a loudspeaker, as the browser names it (W3C ``MediaDeviceInfo``).

    Attributes
    ----------
    kind : {"microphone", "speaker"}
        Which of the two.
    name : str
        What the system calls it; empty until the microphone has been permitted.
    id : str
        The browser's id; the same for this site until its data is cleared.
    chosen : bool
        Whether a person, or `VoiceChat.use_microphone`, has chosen it.
    in_use : bool
        Whether the call hears through it now.
    """

    kind: Literal["microphone", "speaker"]
    name: str
    id: str
    chosen: bool = False
    in_use: bool = False


def devices_from_wire(result: Mapping[str, Any]) -> list[Device]:
    """Return the devices that the page lists."""
    return [
        Device(entry["kind"], str(entry["name"]), str(entry["id"]), bool(entry["chosen"]), bool(entry["in_use"]))
        for entry in result.get("devices", ())
        if entry.get("kind") in ("microphone", "speaker")
    ]
