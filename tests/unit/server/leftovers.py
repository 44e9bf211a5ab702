"""Counts the resources that fifty calls or fifty WebSocket sessions leave in a process without other work.

`python -m tests.unit.server.leftovers calls` prints the counts before and after as JSON. It needs its own process:
sockets, threads and memory are counted per process, and those of other tests vary.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from rtc_widget.server.protocols.realtime.engine import RealtimeEngine
from tests.limits import HANGS
from tests.unit.server.peer import Peer
from tests.unit.server.scripted_server import Direct, calls_with, server_of_two

EACH_ROUND = 5
ROUNDS = 10
ROOT = Path(__file__).parents[3]
SOCKETS_ARE_COUNTED = Path("/proc/self/fd").is_dir()


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds; memory in bytes, as Python and NumPy count it."""

    tasks: int
    threads: int
    sockets: int
    dialogues: int
    memory: int


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What was held before and after, and how many of the `made` objects are `kept`."""

    before: Held
    after: Held
    made: int = 0
    kept: int = 0


def left_by(what: str) -> Leftovers:
    """Count in a process of its own what `calls` or `websockets` leave behind."""
    command = [sys.executable, "-m", "tests.unit.server.leftovers", what]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=4 * HANGS, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    return Leftovers(Held(**told.pop("before")), Held(**told.pop("after")), **told)


def held() -> Held:
    gc.collect()
    gc.collect()  # what the finalizers of the first let go
    return Held(
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        sockets=sum(is_socket(file) for file in Path("/proc/self/fd").iterdir()) if SOCKETS_ARE_COUNTED else 0,
        dialogues=sum(isinstance(made, RealtimeEngine) for made in gc.get_objects()),
        memory=tracemalloc.get_traced_memory()[0],
    )


def is_socket(file: Path) -> bool:
    try:
        return str(file.readlink()).startswith("socket:")
    except FileNotFoundError:
        return False  # the one that lists the folder


async def counted(round_of_five: Callable[[], Awaitable[None]]) -> tuple[Held, Held]:
    tracemalloc.start()
    for _ in range(2):
        await round_of_five()  # what is made once and kept, is made
    await asyncio.sleep(0.2)  # what is just ending, ends
    before = held()
    for _ in range(ROUNDS):
        await round_of_five()
    async with asyncio.timeout(HANGS):
        while len(asyncio.all_tasks()) > before.tasks:
            await asyncio.sleep(0.05)
    return before, held()


async def after_calls() -> Leftovers:
    calls = await calls_with()
    made: list[weakref.ref[Any]] = []

    async def one_call() -> None:
        async with Peer(Direct(calls), {"output_modalities": ["text"]}) as peer:
            assert peer.answer is not None
            call = calls.find(str(peer.answer.call_id))
            made.extend([weakref.ref(call), weakref.ref(call.engine)])
            peer.ask("What is Opus?")
            peer.send({"type": "response.create"})
            await peer.wait_for("response.done")

    async def five_calls() -> None:
        await asyncio.gather(*(one_call() for _ in range(EACH_ROUND)))

    before, after = await counted(five_calls)
    assert calls.ids == []
    return Leftovers(before, after, len(made), sum(ref() is not None for ref in made))


async def after_websockets() -> Leftovers:
    import websockets

    async with server_of_two() as address, httpx.AsyncClient(trust_env=False, verify=False) as client:
        url, headers = f"ws://{address}/v1/realtime?model=any", {"Authorization": "Bearer right"}

        async def one_session() -> None:
            async with websockets.connect(url, additional_headers=headers) as socket:
                assert "session.created" in await socket.recv()
            while (await client.get(f"http://{address}/health")).json()["calls"]:
                await asyncio.sleep(0.005)

        async def five_sessions() -> None:
            for _ in range(EACH_ROUND):
                await one_session()

        return Leftovers(*await counted(five_sessions))


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run({"calls": after_calls, "websockets": after_websockets}[sys.argv[1]]()))))
