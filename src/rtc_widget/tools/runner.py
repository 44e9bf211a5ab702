"""Runs the tools that the model calls, and sends their outputs."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from rtc_widget._error_text import error_text, message_of
from rtc_widget._unicode import json_text, well_formed
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, FunctionCall, FunctionCallFinished, ResponseEnded
from rtc_widget.conversation.subscriptions import Failures
from rtc_widget.errors import NotConnected, RtcWidgetError
from rtc_widget.kernel.io_thread import users_loop
from rtc_widget.protocols.base import RequestedResponse, VoiceSession
from rtc_widget.tools.call_log import CallStatus, ToolCall, ToolFailure
from rtc_widget.tools.outputs import FunctionCalls, FunctionOutputs
from rtc_widget.tools.results import result_text
from rtc_widget.tools.schema import Arguments, InvalidArguments
from rtc_widget.tools.tool import Tool, Tools

logger = logging.getLogger("rtc_widget")

APPROVAL_SECONDS = 120.0
"""The time that the user has to allow a call."""
_MAX_ERROR_CHARACTERS = 300

Approve = Callable[[ToolCall, float], Awaitable[bool]]


class Denied(Exception):
    """The user did not allow the call, or did not reply."""


class ToolRunner:
    """Runs the tools that responses call; used on the kernel's main loop.

    The tools that one response calls run concurrently. Their outputs are sent together when the last one has ended,
    with one request for a response. If the call has ended by then, a call that resumes it gets the function calls with
    their outputs. The calls of a response that was not completed are ignored: their arguments may be incomplete.

    Tools of the session that are not known here are run elsewhere (``chat.on``). If a response calls such a tool as
    well, the code that runs it must ask for the next response.

    Parameters
    ----------
    tools : Tools
        The tools, and the log of calls.
    session : VoiceSession
        Sends the outputs and asks for the response.
    approve : callable
        Asks the user for permission.
    failures : Failures
        Collects the exceptions of tools.
    others : callable
        Returns the names of the tools that are run elsewhere.
    """

    def __init__(
        self,
        tools: Tools,
        session: VoiceSession,
        approve: Approve,
        failures: Failures,
        others: Callable[[], set[str]],
    ) -> None:
        self._tools = tools
        self._session = session
        self._approve = approve
        self._failures = failures
        self._others = others
        self._outputs = FunctionOutputs(session)
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._reset()

    def _reset(self) -> None:
        self._number = getattr(self, "_number", 0) + 1
        self._seen: set[str] = set()
        # By response and call: some servers do not repeat the calls when the response ends.
        self._finished: dict[str, dict[str, FunctionCall]] = {}
        self._followed_up: dict[str, asyncio.Task[None]] = {}
        self._pending: dict[str, RequestedResponse] = {}
        waiting, self._waiting = self._waiting, []
        for over in waiting:
            if not over.done():
                over.set_result(None)

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call."""
        self._outputs.begin_call(resumes=resumes)
        self._reset()

    def end_call(self) -> None:
        """End the call. Running tools continue, because they may have side effects."""
        self._outputs.end_call()
        self._reset()

    def consume(self, event: Event, facts: Iterable[Fact]) -> None:
        """Process the next event."""
        # A call that has just begun can send with its first event.
        self._outputs.send_waiting()
        for fact in facts:
            if isinstance(fact, FunctionCallFinished):
                self._finished.setdefault(fact.response_id, {})[fact.call.call_id] = fact.call
            elif isinstance(fact, ResponseEnded):
                self._response_ended(fact)

    async def follow_up(self, response_id: str) -> str | None:
        """Wait for the response that follows the tool calls of a response; None if it has called no tools.

        Raises
        ------
        EventRefused, NotConnected
            If the server refuses it, or the call ends.
        """
        task = self._followed_up.get(response_id)
        if task is None:
            return None
        # A tool may still run long after its call has ended.
        number, over = self._number, asyncio.get_running_loop().create_future()
        self._waiting.append(over)
        try:
            await asyncio.wait([task, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting = [one for one in self._waiting if one is not over]
        if number != self._number:
            raise NotConnected("The call ended before the response.")
        pending = self._pending.get(response_id)
        if pending is None:
            return None
        return await self._session.response_of(pending)

    def progress_of(self, response_id: str) -> str:
        """Return a clause on what the tools that a response called wait for; empty if it waits for none of them."""
        task = self._followed_up.get(response_id)
        if task is None:
            return ""
        if not task.done():
            running = [call.name for call in self._tools.calls if call.status in ("asking", "running")]
            return f"the tools that response {response_id} called still run ({', '.join(running)})"
        pending = self._pending.get(response_id)
        return (
            ""
            if pending is None
            else f"after the tools of response {response_id}, {self._session.progress_of(pending)}"
        )

    def _response_ended(self, ended: ResponseEnded) -> None:
        response_id = ended.response_id
        finished = self._finished.pop(response_id, {})
        finished |= {call.call_id: call for call in ended.calls}
        if ended.status != "completed" or self._session.is_out_of_band(response_id):
            return
        calls = [call for call_id, call in finished.items() if call_id not in self._seen]
        self._seen |= {call.call_id for call in calls}
        others = self._others() - self._tools.keys()
        ours = [call for call in calls if call.name not in others]
        if not ours:
            return
        batch = FunctionCalls(response_id, ours, asks=len(ours) == len(calls))
        self._outputs.expect(batch)
        try:
            loop = users_loop()
        except RuntimeError:
            # A script between two `asyncio.run`: no tool can run, and the model must not wait for its output.
            self._outputs.send(batch, [self._not_run(call) for call in ours])
            return
        task = loop.create_task(self._run_all(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._followed_up[response_id] = task

    async def _run_all(self, batch: FunctionCalls) -> None:
        number = self._number
        outcomes = await asyncio.gather(*map(self._task, batch.calls), return_exceptions=True)
        requested = self._outputs.send(batch, [_output_of(outcome) for outcome in outcomes])
        if requested is not None and number == self._number:
            self._pending[batch.response_id] = requested

    def _task(self, call: FunctionCall) -> asyncio.Task[str]:
        """Run one tool in the context of the cell that defined it, so that its output appears there."""
        tool = self._tools.get(call.name)
        context = copy_context() if tool is None else tool.context.copy()
        return asyncio.get_running_loop().create_task(self._output(call), context=context)

    def _not_run(self, call: FunctionCall) -> str:
        record = ToolCall(call.name, _readable(call.arguments), call.call_id)
        return self._failed(record, RuntimeError("The tool was not run: no event loop is running."))

    async def _output(self, call: FunctionCall) -> str:
        """Run one tool and return its output; a failure becomes an output as well."""
        record = ToolCall(call.name, _readable(call.arguments), call.call_id)
        self._tools.calls.put(record)
        tool = self._tools.get(call.name)
        if tool is None:
            return self._refused(record, LookupError(f"Unknown tool {call.name!r}."))
        try:
            arguments = tool.check(call.arguments)
        except InvalidArguments as error:
            return self._refused(record, error, f"Invalid arguments: {error}")
        except Exception as error:  # noqa: BLE001 - validators are user code
            return self._failed(record, error)
        try:
            await self._allowed(tool, record, arguments)
        except Denied as error:
            return self._refused(record, error, status="denied")
        except RtcWidgetError as error:
            return self._refused(record, error, "The user could not be asked.", status="denied")
        except Exception as error:  # noqa: BLE001 - `confirm` is user code
            return self._failed(record, error)
        return await self._run(tool, record, arguments)

    async def _allowed(self, tool: Tool, record: ToolCall, arguments: Arguments) -> None:
        whole = tool.completed(arguments)
        must_ask = tool.confirm
        if callable(must_ask):
            must_ask = bool(must_ask(*whole.positional, **whole.named))
        if not must_ask:
            return
        self._tools.calls.put(replace(record, status="asking"))
        # Defaults take effect as well, so the user must see them.
        defaults = {name: _writable(value) for name, value in whole.named.items() if name not in arguments.named}
        if not await self._approve(replace(record, arguments={**record.arguments, **defaults}), APPROVAL_SECONDS):
            raise Denied("The user did not allow this call.")

    async def _run(self, tool: Tool, record: ToolCall, arguments: Arguments) -> str:
        self._tools.calls.put(record)
        began = time.perf_counter()
        limit = asyncio.timeout(tool.timeout)
        try:
            async with limit:
                result, output = await _called(tool, arguments)
        except GeneratorExit:
            raise  # this task is discarded
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise  # this task itself is cancelled, not something that the tool awaits
            record = replace(record, seconds=time.perf_counter() - began)
            if isinstance(error, TimeoutError) and limit.expired():
                late = TimeoutError(f"{tool.name} took longer than {tool.timeout:g} s.")
                return self._failed(record, late, status="timed_out")
            return self._failed(record, error)
        seconds = time.perf_counter() - began
        self._tools.calls.put(replace(record, status="completed", result=result, output=output, seconds=seconds))
        return output

    def _refused(
        self, record: ToolCall, error: BaseException, words: str = "", *, status: CallStatus = "failed"
    ) -> str:
        output = json_text({"error": well_formed(words or message_of(error))})
        self._tools.calls.put(replace(record, status=status, output=output, error=error))
        return output

    def _failed(self, record: ToolCall, error: BaseException, *, status: CallStatus = "failed") -> str:
        """Return a short error for the model; the user gets the whole exception."""
        words = error_text(error).strip().split("\n")[0]
        words = words if len(words) <= _MAX_ERROR_CHARACTERS else f"{words[:_MAX_ERROR_CHARACTERS]}…"
        output = self._refused(record, error, words, status=status)
        failure = ToolFailure(replace(record, status=status, output=output, error=error), error)
        try:
            self._failures.add(failure)
        except Exception:
            logger.exception("A failure of the tool %s could not be shown", record.name)
        return output


async def _called(tool: Tool, arguments: Arguments) -> tuple[Any, str]:
    """Return the result of a tool and its text; reading the result may run user code, so both run in one place."""
    call = functools.partial(tool.current_function, *arguments.positional, **arguments.named)
    if tool.thread:
        return await asyncio.to_thread(_with_text, call)
    outcome = call()
    result = await outcome if inspect.isawaitable(outcome) else outcome
    return result, result_text(result)


def _with_text(call: Callable[[], Any]) -> tuple[Any, str]:
    try:
        result = call()
    except StopIteration as error:
        # A future cannot hold it, so nobody would hear of it.
        raise RuntimeError(error_text(error)) from error
    return result, result_text(result)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _output_of(outcome: str | BaseException) -> str:
    """Return the output of a tool; an unexpected exception becomes an output as well."""
    if isinstance(outcome, str):
        return outcome
    logger.error("A tool could not be run", exc_info=outcome)
    return json_text({"error": error_text(outcome)})


def _writable(value: object) -> object:
    """Return a default value in a form that can be sent to the page."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value


def _readable(arguments: str) -> Mapping[str, Any]:
    try:
        given = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        given = arguments
    return given if isinstance(given, dict) else {"arguments": given}
