"""The widget people use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, overload
from uuid import uuid4

import anywidget
import traitlets

from rtc_widget import protocol
from rtc_widget.awaiting import require_waiting
from rtc_widget.bridge import Bridge
from rtc_widget.call_desk import CallDesk
from rtc_widget.call_record import CallRecord
from rtc_widget.call_settings import CallSettings, Exchange, HasCallSettings
from rtc_widget.conversation import Transcript
from rtc_widget.devices import Device, devices_from_wire
from rtc_widget.diagnosis import Diagnosis, diagnosis_from_wire
from rtc_widget.errors import AwaitNotPossible, NotConnected, PageNotFound, PageTimeout
from rtc_widget.event_log import EventLog
from rtc_widget.events import Event
from rtc_widget.letting_go import close_when_let_go
from rtc_widget.reconnect import Reconnect
from rtc_widget.signaling.base import Signaling
from rtc_widget.signaling.default import WHAT_TO_DO, Nobody, default_signaling
from rtc_widget.signaling.session import session_settings
from rtc_widget.subscriptions import Callback, CallbackFailure, EventStream

logger = logging.getLogger("rtc_widget")

_STATIC = Path(__file__).parent / "static"
if not (_STATIC / "widget.js").is_file():
    raise ImportError(
        "rtc_widget has no page half: src/rtc_widget/static/widget.js is missing. In a checkout run scripts/build."
    )


def _from_page(values: tuple[str, ...], default: str) -> Any:
    return traitlets.Enum(values, default, read_only=True).tag(sync=True)


class VoiceChat(HasCallSettings, anywidget.AnyWidget):
    """A voice call in a notebook.

    The page holds the microphone and the connection; this object holds the record: every event, the transcript,
    the state. Its traits are written by Python alone and can be observed.

    Parameters
    ----------
    signaling : Signaling, optional
        Whom to call. Left out: `OpenAI` when ``OPENAI_API_KEY`` is set, else the embedded `Local` server.
    microphone : bool
        False: calls without a microphone, for writing and listening.
    exchange : {"kernel", "browser"}
        Who sends the offer to the server: the kernel with its key, or the page with a short-lived secret that the
        kernel has minted (``client_secrets``).
    reconnect : Reconnect or None
        How a lost connection is made anew.
    max_duration : float
        Seconds after which a call is ended.
    view_grace : float
        Seconds that a call may go on when no view of it is left on the page.
    **session
        Session settings for its calls, such as ``instructions`` or ``voice``
        (see `rtc_widget.signaling.session.session_settings`).

    Attributes
    ----------
    status : {"idle", "connecting", "connected", "reconnecting", "error"}
        How the call stands.
    connection_state, ice_connection_state, ice_gathering_state, signaling_state : str
        Those of the page's ``RTCPeerConnection`` (W3C WebRTC, section 4).
    data_channel_state : str
        That of its ``RTCDataChannel``; events can be sent while it is ``"open"``.
    microphone_permission : {"prompt", "granted", "denied", "unavailable"}
        What is known of it.
    muted, user_speaking, assistant_speaking : bool
        Who can be heard.
    listening_only : bool
        Whether the call, or the last one, has no microphone.
    error : dict or None
        ``{code, message, hint}`` of what went wrong last.
    call_id : str or None
        What the server calls this call.
    server : str
        Whom this widget calls.
    activity : str
        What is being waited for, in words; empty when nothing is.

    Raises
    ------
    InvalidSession
        If a session setting is unknown.

    Examples
    --------
    >>> chat = VoiceChat()
    >>> chat.status
    'idle'
    """

    _esm = _STATIC / "widget.js"
    _css = _STATIC / "widget.css"

    status = _from_page(protocol.STATUSES, "idle")
    connection_state = _from_page(protocol.CONNECTION_STATES, "new")
    ice_connection_state = _from_page(protocol.ICE_CONNECTION_STATES, "new")
    ice_gathering_state = _from_page(protocol.ICE_GATHERING_STATES, "new")
    signaling_state = _from_page(protocol.SIGNALING_STATES, "stable")
    data_channel_state = _from_page(protocol.DATA_CHANNEL_STATES, "closed")
    microphone_permission = _from_page(protocol.MICROPHONE_PERMISSIONS, "prompt")
    muted = traitlets.Bool(False, read_only=True).tag(sync=True)
    listening_only = traitlets.Bool(False, read_only=True).tag(sync=True)
    user_speaking = traitlets.Bool(False, read_only=True).tag(sync=True)
    assistant_speaking = traitlets.Bool(False, read_only=True).tag(sync=True)
    error = traitlets.Dict(allow_none=True, default_value=None, read_only=True).tag(sync=True)
    call_id = traitlets.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    activity = traitlets.Unicode("", read_only=True).tag(sync=True)
    server = traitlets.Unicode("", read_only=True).tag(sync=True)
    settings = traitlets.Dict(default_value=CallSettings().to_wire(), read_only=True).tag(sync=True)

    def __init__(
        self,
        signaling: Signaling | None = None,
        *,
        microphone: bool = True,
        exchange: Exchange = "kernel",
        reconnect: Reconnect | None = Reconnect(),  # noqa: B008 - frozen
        max_duration: float = 3600.0,
        view_grace: float = 10.0,
        **session: Any,
    ) -> None:
        settings = session_settings(session)
        self._call_settings = CallSettings(microphone, exchange, reconnect, max_duration, view_grace)
        if signaling is not None and not isinstance(signaling, Signaling):
            raise TypeError(f"signaling must be OpenAI(…), Local(…) or another Signaling, not {signaling!r}")
        super().__init__()
        self._signaling = default_signaling() if signaling is None else signaling
        self._record = CallRecord(self._write)
        self._loop = _running_loop()
        self._desk = CallDesk(self._signaling, settings, self._progress)
        self._bridge = Bridge(super().send, self._desk, self._record, self._loop)
        self._write({"server": self._signaling.name, "settings": self._call_settings.to_wire()})
        if isinstance(self._signaling, Nobody):
            self._write({"activity": WHAT_TO_DO})
        self.on_msg(self._receive)
        close_when_let_go(self)

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
        AwaitNotPossible
            In a cell of ipykernel 6, which cannot hear the page before the cell has ended.
        PageNotFound, PageTimeout
            If no page shows this widget, or it does not answer.
        MicrophoneError, SignalingError, CallError
            What the page could not do.
        """
        if self.status == "connected":
            return
        require_waiting()
        try:
            await self._bridge.request("connect", timeout=timeout, microphone=microphone)
        except (PageTimeout, AwaitNotPossible, asyncio.CancelledError):
            # Called off, or it would come about unattended. Without a page there is nothing to call off.
            with contextlib.suppress(PageNotFound):
                self._bridge.post("disconnect", self._record.fault)
            raise

    async def disconnect(self, timeout: float = 10) -> None:
        """End the call and stop the microphone; without a call it does nothing.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the page. The server is told in any case.

        Raises
        ------
        AwaitNotPossible, PageTimeout
            As for `connect`.
        """
        if self.status == "idle":
            return
        require_waiting()
        try:
            await self._bridge.request("disconnect", timeout=timeout)
        finally:
            self._desk.hang_up_all()

    def send(self, event: Mapping[str, Any]) -> str:
        """Send one client event, such as ``{"type": "response.create"}``, over the data channel.

        Parameters
        ----------
        event : mapping
            A JSON object with a ``type``.

        Returns
        -------
        str
            Its ``event_id``, made up if it had none. Servers name it in the errors that it causes.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        ValueError, TypeError
            If it is no event, or cannot be written as JSON.
        """
        return self._send_events([event])

    def send_text(self, text: str) -> str:
        """Say something in writing and ask for an answer (``conversation.item.create``, ``response.create``).

        Returns
        -------
        str
            The ``event_id`` of the item's event.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        ValueError
            If there is no text.
        """
        if not text.strip():
            raise ValueError("There is no text to send.")
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return self._send_events([{"type": "conversation.item.create", "item": item}, {"type": "response.create"}])

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
        AwaitNotPossible, PageNotFound, PageTimeout
            As for `connect`.
        """
        require_waiting()
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
        MicrophoneError, AwaitNotPossible, PageNotFound, PageTimeout
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
        AwaitNotPossible, PageNotFound, PageTimeout
            As for `connect`.
        """
        require_waiting()
        return diagnosis_from_wire(await self._bridge.request("diagnose", timeout=timeout))

    async def _use(self, kind: str, device: str | Device | None, timeout: float) -> list[Device]:
        require_waiting()
        word = device.id if isinstance(device, Device) else device
        return devices_from_wire(
            await self._bridge.request("use_device", timeout=timeout, device_kind=kind, device=word)
        )

    @overload
    def on(self, type: str, callback: Callback) -> Callback: ...
    @overload
    def on(self, type: str, callback: None = None) -> Callable[[Callback], Callback]: ...
    def on(self, type: str, callback: Callback | None = None) -> Callback | Callable[[Callback], Callback]:
        """Call a function with each event of a type from now on, on the kernel's main loop.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern such as ``"response.*"``.
        callback : callable, optional
            A function or coroutine function of one `Event`. Left out: use ``@chat.on("response.done")``.
        """
        if callback is None:
            return lambda function: self.on(type, function)
        self._record.subscriptions.add(type, callback)
        return callback

    def off(self, type: str, callback: Callback) -> None:
        """Stop calling what `on` was given."""
        self._record.subscriptions.remove(type, callback)

    async def wait_for(
        self, type: str, timeout: float | None = 30, *, where: Callable[[Event], object] | None = None
    ) -> Event:
        """Return the next event of a type.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern.
        timeout : float or None
            Seconds; None waits as long as it takes.
        where : callable, optional
            A condition on the event, such as ``lambda event: event.response.status == "completed"``. What it raises
            is raised here.

        Raises
        ------
        WaitTimeout
            If none comes in time (it is a `TimeoutError` as well).
        AwaitNotPossible
            In a cell of ipykernel 6.
        """
        require_waiting()
        return await self._record.subscriptions.next(type, timeout, where)

    def stream(self, type: str = "*") -> EventStream:
        """Return the events of a type from now on, for ``async for``; the loop ends with the call.

        Nothing is lost between two reads: events that come meanwhile wait.

        Parameters
        ----------
        type : str
            An event type, or a shell-style pattern.

        Raises
        ------
        NotConnected
            If there is no call whose events could come.
        AwaitNotPossible
            In a cell of ipykernel 6.

        Examples
        --------
        >>> async for event in chat.stream("response.*"):  # doctest: +SKIP
        ...     print(event.type)
        """
        if self.status in ("idle", "error"):
            raise NotConnected("There is no call whose events could be read.")
        require_waiting()
        return self._record.subscriptions.stream(type)

    @property
    def events(self) -> EventLog:
        """Every event of this widget's calls, oldest first."""
        return self._record.events

    @property
    def errors(self) -> list[CallbackFailure]:
        """What callbacks have raised, oldest first; they are logged as well and never break the call."""
        return list(self._record.subscriptions.failures)

    @property
    def transcript(self) -> Transcript:
        """What both sides said, in the order of the conversation."""
        return self._record.transcript

    def close(self) -> None:
        """End the call, stop the microphone and take the widget off every page."""
        # `__del__` closes too, also what was never finished because a parameter was wrong.
        if hasattr(self, "_desk"):
            self._desk.hang_up_all()
        if hasattr(self, "_bridge"):
            self._bridge.close()
        super().close()

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take no state from a page: Python is the only writer of the traits."""

    def __repr__(self) -> str:
        return f"<VoiceChat: {self.status}, {self.server}>"

    def _send_events(self, events: list[Mapping[str, Any]]) -> str:
        if self.data_channel_state != "open":
            raise NotConnected(f"Nothing was sent: the data channel is {self.data_channel_state}.")
        prepared = [{"event_id": f"event_{uuid4().hex[:20]}", **_checked(event)} for event in events]
        try:
            texts = [json.dumps(event, ensure_ascii=False, allow_nan=False) for event in prepared]
        except (TypeError, ValueError) as error:
            raise type(error)(f"The event cannot be written as JSON: {error}") from None
        self._bridge.post("send", self._record.fault, events=texts)
        return str(prepared[0]["event_id"])

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        self._bridge.receive(content)

    def _write(self, values: Mapping[str, object]) -> None:
        # One message for all of them, so that the pages never see half a state.
        with self.hold_sync():
            for name, value in values.items():
                try:
                    self.set_trait(name, value)
                except Exception:
                    # An observer of the user's failed: the other traits must not lag behind for that.
                    logger.exception("An observer of %r failed", name)

    def _progress(self, words: str) -> None:
        # Comes on the I/O thread; traits are assigned on the main loop.
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._write, {"activity": words})


def _checked(event: Mapping[str, Any]) -> dict[str, Any]:
    raw = dict(event.raw if isinstance(event, Event) else event)
    if not isinstance(raw.get("type"), str):
        raise ValueError(f"An event needs a 'type', such as 'response.create'; this one has only {sorted(raw)}.")
    return raw


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
