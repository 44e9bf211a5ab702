"""Carries out the operations of a peer connection: one request to the page each, in the order of the awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.decoding import MalformedMessage, decode_fields
from rtc_widget.comm.media import ClipOffers
from rtc_widget.errors import (
    PageNotFound,
    PeerClosed,
    PeerNotFound,
    RtcWidgetError,
    UnexpectedError,
    WebRTCError,
    WidgetClosed,
)
from rtc_widget.kernel.await_guard import AwaitGuard
from rtc_widget.kernel.main_loop import MainLoop
from rtc_widget.kernel.operation import Operation
from rtc_widget.peers.record import ConnectionRecord
from rtc_widget.sdp.private_parts import without_credentials

OPERATION_SECONDS = 30.0
"""How long the page may take for an operation."""
PERMISSION_SECONDS = 120.0
"""How long it may take if it asks the user for the microphone."""
CLOSE_SECONDS = 5.0
"""How long `close` waits for the page."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NoResult:
    """The operation returns nothing."""


@dataclass(frozen=True, slots=True)
class CreatedPeer:
    """The page's name of a new connection."""

    peer: str


@dataclass(frozen=True, slots=True)
class CreatedDescription:
    """An offer or an answer."""

    type: str
    sdp: str


@dataclass(frozen=True, slots=True)
class AddedTrack:
    """The handles of a sender and its transceiver."""

    sender: str
    transceiver: str


@dataclass(frozen=True, slots=True)
class AddedTransceiver:
    """The handle of a transceiver."""

    transceiver: str


@dataclass(frozen=True, slots=True)
class CreatedChannel:
    """The handle of a data channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class CurrentConfiguration:
    """The configuration of the connection."""

    configuration: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the browser can send or receive."""

    capabilities: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SendParameters:
    """The parameters of a sender."""

    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StatsResult:
    """The reports of ``getStats()``."""

    reports: tuple[Mapping[str, Any], ...]


OPERATIONS: Mapping[str, tuple[frozenset[str], type]] = {
    name: (frozenset(arguments.split()), result)
    for name, arguments, result in (
        ("create", "configuration", CreatedPeer),
        ("close", "", NoResult),
        ("create_offer", "ice_restart", CreatedDescription),
        ("create_answer", "", CreatedDescription),
        ("set_local_description", "description", NoResult),
        ("set_remote_description", "description", NoResult),
        ("add_ice_candidate", "candidate", NoResult),
        ("restart_ice", "", NoResult),
        ("get_configuration", "", CurrentConfiguration),
        ("set_configuration", "configuration", NoResult),
        ("add_track", "media", AddedTrack),
        ("remove_track", "sender", NoResult),
        ("replace_track", "sender media", NoResult),
        ("set_track_enabled", "track enabled", NoResult),
        ("add_transceiver", "kind direction media", AddedTransceiver),
        ("set_direction", "transceiver direction", NoResult),
        ("set_codec_preferences", "transceiver codecs", NoResult),
        ("stop_transceiver", "transceiver", NoResult),
        ("get_capabilities", "side kind", Capabilities),
        ("get_parameters", "sender", SendParameters),
        ("set_parameters", "sender parameters", NoResult),
        ("set_jitter_buffer_target", "receiver milliseconds", NoResult),
        ("create_data_channel", "label options", CreatedChannel),
        ("send", "channel text|base64", NoResult),
        ("close_channel", "channel", NoResult),
        ("set_buffered_amount_low_threshold", "channel bytes", NoResult),
        ("get_stats", "of", StatsResult),
    )
}
"""By name: the arguments of each operation on the page, and its result; `tests/contract/peer.json` has the same."""


class Operations:
    """The operations of one peer connection. The first one creates the connection on the page.

    Parameters
    ----------
    bridge : Bridge
        The way to the page.
    record : ConnectionRecord
        What is known about the connection.
    configuration : mapping
        The configuration of the new connection.
    guard : AwaitGuard
        Knows whether waiting is possible.
    main : MainLoop
        The loop of the record.
    clips : ClipOffers
        The clips that the page may fetch: each as long as its operation runs.
    """

    def __init__(
        self,
        bridge: Bridge,
        record: ConnectionRecord,
        configuration: Mapping[str, Any],
        guard: AwaitGuard,
        main: MainLoop,
        clips: ClipOffers,
    ) -> None:
        self._bridge = bridge
        self._record = record
        self._configuration = configuration
        self._guard = guard
        self._main = main
        self._clips = clips
        self._creating = asyncio.Lock()
        self._is_created = False
        self._is_closing = False

    def start(
        self,
        call: str,
        op: str,
        finish: Callable[[Any], T],
        arguments: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = {},  # noqa: B006 - read only
    ) -> Operation[T]:
        """Return an operation that begins when it is awaited.

        Parameters
        ----------
        call : str
            The call as it is written.
        op : str
            Its name in `OPERATIONS`.
        finish : callable
            Makes the operation's result of the page's.
        arguments : mapping or callable
            The arguments for the page; a function is called when the operation begins.
        """
        return Operation(call, lambda: self._run(op, finish, arguments))

    def close(self) -> Operation[None]:
        """Ask the page to close the connection, at once; the returned operation waits until it has."""
        self._is_closing = True
        if not self._record.is_closed:
            self._ask_to_close()
        # It need not be awaited: the page has been asked already.
        return Operation("pc.close()", self._closed, is_optional=True)

    def _ask_to_close(self) -> None:
        if self._creating.locked():
            return  # `_create` asks when it has ended
        self._ask_page_to_close()

    def _ask_page_to_close(self) -> None:
        # The page may have created it, and reported so, although `create` was cancelled.
        if self._record.peer is None:
            self._main.call_now(self._record.lose)
            return
        try:
            self._bridge.post("peer", self._lose, peer=self._record.peer, op="close", args={})
        except PageNotFound:
            self._main.call_now(self._record.lose)

    def _lose(self, _error: RtcWidgetError) -> None:
        self._record.lose()

    async def _closed(self) -> None:
        if self._record.is_closed:
            return
        self._guard.require_page()
        closed = asyncio.shield(asyncio.wrap_future(self._record.closed))
        try:
            await asyncio.wait_for(closed, CLOSE_SECONDS)
        except TimeoutError:
            # No page reports the end: the traits must not go on showing a connection.
            self._bridge.drop_active_page()
            self._main.call_now(self._record.lose)

    async def _run(
        self,
        op: str,
        finish: Callable[[Any], T],
        arguments: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
    ) -> T:
        self._guard.require_page()
        args = dict(arguments() if callable(arguments) else arguments)
        try:
            await self._create()
            result = await self._request(op, args)
        except RtcWidgetError as error:
            self._main.call(self._record.show_error, error)
            raise
        finally:
            if isinstance(media := args.get("media"), Mapping) and isinstance(clip := media.get("clip"), str):
                self._clips.withdraw(clip)
        self._main.call(self._record.show_error, None)
        return finish(result)

    async def _create(self) -> None:
        async with self._creating:
            self._require_open()
            if self._is_created:
                return
            # The page of an attempt that failed may be gone; else it returns the connection that it has.
            earlier, self._record.peer = self._record.peer, None
            try:
                created: CreatedPeer = await self._request("create", {"configuration": dict(self._configuration)})
                self._is_created, self._record.peer = True, created.peer
            except BaseException:
                self._record.peer = self._record.peer or earlier
                if self._is_closing:
                    self._ask_page_to_close()
                raise
        if self._is_closing:
            self._ask_page_to_close()
            self._require_open()

    def _require_open(self) -> None:
        if self._is_closing or self._record.is_closed:
            raise PeerClosed.explained(self._record.end, "", "closed")

    async def _request(self, op: str, args: Mapping[str, Any]) -> Any:
        try:
            wire = await self._bridge.request(
                "peer",
                timeout=_seconds(args),
                cancels=True,
                peer=self._record.peer if self._is_created else None,
                op=op,
                args=args,
            )
        except WidgetClosed:
            raise
        except PageNotFound:
            if self._is_created:
                self._main.call_now(self._record.lose)
                raise PeerClosed.explained("The page with this peer connection is gone.", op, "closed") from None
            raise
        except WebRTCError as error:
            if isinstance(error, PeerNotFound):
                self._main.call_now(self._record.lose)
            message = without_credentials(error.message)
            raise type(error).explained(message, op, self._record.signaling_state) from None
        try:
            return decode_fields(OPERATIONS[op][1], wire)
        except MalformedMessage as error:
            raise UnexpectedError(f"The page's result of {op!r} is malformed: {error}.") from None


def _seconds(args: Mapping[str, Any]) -> float:
    media = args.get("media")
    return PERMISSION_SECONDS if isinstance(media, Mapping) and media.get("kind") == "microphone" else OPERATION_SECONDS
