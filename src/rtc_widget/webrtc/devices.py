"""Microphones and loudspeakers that the page can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from rtc_widget._html import faint, table, view


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

    def __str__(self) -> str:
        about = [word for word, is_so in (("in use", self.in_use), ("chosen", self.chosen)) if is_so]
        return f"{self.kind}: {self.name or 'no name'}" + (f" ({', '.join(about)})" if about else "")


class Devices(list[Device]):
    """The devices of a page's machine; a notebook shows them as a table."""

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "No devices."

    def _repr_html_(self) -> str:
        if not self:
            return view(faint("The browser reports no microphones and no speakers."))
        rows = (
            (
                device.kind,
                escape(device.name) or faint("no name"),
                _mark(is_so=device.in_use),
                _mark(is_so=device.chosen),
            )
            for device in self
        )
        is_unnamed = not any(device.name for device in self)
        note = faint("The names are known once the microphone has been permitted.") if is_unnamed else ""
        return view(table(("kind", "name", "in use", "chosen"), rows), note)


def _mark(*, is_so: bool) -> str:
    return '<span class="ok" aria-label="yes">✓</span>' if is_so else ""


def devices_from_wire(result: Mapping[str, Any]) -> Devices:
    """Return the devices in a reply of the page."""
    return Devices(
        Device(entry["kind"], str(entry["name"]), str(entry["id"]), bool(entry["chosen"]), bool(entry["in_use"]))
        for entry in result.get("devices", ())
        if entry.get("kind") in ("microphone", "speaker")
    )
