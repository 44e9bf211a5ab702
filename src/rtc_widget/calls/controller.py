"""Making, steering and ending a call."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Self, cast

from rtc_widget.call_widget import CallWidget
from rtc_widget.errors import AwaitUnsupported, Cancelled, PageNotFound, PageTimeout, WidgetClosed
from rtc_widget.webrtc.devices import Device, devices_from_wire
from rtc_widget.webrtc.diagnosis import Diagnosis, diagnosis_from_wire


class Calling(CallWidget):
    """The part of `VoiceChat` that makes and ends calls."""

    _connecting: set[asyncio.Task[Any]]
    """Those that are in `connect`."""

    async def connect(self, timeout: float = 30, *, microphone: bool | None = None) -> None:
        """Make the call; returns when events can be sent. Does nothing when there is a call already.

        The page asks for the microphone if it has to. If this is cancelled or takes too long, so is the call.

        Parameters
        ----------
        timeout : float
            Seconds for all of it, a person's answer to the permission prompt included.
        microphone : bool, optional
            False: this call is for writing and listening. Left out: as the widget's `microphone` says.

        Raises
        ------
        AwaitUnsupported
            In a cell of ipykernel 6, which cannot hear the page before the cell has ended.
        PageNotFound, PageTimeout, WidgetClosed
            If no page shows this widget, or it does not answer, or the widget was closed.
        MicrophoneError, SignalingError, CallError
            What the page could not do.
        """
        if self.status == "connected":
            return
        self._await_here()
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._connecting.add(task)
        try:
            await self._bridge.request("connect", timeout=timeout, microphone=microphone)
        except (PageTimeout, AwaitUnsupported, asyncio.CancelledError) as error:
            # Called off, or it would come about unattended. Without a page there is nothing to call off.
            with contextlib.suppress(PageNotFound, WidgetClosed):
                self._bridge.post("disconnect", self._record.fault)
            if isinstance(error, asyncio.CancelledError) and task not in self._connecting:
                task.uncancel()  # it was `disconnect` that did it, and it ends the call, not the task
                raise Cancelled("The call was ended before it was made.") from None
            raise
        finally:
            self._connecting.discard(task)

    async def __aenter__(self) -> Self:
        """Make the call; it ends with the block, and so does the widget."""
        try:
            await self.connect(timeout=150)
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.disconnect()
        finally:
            self.close()

    async def disconnect(self, timeout: float = 10) -> None:
        """End the call and stop the microphone; without a call it does nothing.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the page. The server is told in any case.

        Raises
        ------
        AwaitUnsupported, PageTimeout
            As for `connect`.
        """
        if self.status == "idle":
            # Nothing has been heard of a call yet; what has just been asked for is not to come about after this.
            called_off, self._connecting = self._connecting, set()
            for task in called_off:
                task.get_loop().call_soon_threadsafe(task.cancel)  # it may be another thread's
            if not (called_off and self._bridge.has_page):
                return
        self._await_here()
        try:
            await self._bridge.request("disconnect", timeout=timeout)
        except PageTimeout:
            # Nobody is there to end it: the traits must not go on claiming a call.
            self._bridge.drop_active_page()
            raise
        except PageNotFound:
            # It has just left, and its call with it.
            self._bridge.drop_active_page()
        finally:
            self._negotiator.hang_up_all()

    def mute(self) -> None:
        """Silence the microphone without closing it; holds for the next call, too.

        Raises
        ------
        PageNotFound
            If no page shows this widget.
        """
        self._bridge.post("mute", self._record.fault, muted=True)

    def unmute(self) -> None:
        """Let the microphone be heard again.

        Raises
        ------
        PageNotFound
            If no page shows this widget.
        """
        self._bridge.post("mute", self._record.fault, muted=False)

    async def devices(self, timeout: float = 10) -> list[Device]:
        """Return the microphones and loudspeakers of the page's machine.

        Their names are known once the microphone has been permitted.

        Raises
        ------
        AwaitUnsupported, PageNotFound, PageTimeout
            As for `connect`.
        """
        self._await_here()
        return devices_from_wire(await self._bridge.request("devices", timeout=timeout))

    async def use_microphone(self, microphone: str | Device | None, timeout: float = 10) -> list[Device]:
        """Speak through another microphone, also in the middle of a call; the browser remembers the choice.

        Parameters
        ----------
        microphone : str, Device or None
            Its name, a part of the name that only one has, or its id. None leaves the choice to the browser.

        Returns
        -------
        list of Device
            The devices as they are now.

        Raises
        ------
        DeviceNotFound
            If there is none of that name.
        MicrophoneError, AwaitUnsupported, PageNotFound, PageTimeout
            As for `connect`.
        """
        return await self._use("microphone", microphone, timeout)

    async def use_speaker(self, speaker: str | Device | None, timeout: float = 10) -> list[Device]:
        """Hear through another loudspeaker, where the browser lets a page choose; see `use_microphone`."""
        return await self._use("speaker", speaker, timeout)

    async def diagnose(self, timeout: float = 10) -> Diagnosis:
        """Return what was tried for the last call and where it stopped: ``print(await chat.diagnose())``.

        Raises
        ------
        AwaitUnsupported, PageNotFound, PageTimeout
            As for `connect`.
        """
        self._await_here()
        return diagnosis_from_wire(await self._bridge.request("diagnose", timeout=timeout))

    async def _use(self, kind: str, device: str | Device | None, timeout: float) -> list[Device]:
        self._await_here()
        word = device.id if isinstance(device, Device) else device
        return devices_from_wire(
            await self._bridge.request("use_device", timeout=timeout, device_kind=kind, device=word)
        )
