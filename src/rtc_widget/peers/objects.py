"""The objects of a peer connection: senders, receivers, transceivers, tracks, channels and transports.

Their attributes are those of the W3C in snake_case. They are live: each event of the page brings the new values.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from rtc_widget.comm.media import ClipOffers
from rtc_widget.kernel.operation import Operation
from rtc_widget.peers.arguments import require_awaited
from rtc_widget.peers.event_access import PeerEventAccess
from rtc_widget.peers.media import media_to_wire
from rtc_widget.peers.operations import Operations, SendParameters, StatsResult
from rtc_widget.peers.record import ConnectionRecord
from rtc_widget.peers.stats import PeerStats

if TYPE_CHECKING:
    from rtc_widget.peers.media import MediaSource
    from rtc_widget.sdp.description import SessionDescription

T = TypeVar("T")


class Attribute(Generic[T]):
    """A live, read-only attribute.

    Parameters
    ----------
    default : object
        Its value as long as the page has reported none.
    doc : str
        What it is.
    setter : str, optional
        The call that changes it.
    """

    def __init__(self, default: T, doc: str, setter: str = "") -> None:
        self._default = default
        self._setter = setter
        self.__doc__ = doc

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, _owner: type) -> Attribute[T]: ...
    @overload
    def __get__(self, instance: PeerObject, _owner: type) -> T: ...
    def __get__(self, instance: PeerObject | None, _owner: type) -> Attribute[T] | T:
        if instance is None:
            return self
        value: T = instance._state().get(self._name, self._default)
        return value

    def __set__(self, _instance: PeerObject, _value: object) -> None:
        instead = f"use await {self._setter}" if self._setter else "it shows a state and cannot be set"
        raise AttributeError(f"{self._name} is read-only: {instead}.")


class Reference(Attribute[T]):
    """A live attribute whose value is another object of the connection, or None."""

    @overload
    def __get__(self, instance: None, _owner: type) -> Attribute[T]: ...
    @overload
    def __get__(self, instance: PeerObject, _owner: type) -> T: ...
    def __get__(self, instance: PeerObject | None, _owner: type) -> Attribute[T] | T:
        if instance is None:
            return self
        handle: Any = instance._state().get(self._name)
        value: T = instance._objects[handle] if isinstance(handle, str) else self._default
        return value


class PeerObject:
    """An object of a peer connection in the page.

    Attributes
    ----------
    handle : str
        The page's name of it, such as ``"channel:1"``; it never changes.
    """

    _word: ClassVar[str] = "object"

    def __init__(self, handle: str, objects: PeerObjects) -> None:
        self.handle = handle
        self._objects = objects

    def on(self, type: str, callback: Callable[..., Any] | None = None) -> Any:
        """Call a function with each event of this object of a type; see `PeerConnection.on`."""
        return self._objects.events.on(type, callback, self.handle)

    def off(self, type: str, callback: Callable[..., Any]) -> None:
        """Stop calling a function that `on` was given."""
        self._objects.events.off(type, callback, self.handle)

    def wait_for(self, type: str, timeout: float | None = 30, *, where: Any = None) -> Operation[Any]:
        """Return the next event of this object of a type; see `PeerConnection.wait_for`."""
        return self._objects.events.wait_for(type, timeout, where, self.handle)

    def stream(self, type: str = "*") -> Any:
        """Return the events of this object of a type from now on; see `PeerConnection.stream`."""
        return self._objects.events.stream(type, self.handle)

    def _state(self) -> Mapping[str, Any]:
        return self._objects.record.state(self.handle)

    def _start(self, call: str, op: str, finish: Callable[[Any], T], **arguments: Any) -> Operation[T]:
        return self._objects.operations.start(f"{self._word}.{call}", op, finish, arguments)

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._state().items() if isinstance(value, str | int | bool)}
        words = ", ".join(f"{name}={value!r}" for name, value in list(shown.items())[:6])
        return f"<{type(self).__name__} {self.handle}{': ' if words else ''}{words}>"


class MediaStreamTrack(PeerObject):
    """The sound that is sent or received (W3C Media Capture, ``MediaStreamTrack``)."""

    _word = "track"

    kind = Attribute("audio", "``audio`` or ``video``.")
    id = Attribute("", "The browser's id.")
    label = Attribute("", "The name of its source, such as that of a microphone.")
    enabled = Attribute(True, "Whether it has sound; a disabled track is silent.", "track.set_enabled(…)")
    muted = Attribute(False, "Whether its source gives no sound now.")
    ready_state = Attribute("live", "``live`` or ``ended``.")

    def set_enabled(self, enabled: bool) -> Operation[None]:
        """Let the track be heard, or replace its sound with silence."""
        return self._start(
            f"set_enabled({enabled})", "set_track_enabled", nothing, track=self.handle, enabled=bool(enabled)
        )


class IceTransport(PeerObject):
    """What carries the packets (W3C WebRTC, ``RTCIceTransport``)."""

    _word = "transport"

    state = Attribute(
        "new", "``new``, ``checking``, ``connected``, ``completed``, ``disconnected``, ``failed``, ``closed``."
    )
    gathering_state = Attribute("new", "``new``, ``gathering`` or ``complete``.")
    role = Attribute[str | None](None, "``controlling`` or ``controlled``.")
    selected_pair = Attribute[Mapping[str, Any] | None](None, "The candidate pair in use.")


class DtlsTransport(PeerObject):
    """What encrypts (W3C WebRTC, ``RTCDtlsTransport``)."""

    _word = "transport"

    state = Attribute("new", "``new``, ``connecting``, ``connected``, ``closed`` or ``failed``.")
    ice_transport = Reference[IceTransport | None](None, "The transport below.")


class SctpTransport(PeerObject):
    """What carries the data channels (W3C WebRTC, ``RTCSctpTransport``)."""

    _word = "transport"

    state = Attribute("connecting", "``connecting``, ``connected`` or ``closed``.")
    transport = Reference[DtlsTransport | None](None, "The transport below.")
    max_message_size = Attribute[float | None](None, "The largest message, in bytes.")
    max_channels = Attribute[int | None](None, "How many channels it can have.")


class RtpSender(PeerObject):
    """What sends a track (W3C WebRTC, ``RTCRtpSender``)."""

    _word = "sender"

    track = Reference[MediaStreamTrack | None](None, "The track that it sends.", "sender.replace_track(…)")
    transport = Reference[DtlsTransport | None](None, "The transport in use.")

    def replace_track(self, media: MediaSource) -> Operation[None]:
        """Send other media without a new negotiation.

        Parameters
        ----------
        media : None, "microphone", "silence", mapping, AudioClip, path or array
            None sends nothing. A mapping is as in ``{"kind": "tone", "hz": 440}``.
        """
        return self._objects.operations.start(
            "sender.replace_track(…)",
            "replace_track",
            nothing,
            lambda: {"sender": self.handle, "media": media_to_wire(media, self._objects.clips)},
        )

    def get_parameters(self) -> Operation[dict[str, Any]]:
        """Return encodings, codecs and header extensions, as the browser's JSON."""
        return self._start("get_parameters()", "get_parameters", parameters_of, sender=self.handle)

    def set_parameters(self, parameters: Mapping[str, Any]) -> Operation[None]:
        """Set changed parameters of the last `get_parameters`, such as a maximum bitrate."""
        return self._start(
            "set_parameters(…)", "set_parameters", nothing, sender=self.handle, parameters=dict(parameters)
        )

    def get_stats(self) -> Operation[PeerStats]:
        """Return the statistics of what is sent."""
        return self._start("get_stats()", "get_stats", stats_of, of=self.handle)


class RtpReceiver(PeerObject):
    """What receives a track (W3C WebRTC, ``RTCRtpReceiver``)."""

    _word = "receiver"

    track = Reference[MediaStreamTrack | None](None, "The track that it receives.")
    transport = Reference[DtlsTransport | None](None, "The transport in use.")
    jitter_buffer_target = Attribute[float | None](
        None, "How long sound is held back, in milliseconds; None: as needed.", "receiver.set_jitter_buffer_target(…)"
    )

    def set_jitter_buffer_target(self, milliseconds: float | None) -> Operation[None]:
        """Hold sound back at least this long, so that late packets are still heard; None: as needed."""
        call = f"set_jitter_buffer_target({milliseconds})"
        return self._start(call, "set_jitter_buffer_target", nothing, receiver=self.handle, milliseconds=milliseconds)

    def get_stats(self) -> Operation[PeerStats]:
        """Return the statistics of what is received."""
        return self._start("get_stats()", "get_stats", stats_of, of=self.handle)


class RtpTransceiver(PeerObject):
    """A sender and a receiver that share one section of the description (W3C WebRTC, ``RTCRtpTransceiver``)."""

    _word = "transceiver"

    mid = Attribute[str | None](None, "The name of its section; None before the first description.")
    kind = Attribute("audio", "``audio`` or ``video``.")
    direction = Attribute("sendrecv", "The direction that this side wants.", "transceiver.set_direction(…)")
    current_direction = Attribute[str | None](None, "The direction that was negotiated.")
    stopped = Attribute(False, "Whether it is stopped.", "transceiver.stop()")
    sender = Reference[RtpSender | None](None, "Its sender.")
    receiver = Reference[RtpReceiver | None](None, "Its receiver.")

    def set_direction(self, direction: str) -> Operation[None]:
        """Want another direction; it is negotiated with the next offer."""
        return self._start(
            f"set_direction({direction!r})", "set_direction", nothing, transceiver=self.handle, direction=direction
        )

    def set_codec_preferences(self, codecs: Sequence[Mapping[str, Any]]) -> Operation[None]:
        """Set which codecs are offered and in which order; entries of `PeerConnection.get_capabilities`."""
        return self._start(
            "set_codec_preferences(…)",
            "set_codec_preferences",
            nothing,
            transceiver=self.handle,
            codecs=[dict(codec) for codec in codecs],
        )

    def stop(self) -> Operation[None]:
        """Send and receive nothing more; its section ends with the next offer."""
        return self._start("stop()", "stop_transceiver", nothing, transceiver=self.handle)


class DataChannel(PeerObject):
    """A channel for messages (W3C WebRTC, ``RTCDataChannel``)."""

    _word = "channel"

    label = Attribute("", "Its name.")
    id = Attribute[int | None](None, "Its number; None until it is negotiated.")
    ordered = Attribute(True, "Whether messages arrive in the order in which they were sent.")
    max_packet_life_time = Attribute[int | None](None, "How long a message is sent again, in milliseconds.")
    max_retransmits = Attribute[int | None](None, "How often a message is sent again.")
    protocol = Attribute("", "The name of the protocol of its messages.")
    negotiated = Attribute(False, "Whether both sides created it by hand, with the same id.")
    ready_state = Attribute("connecting", "``connecting``, ``open``, ``closing`` or ``closed``.")
    buffered_amount = Attribute(0, "How many bytes wait to be sent.")
    buffered_amount_low_threshold = Attribute(
        0, "At how many waiting bytes ``bufferedamountlow`` comes.", "channel.set_buffered_amount_low_threshold(…)"
    )

    def send(self, data: str | bytes | bytearray | memoryview) -> Operation[None]:
        """Send text or bytes as one message.

        Raises
        ------
        TypeError
            If it is neither.
        InvalidStateError
            If the channel is not open.
        """
        if isinstance(data, str):
            content = {"text": data}
        elif isinstance(data, bytes | bytearray | memoryview):
            content = {"base64": base64.b64encode(data).decode()}
        else:
            raise TypeError(f"data must be str or bytes, got {type(data).__name__}.")
        return self._start("send(…)", "send", nothing, channel=self.handle, **content)

    def close(self) -> Operation[None]:
        """Close the channel; messages that wait are sent before."""
        return self._start("close()", "close_channel", nothing, channel=self.handle)

    def set_buffered_amount_low_threshold(self, bytes: int) -> Operation[None]:
        """Set at how many waiting bytes the event ``bufferedamountlow`` comes."""
        call = f"set_buffered_amount_low_threshold({bytes})"
        return self._start(call, "set_buffered_amount_low_threshold", nothing, channel=self.handle, bytes=bytes)


_KINDS: Mapping[str, type[PeerObject]] = {
    "transceiver": RtpTransceiver,
    "sender": RtpSender,
    "receiver": RtpReceiver,
    "track": MediaStreamTrack,
    "channel": DataChannel,
    "dtls": DtlsTransport,
    "ice": IceTransport,
    "sctp": SctpTransport,
}


class PeerObjects:
    """The objects of one peer connection by handle; each is made once.

    `connect` must be called before the first object is used.

    Parameters
    ----------
    clips : ClipOffers
        The clips that the page may fetch.
    """

    record: ConnectionRecord
    operations: Operations
    events: PeerEventAccess

    def __init__(self, clips: ClipOffers) -> None:
        self.clips = clips
        self._objects: dict[str, PeerObject] = {}

    def connect(self, record: ConnectionRecord, operations: Operations, events: PeerEventAccess) -> None:
        """Use these parts of the connection, which need the objects themselves."""
        self.record, self.operations, self.events = record, operations, events

    def __getitem__(self, handle: str) -> Any:
        """Return the object of a handle; None for the connection itself."""
        known = self._objects.get(handle)
        kind = _KINDS.get(handle.partition(":")[0])
        if known is None and kind is not None:
            known = self._objects.setdefault(handle, kind(handle, self))
        return known

    def listed(self, name: str) -> tuple[Any, ...]:
        """Return the objects of a list of the connection, such as its senders."""
        return tuple(self[handle] for handle in self.record.state("pc").get(name) or ())


def nothing(_result: object) -> None:
    """Finish an operation that returns nothing."""


def described(result: Any) -> SessionDescription:
    """Return the description of a result."""
    from rtc_widget.sdp.description import SessionDescription

    return SessionDescription(result.sdp, type=result.type)


def stats_of(result: StatsResult) -> PeerStats:
    """Return the statistics of a result."""
    return PeerStats(result.reports)


def parameters_of(result: SendParameters) -> dict[str, Any]:
    """Return the parameters of a result."""
    return dict(result.parameters)


def handle_of(value: Any, *kinds: type[PeerObject]) -> str:
    """Return the handle of an object that must be of one of these kinds.

    Raises
    ------
    TypeError
        If it is of another kind, or an operation whose ``await`` was forgotten.
    """
    require_awaited(value)
    if not isinstance(value, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"expected an object of this connection ({names}), got {value!r:.100}.")
    return value.handle
