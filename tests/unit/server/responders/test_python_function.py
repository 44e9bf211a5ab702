"""The kinds of Python functions that respond, and their end when the response is no longer needed."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from rtc_widget.server.responders.python_function import ReplyFunction, ReplyRequest
from tests.limits import HANGS

REQUEST = ReplyRequest("Hi", [{"role": "user", "content": "Hi"}])


async def said(function: Callable[[Any], Any]) -> list[str]:
    pieces: list[str] = []
    await asyncio.wait_for(asyncio.wrap_future(ReplyFunction(function).call(REQUEST, pieces.append)), HANGS)
    return pieces


class Polite:
    """An object that can be called; its method is a coroutine."""

    async def __call__(self, text: str) -> str:
        return f"{text}, please"


async def test_whatever_can_be_called_may_reply() -> None:
    assert await said(Polite()) == ["Hi, please"]
    assert await said(str.upper) == ["HI"]
    assert await said(lambda text: ["One. ", "Two."]) == ["One. ", "Two."]
    assert await said(lambda messages: messages[-1]["content"]) == ["Hi"]
    assert await said(lambda text, tone="kind": tone) == ["kind"]


@pytest.mark.parametrize("returned", [None, 42, {"text": "Hi"}, b"Hi", ["Hi", 42]])
async def test_what_is_no_text_is_refused(returned: object) -> None:
    with pytest.raises(TypeError, match="must return str, got"):
        await said(lambda text: returned)


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
async def test_a_function_that_ends_the_program_ends_only_its_answer(end: type[BaseException]) -> None:
    def leave(text: str) -> str:
        raise end

    with pytest.raises(RuntimeError, match=f"the reply function leave ended with {end.__name__}"):
        await said(leave)


async def test_who_is_interrupted_puts_things_away() -> None:
    ended: list[str] = []

    def sync(text: str) -> Iterator[str]:
        try:
            while True:
                yield "and so on "
        finally:
            ended.append("sync")

    async def slow(text: str) -> AsyncIterator[str]:
        try:
            yield "well"
            await asyncio.Event().wait()
        finally:
            ended.append("async")

    for function in (sync, slow):
        begun = asyncio.Event()
        answer = ReplyFunction(function).call(REQUEST, lambda _, begun=begun: begun.set())  # type: ignore[misc]
        await begun.wait()
        answer.cancel()
        await asyncio.sleep(0.02)

    assert ended == ["sync", "async"]


def test_in_a_script_without_a_loop_it_is_interrupted_as_well() -> None:
    begun, ended = threading.Event(), threading.Event()

    def count(text: str) -> Iterator[str]:
        try:
            while True:
                yield "and so on "
        finally:
            ended.set()

    answer: Future[None] = ReplyFunction(count).call(REQUEST, lambda _: begun.set())
    assert begun.wait(5)
    answer.cancel()

    assert ended.wait(5)
    with pytest.raises(CancelledError):
        answer.result()


def test_in_a_script_it_tells_what_went_wrong() -> None:
    def fail(text: str) -> str:
        raise LookupError("nowhere")

    async def give_up(text: str) -> str:
        raise asyncio.CancelledError

    with pytest.raises(LookupError, match="nowhere"):
        ReplyFunction(fail).call(REQUEST, lambda _: None).result(5)
    with pytest.raises(RuntimeError, match="SystemExit"):
        ReplyFunction(lambda text: sys.exit(1)).call(REQUEST, lambda _: None).result(5)
    with pytest.raises(CancelledError):
        ReplyFunction(give_up).call(REQUEST, lambda _: None).result(5)
