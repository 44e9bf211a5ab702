"""The table of operations of a peer, which each engine implements (``tests/contract/peer.json``)."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ClassVar, NoReturn, Protocol

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.headless.peers.errors import PeerFailure
from rtc_widget.headless.peers.handles import Handles, kind_of
from rtc_widget.headless.peers.pairs import Pair
from rtc_widget.headless.peers.record import Attributes, Snapshot

Json = Mapping[str, Any]
Result = dict[str, Any]

OPERATIONS = frozenset(
    {
        "close",
        "create_offer",
        "create_answer",
        "set_local_description",
        "set_remote_description",
        "add_ice_candidate",
        "restart_ice",
        "get_configuration",
        "set_configuration",
        "add_track",
        "remove_track",
        "replace_track",
        "set_track_enabled",
        "add_transceiver",
        "set_direction",
        "set_codec_preferences",
        "stop_transceiver",
        "get_capabilities",
        "get_parameters",
        "set_parameters",
        "set_jitter_buffer_target",
        "create_data_channel",
        "send",
        "close_channel",
        "set_buffered_amount_low_threshold",
        "get_stats",
    }
)
"""The operations of a peer that exists; ``create`` makes one."""


class EngineListener(Protocol):
    """Receives the events of an engine: the handle of the source, the name, the payload."""

    def event(self, source: str, name: str, payload: object) -> None:
        """Something has happened."""

    def postpone_event(self, until: str, source: str, name: str, payload: object) -> None:
        """Something has happened that is to be reported by `release_events`."""

    def release_events(self, until: str) -> None:
        """Report what was postponed until then."""


class PeerEngine(ABC):
    """One ``RTCPeerConnection``; created and used on the page's loop.

    Each method is an operation: its parameters are the ``args`` of the message, its value is the ``result``. An
    exception that `rtc_widget.headless.peers.errors.failure_of` knows is a W3C error. What an engine does not implement
    is refused.

    Parameters
    ----------
    configuration : mapping
        ``ice_servers``, ``ice_transport_policy`` and ``bundle_policy``.
    listener : EngineListener
        Receives the events.
    fetch_clip : callable
        Returns the audio of a clip of the kernel, by its id.
    """

    name: ClassVar[str]

    def __init__(
        self,
        configuration: Json,
        listener: EngineListener,
        fetch_clip: Callable[[str], Awaitable[MonoAudio]],
    ) -> None:
        self._listener = listener
        self._notify = listener.event
        self._fetch_clip = fetch_clip
        self._handles = Handles()
        self._tasks: set[asyncio.Task[Any]] = set()

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that ends with the peer at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end_tasks(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def snapshot(self, only: str | None = None) -> Snapshot:
        """Return the attributes of all objects that the peer has ever had; new ones are listened to from now on.

        With the handle of one object, return its attributes alone.
        """
        if only is not None:
            return {handle: self._attributes(kind_of(handle), thing) for handle, thing in self._handles.one(only)}
        self._discover()
        return {handle: self._attributes(kind_of(handle), thing) for handle, thing in self._handles}

    def _handle(self, kind: str, thing: Any) -> str | None:
        """Return the handle of an object, which it gets when it has none yet."""
        if thing is None:
            return None
        handle = self._handles.find(thing)
        if handle is None:
            handle = self._handles.add(kind, thing)
            self._listen(kind, handle, thing)
        return handle

    @abstractmethod
    def _discover(self) -> None:
        """Give handles to all objects that can be reached now."""

    @abstractmethod
    def _attributes(self, kind: str, thing: Any) -> Attributes:
        """Return the attributes of an object."""

    @abstractmethod
    def _listen(self, kind: str, handle: str, thing: Any) -> None:
        """Report the events of an object from now on."""

    @property
    @abstractmethod
    def connection_state(self) -> str:
        """The state of the connection."""

    def _is_connected(self) -> bool:
        return self.connection_state == "connected"

    @property
    @abstractmethod
    def ice_connection_state(self) -> str:
        """The state of ICE."""

    @abstractmethod
    async def pairs(self) -> list[Pair]:
        """Return the candidate pairs now."""

    @abstractmethod
    async def close(self) -> Result: ...  # noqa: D102

    @abstractmethod
    async def create_offer(self, ice_restart: bool = False) -> Result: ...  # noqa: D102

    @abstractmethod
    async def create_answer(self) -> Result: ...  # noqa: D102

    @abstractmethod
    async def set_local_description(self, description: Json | None = None) -> Result: ...  # noqa: D102

    @abstractmethod
    async def set_remote_description(self, description: Json) -> Result: ...  # noqa: D102

    @abstractmethod
    async def add_ice_candidate(self, candidate: Json | None = None) -> Result: ...  # noqa: D102

    @abstractmethod
    async def add_track(self, media: Json) -> Result: ...  # noqa: D102

    @abstractmethod
    async def replace_track(self, sender: str, media: Json | None = None) -> Result: ...  # noqa: D102

    @abstractmethod
    async def set_track_enabled(self, track: str, enabled: bool) -> Result: ...  # noqa: D102

    @abstractmethod
    async def add_transceiver(  # noqa: D102
        self, kind: str, direction: str = "sendrecv", media: Json | None = None
    ) -> Result: ...

    @abstractmethod
    async def set_direction(self, transceiver: str, direction: str) -> Result: ...  # noqa: D102

    @abstractmethod
    async def set_codec_preferences(self, transceiver: str, codecs: list[Json]) -> Result: ...  # noqa: D102

    @abstractmethod
    async def create_data_channel(self, label: str, options: Json | None = None) -> Result: ...  # noqa: D102

    @abstractmethod
    async def send(self, channel: str, text: str | None = None, base64: str | None = None) -> Result: ...  # noqa: D102

    async def close_channel(self, channel: str) -> Result:  # noqa: D102
        self._handles.get("channel", channel).close()
        return {}

    @abstractmethod
    async def set_buffered_amount_low_threshold(self, channel: str, bytes: int) -> Result: ...  # noqa: D102

    @abstractmethod
    async def get_stats(self, of: str | None = None) -> Result: ...  # noqa: D102

    def _measured(self, of: str | None) -> Any:
        """Return the sender or receiver whose statistics are wanted; None for those of the connection."""
        if of is None:
            return None
        kind = kind_of(of)
        if kind not in ("sender", "receiver"):
            raise PeerFailure("TypeError", f"of must be a sender or a receiver, got {of!r}.")
        return self._handles.get(kind, of)

    # What an engine may lack

    def _refuse(self, what: str, instead: str = "Use page='browser' or a peer on wrtc (extra 'teach').") -> NoReturn:
        raise PeerFailure("NotSupportedError", f"A peer on {self.name} cannot {what}. {instead}")

    async def restart_ice(self) -> Result:  # noqa: D102
        self._refuse("restart ICE")

    async def get_configuration(self) -> Result:  # noqa: D102
        self._refuse("return its configuration")

    async def set_configuration(self, configuration: Json) -> Result:  # noqa: D102
        self._refuse("change its configuration")

    async def remove_track(self, sender: str) -> Result:  # noqa: D102
        self._refuse("remove a track", "Use replace_track(None).")

    async def stop_transceiver(self, transceiver: str) -> Result:  # noqa: D102
        self._refuse("stop a transceiver", "Set its direction to 'inactive'.")

    async def get_capabilities(self, side: str, kind: str) -> Result:  # noqa: D102
        self._refuse("return capabilities")

    async def get_parameters(self, sender: str) -> Result:  # noqa: D102
        self._refuse("return the parameters of a sender")

    async def set_parameters(self, sender: str, parameters: Json) -> Result:  # noqa: D102
        self._refuse("change the parameters of a sender")

    async def set_jitter_buffer_target(self, receiver: str, milliseconds: float | None = None) -> Result:  # noqa: D102
        self._refuse("change its jitter buffer")


def message_payload(data: str | bytes) -> dict[str, str]:
    """Return the payload of a ``message`` event."""
    return {"text": data} if isinstance(data, str) else {"base64": b64encode(data).decode()}


def message_content(text: str | None, base64: str | None) -> str | bytes:
    """Return what the arguments of ``send`` ask for."""
    return b64decode(base64) if base64 is not None else (text or "")
