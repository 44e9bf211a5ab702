"""Client delegation: work that the voice model hands over to this kernel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.conversation.turn import Turn
from rtc_widget.errors import NotConnected, RtcWidgetError
from rtc_widget.kernel.io_thread import users_loop
from rtc_widget.protocols.base import ClientEvent, Later, SessionOptions
from rtc_widget.protocols.live import client_events
from rtc_widget.protocols.live.delegate import Delegate, DelegateFailure
from rtc_widget.protocols.live.delegations import Delegations
from rtc_widget.protocols.live.transcript_reducer import LiveTurns

QUIET_SECONDS = 0.6
"""The user is still speaking while words arrive: the work is begun when none have come for this time."""
PATIENCE_SECONDS = 3.0
"""After this time it is begun in any case."""
DECLINE = "Nothing can do this work in this call. Tell the user so in one short sentence."
FAILED = "The work has failed. Tell the user so in one short sentence."

Post = Callable[[Sequence[ClientEvent], Callable[[RtcWidgetError], None]], None]


class ClientWork:
    """Does the work that is handed over, by a Python function, one piece of work at a time.

    Without a function the voice is told to decline, unless code of the user has sent something for the delegation.

    Parameters
    ----------
    options : SessionOptions
        Has the function.
    post : callable
        Sends events.
    delegations : callable
        Returns the delegations of the present call.
    later : callable
        Calls a function on the main loop after a time.
    """

    def __init__(
        self, options: SessionOptions, post: Post, delegations: Callable[[], Delegations], later: Later
    ) -> None:
        self._delegate = None if options.delegate is None else Delegate(options.delegate)
        self._failed = options.failed
        self._post = post
        self._delegations = delegations
        self._later = later
        self._turns: list[LiveTurns] = [LiveTurns(1, resumes=False)]
        self._heard_at = -PATIENCE_SECONDS
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock: asyncio.Lock | None = None

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call; one that resumes nothing begins another conversation."""
        self._turns = [*(self._turns if resumes else []), LiveTurns(1, resumes=resumes)]

    def end_call(self) -> None:
        """End the call; the work is given up, because the next session does not know it."""
        self._number += 1
        self._lock = None
        for task in list(self._tasks):
            task.get_loop().call_soon_threadsafe(task.cancel)

    def consume(self, event: Event) -> None:
        """Process the next event."""
        raw = fields_of(event)
        self._turns[-1].add(raw, event.elapsed)
        if event.type == "session.input_transcript.delta":
            self._heard_at = time.monotonic()
        elif event.type == "session.delegation.created" and event.direction == "received":
            given = raw.get("delegation")
            if isinstance(given, Mapping) and given.get("target") == "client" and isinstance(given.get("id"), str):
                self._handed_over(given["id"])

    def start(self, text: str) -> asyncio.Task[None] | None:
        """Do work that was asked for in writing; None if no loop of the user runs."""
        return self._run(self._work(text, None))

    def _handed_over(self, delegation_id: str) -> None:
        if self._delegate is None:
            self._later(PATIENCE_SECONDS, partial(self._decline, delegation_id, self._number))
        elif self._run(self._work_when_quiet(delegation_id)) is None:
            self._say(FAILED, delegation_id)

    def _decline(self, delegation_id: str, number: int) -> None:
        is_open = any(one.id == delegation_id and one.status == "in_progress" for one in self._delegations().all)
        if number == self._number and is_open:
            self._say(DECLINE, delegation_id)

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        try:
            users_loop()
        except RuntimeError:
            work.close()
            return None
        assert self._delegate is not None  # noqa: S101 - checked by the callers
        task = self._delegate.start(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _work_when_quiet(self, delegation_id: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while (wait := min(self._heard_at + QUIET_SECONDS, until) - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)  # what moves is a time, not a state
        spoken = [turn.text for turn in self._conversation() if turn.role == "user"]
        await self._work(spoken[-1] if spoken else "", delegation_id)

    async def _work(self, text: str, delegation_id: str | None) -> None:
        if self._lock is None:
            self._lock = asyncio.Lock()
        assert self._delegate is not None  # noqa: S101 - checked by the callers
        number, is_answered = self._number, False
        async with self._lock:
            try:
                async for piece in self._delegate.pieces(self._conversation(), text):
                    if number != self._number:
                        return
                    is_answered = self._say(piece, delegation_id) or is_answered
            except Exception as error:  # noqa: BLE001 - a function of the user may raise anything
                if number != self._number or isinstance(error, NotConnected):
                    return
                self._failed(DelegateFailure(self._delegate.name, error))
            if not is_answered and number == self._number:
                self._say(FAILED, delegation_id)

    def _conversation(self) -> list[Turn]:
        return [turn for call in self._turns for turn in call.turns]

    def _say(self, text: str, delegation_id: str | None) -> bool:
        """Send a text that the voice says; return whether there was any."""
        events = [client_events.append("commentary", part, delegation_id) for part in client_events.chunks(text)]
        if events:
            self._post(events, lambda error: None)
        return bool(events)
