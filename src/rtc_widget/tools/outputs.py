"""Sends the outputs of functions: in the call that made the function call, or in one that resumes it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from rtc_widget.conversation.facts import FunctionCall
from rtc_widget.conversation.turn import FunctionResult
from rtc_widget.errors import NotConnected, SendQueueFull
from rtc_widget.protocols.base import RequestedResponse, VoiceSession

logger = logging.getLogger("rtc_widget")


@dataclass(slots=True, eq=False)
class FunctionCalls:
    """The function calls of one response that run here.

    Attributes
    ----------
    response_id : str
        The response.
    calls : sequence of FunctionCall
        Its calls.
    asks : bool
        Whether a response to the outputs is requested.
    outputs : sequence of str or None
        The outputs in the order of the calls; None while a function runs.
    requested : RequestedResponse or None
        The response to the outputs, once they were sent.
    is_known : bool
        Whether the server of the current call knows these function calls.
    """

    response_id: str
    calls: Sequence[FunctionCall]
    asks: bool
    outputs: Sequence[str] | None = None
    requested: RequestedResponse | None = None
    is_known: bool = True

    @property
    def is_settled(self) -> bool:
        """Whether the response to the outputs has begun, or there will be none although the call goes on."""
        requested = self.requested
        return requested is not None and requested.is_settled and not requested.is_lost

    @property
    def must_be_sent(self) -> bool:
        """Whether the current call needs the outputs, or another request for the response."""
        return self.outputs is not None and (self.requested is None or not self.is_known)


class FunctionOutputs:
    """Sends outputs, and sends them again to a call that resumes the one that was lost before its response.

    Used on the kernel's main loop, after the events of `session`.

    Parameters
    ----------
    session : VoiceSession
        Sends the outputs and requests the response.
    """

    def __init__(self, session: VoiceSession) -> None:
        self._session = session
        self._open: list[FunctionCalls] = []

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call; one that resumes nothing does not get earlier outputs."""
        self.end_call()
        if not resumes:
            self._open.clear()

    def end_call(self) -> None:
        """End the call; a call that resumes it gets the outputs that had no response."""
        self._drop_settled()
        for calls in self._open:
            calls.is_known = False

    def expect(self, calls: FunctionCalls) -> None:
        """Expect outputs; call this when the functions begin to run."""
        self._open.append(calls)

    def send(self, calls: FunctionCalls, outputs: Sequence[str]) -> RequestedResponse | None:
        """Send outputs now or, between two calls, as soon as another call resumes it; return the response."""
        calls.outputs = outputs
        # A call that resumes nothing has begun: the outputs are in the log of calls only.
        return self._send(calls) if calls in self._open else None

    def send_waiting(self) -> None:
        """Send the outputs that could not be sent so far; called with each event of a call."""
        if not self._open:
            return
        self._drop_settled()
        for calls in [one for one in self._open if one.must_be_sent]:
            self._send(calls)

    def _send(self, calls: FunctionCalls) -> RequestedResponse | None:
        # What is sent may come back as an event before this returns, and must not be sent again then.
        self._open.remove(calls)
        try:
            calls.requested = self._send_known(calls) if calls.is_known else self._send_carried(calls)
        except (NotConnected, SendQueueFull) as error:
            logger.info("The output of %s waits to be sent: %s", calls.calls[0].name, error)
            self._open.append(calls)
            return None
        calls.is_known = True
        if calls.requested is not None:
            self._open.append(calls)
        return calls.requested

    def _send_known(self, calls: FunctionCalls) -> RequestedResponse | None:
        outputs = {call.call_id: output for call, output in zip(calls.calls, calls.outputs or (), strict=True)}
        return self._session.send_function_outputs(outputs, respond=calls.asks)

    def _send_carried(self, calls: FunctionCalls) -> RequestedResponse | None:
        if calls.requested is not None and calls.requested.is_sent:
            # The page has them in its transcript, and has carried them to the new call itself.
            return self._session.carry_function_results((), respond=calls.asks)
        results = [
            FunctionResult(call.name, call.arguments, output)
            for call, output in zip(calls.calls, calls.outputs or (), strict=True)
        ]
        return self._session.carry_function_results(results, respond=calls.asks)

    def _drop_settled(self) -> None:
        self._open = [calls for calls in self._open if not calls.is_settled]
