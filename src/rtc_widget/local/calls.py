"""All calls of a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtc_widget.local.call import Call
from rtc_widget.local.events import new_id
from rtc_widget.local.mind import Mind
from rtc_widget.local.refusal import Refusal
from rtc_widget.local.session import new_session
from rtc_widget.local.speech.engines import Engines

LONGEST_CALL_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that has begun, and the answer to its offer."""

    call_id: str
    sdp: str


class Calls:
    """Begins calls, finds them by their ids, ends them.

    Parameters
    ----------
    engines : awaitable
        Resolves when the engines are loaded; an offer that comes earlier waits.
    """

    def __init__(self, engines: asyncio.Future[Engines]) -> None:
        self._engines = engines
        self._calls: dict[str, Call] = {}

    @property
    def ids(self) -> list[str]:
        """The ids of the calls in progress."""
        return list(self._calls)

    async def begin(self, offer: str, settings: Mapping[str, Any] | None, mind: Mind) -> Answered:
        """Answer `offer` and return the answer.

        Raises
        ------
        Refusal
            When the settings or the offer are not good.
        """
        session = new_session(new_id("sess"), round(time.time()) + LONGEST_CALL_SECONDS, settings)
        engines = await asyncio.shield(self._engines)
        call = Call(session, engines=engines, mind=mind, on_ended=self._forget)
        self._calls[call.id] = call
        return Answered(call.id, await call.answer(offer))

    async def hang_up(self, call_id: str) -> None:
        """End a call.

        Raises
        ------
        Refusal
            When there is none of that id, or no more.
        """
        call = self._calls.get(call_id)
        if call is None:
            raise Refusal("No session found for the provided call_id.", "call_id_not_found", status=404)
        await call.end()

    async def end_all(self) -> None:
        """End every call."""
        await asyncio.gather(*(call.end() for call in list(self._calls.values())))

    def _forget(self, call: Call) -> None:
        self._calls.pop(call.id, None)
