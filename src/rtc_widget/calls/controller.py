"""Makes, mutes and ends calls, and chooses their devices."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal, cast

from rtc_widget.calls.record import CallRecord
from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.negotiation import Negotiator
from rtc_widget.errors import AwaitUnsupported, Cancelled, PageNotFound, PageTimeout, SignalingTimeout, WidgetClosed
from rtc_widget.errors.texts import text
from rtc_widget.kernel.await_guard import AwaitGuard
from rtc_widget.webrtc.devices import Device, devices_from_wire
from rtc_widget.webrtc.diagnosis import Diagnosis, diagnosis_from_wire

logger = logging.getLogger("rtc_widget")

_CONNECT_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
"""A server with an orderly end says what is left to be said first; the user waits no longer than this."""
_PERMISSION_HINT = "Look at the widget: it may be waiting for your permission to use the microphone."


class CallController:
    """Asks the page to make and end calls.

    Parameters
    ----------
    bridge : Bridge
        The way to the page.
    negotiator : Negotiator
        Hangs calls up on the server.
    record : CallRecord
        Knows the state of the call.
    guard : AwaitGuard
        Knows whether waiting is possible.
    asks_for_microphone : callable
        Whether the page asks the user for a microphone.
    close_session : callable
        Ends the session in an orderly way, in at most so many seconds.
    """

    def __init__(
        self,
        bridge: Bridge,
        negotiator: Negotiator,
        record: CallRecord,
        guard: AwaitGuard,
        asks_for_microphone: Callable[[], bool],
        close_session: Callable[[float], Awaitable[None]],
    ) -> None:
        self._close_session = close_session
        self._asks_for_microphone = asks_for_microphone
        self._bridge = bridge
        self._negotiator = negotiator
        self._record = record
        self._guard = guard
        # The tasks that wait in `connect`.
        self._connecting: set[asyncio.Task[Any]] = set()

    async def connect(self, timeout: float | None, *, microphone: bool | None, resume: bool) -> None:
        """Make the call; see `VoiceChat.connect`."""
        if self._record.status == "connected":
            return
        if resume and not self._record.has_had_call:
            logger.warning("%s", text("nothing_to_resume"))
            resume = False
        self._guard.require_page()
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._connecting.add(task)
        try:
            await self._request_call(timeout, microphone, resume)
        except (SignalingTimeout, PageTimeout, AwaitUnsupported, asyncio.CancelledError) as error:
            # Cancel the attempt, or a call nobody waits for would begin. Without a page there is no attempt.
            with contextlib.suppress(PageNotFound, WidgetClosed):
                self._bridge.post("disconnect", self._record.fault)
            if isinstance(error, asyncio.CancelledError) and task not in self._connecting:
                task.uncancel()  # `disconnect` cancelled it; that ends the call and not the task
                raise Cancelled("The call was ended before it was made.") from None
            raise
        finally:
            self._connecting.discard(task)

    async def _request_call(self, timeout: float | None, microphone: bool | None, resume: bool) -> None:
        # A server that starts slowly has a time limit of its own, and reports when it is over.
        pauses = (lambda: False) if timeout is not None else (lambda: self._negotiator.is_starting)
        seconds = _CONNECT_SECONDS if timeout is None else timeout
        try:
            await self._bridge.request("connect", timeout=seconds, pauses=pauses, microphone=microphone, resume=resume)
        except PageTimeout as error:
            if self._negotiator.is_starting:
                raise self._negotiator.still_starting(seconds) from None
            if microphone is not False and self._asks_for_microphone():
                raise PageTimeout(error.message, hint=_PERMISSION_HINT) from None
            raise

    async def disconnect(self, timeout: float) -> None:
        """End the call; see `VoiceChat.disconnect`."""
        if self._record.status == "idle":
            # No state of a call has arrived yet; an attempt that was just asked for must not go on.
            cancelled, self._connecting = self._connecting, set()
            for task in cancelled:
                task.get_loop().call_soon_threadsafe(task.cancel)  # it may belong to another thread
            if not (cancelled and self._bridge.has_page):
                return
        self._guard.require_page()
        if self._record.data_channel_state == "open":
            # The server's last event has the final usage.
            await self._close_session(min(timeout, _CLOSE_SECONDS))
        try:
            await self._bridge.request("disconnect", timeout=timeout)
        except PageTimeout:
            # No page ends the call: the traits must not go on reporting one.
            self._bridge.drop_active_page()
            raise
        except PageNotFound:
            # The page has just left, and its call has ended.
            self._bridge.drop_active_page()
        finally:
            self._negotiator.hang_up_all()

    def mute(self, *, muted: bool) -> None:
        """Mute or unmute the microphone."""
        self._bridge.post("mute", self._record.fault, muted=muted)

    async def devices(self, timeout: float) -> list[Device]:
        """Return the devices of the page's machine."""
        self._guard.require_page()
        return devices_from_wire(await self._bridge.request("devices", timeout=timeout))

    async def use_device(
        self, kind: Literal["microphone", "speaker"], device: str | Device | None, timeout: float
    ) -> list[Device]:
        """Use another device and return the devices; see `VoiceChat.use_microphone`."""
        self._guard.require_page()
        word = device.id if isinstance(device, Device) else device
        return devices_from_wire(
            await self._bridge.request("use_device", timeout=timeout, device_kind=kind, device=word)
        )

    async def diagnose(self, timeout: float) -> Diagnosis:
        """Return what was tried for the last call."""
        self._guard.require_page()
        return diagnosis_from_wire(await self._bridge.request("diagnose", timeout=timeout))
