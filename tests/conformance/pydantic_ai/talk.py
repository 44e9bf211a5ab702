"""Holds a Live session with pydantic-ai, in an environment of its own, and prints what it saw as lines of JSON.

Arguments: ``websocket`` or ``webrtc``, the base URL, and the key. For ``webrtc`` the offer is a line of JSON on
standard input, and the answer the first line of the output.
"""

from __future__ import annotations

import asyncio
import json
import math
import struct
import sys
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import FunctionToolResultEvent
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.realtime import RealtimeTurnCompleteEvent
from pydantic_ai.realtime.openai_live import OpenAILiveModel

RATE = 24_000
STEP = RATE // 10
SILENCE = bytes(2 * STEP)
SPEECH = b"".join(struct.pack("<h", round(29_000 * math.sin(at * 2 * math.pi * 440 / RATE))) for at in range(6 * STEP))

agent = Agent(instructions="Speak plainly.")


@agent.tool_plain
def roll() -> int:
    """Roll a die."""
    return 4


async def speak(session: Any) -> None:
    """Send speech, and then silence, without which the clock of the session stands still."""
    await session.send_audio(SPEECH)
    while True:
        await session.send_audio(SILENCE)
        await asyncio.sleep(0.02)


async def follow(session: Any) -> dict[str, Any]:
    """Return what was seen up to the end of the turn after the tool."""
    kinds: list[str] = []
    results: list[str] = []
    async for event in session:
        kinds.append(type(event).__name__)
        if isinstance(event, FunctionToolResultEvent):
            results.append(str(getattr(event.part, "content", None)))
        if isinstance(event, RealtimeTurnCompleteEvent) and results and "four" in str(session.all_messages()):
            break
    return {"kinds": kinds, "results": results}


async def by_websocket(model: OpenAILiveModel) -> dict[str, Any]:
    async with agent.realtime(model).session() as session:
        speaking = asyncio.create_task(speak(session))
        seen = await follow(session)
        speaking.cancel()
    return {**seen, "messages": str(session.all_messages())}


async def by_webrtc(model: OpenAILiveModel) -> dict[str, Any]:
    realtime = agent.realtime(model)
    offer = json.loads(await asyncio.to_thread(sys.stdin.readline))["sdp"]
    answer = await realtime.answer_webrtc_offer(offer)
    print(json.dumps({"sdp": answer.sdp, "id": answer.session.session_id}), flush=True)
    async with realtime.session(provider_session=answer.session) as session:
        seen = await follow(session)
    await realtime.hang_up(answer.session)
    return {**seen, "messages": str(session.all_messages())}


async def main() -> None:
    way, url, key = sys.argv[1:]
    model = OpenAILiveModel("gpt-live-1", provider=OpenAIProvider(base_url=url, api_key=key))
    seen = await (by_webrtc if way == "webrtc" else by_websocket)(model)
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
