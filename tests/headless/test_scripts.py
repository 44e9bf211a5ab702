"""Plain Python scripts, with no notebook around them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from rtc_widget.server.process import running_address
from tests.limits import HANGS

AWAITING = """
import asyncio
from rtc_widget import VoiceChat

async def main():
    async with VoiceChat(page="headless") as chat:
        answering = asyncio.ensure_future(chat.wait_for("response.done", timeout=300))
        await asyncio.sleep(0)
        chat.send_text("What is ICE?")
        await answering
        print(chat.status, [turn.role for turn in chat.transcript])
    print(chat.status)

asyncio.run(main())
"""
STEP_BY_STEP = """
import asyncio, time
from rtc_widget import VoiceChat

chat = VoiceChat()
seen = []
chat.on("response.done", lambda event: seen.append(event.response.status))
asyncio.run(chat.connect(timeout=300))
chat.send_text("What is ICE?")
while not seen:
    time.sleep(0.1)
print(chat.status, seen, [turn.role for turn in chat.transcript])
asyncio.run(chat.disconnect())
print(chat.status)
chat.close()
"""
FORGETTING = """
import asyncio, os
from rtc_widget import OpenAI, VoiceChat
chat = VoiceChat(OpenAI(os.environ["TOKEN"], base_url=os.environ["URL"]), page="headless")
asyncio.run(chat.connect(timeout=300))
print(chat.call_id)
"""


def run(script, **variables):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", script]
    done = subprocess.run(
        command, env=environment | variables, capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def complaints(done):
    """Return what a script has said on stderr, but for the debug mode's notes on slow callbacks."""
    return [line for line in done.stderr.splitlines() if not line.startswith("Executing ")]


def test_a_script_that_awaits():
    done = run(AWAITING)
    assert done.stdout.splitlines() == ["connected ['user', 'assistant']", "idle"]
    assert complaints(done) == []


def test_a_script_that_goes_step_by_step_with_the_page_named_by_the_environment():
    done = run(STEP_BY_STEP, RTC_WIDGET_PAGE="headless")
    assert done.stdout.splitlines() == ["connected ['completed'] ['user', 'assistant']", "idle"]
    assert complaints(done) == []


async def test_a_script_that_just_ends_hangs_up(make):
    import httpx

    address = running_address()
    done = await asyncio.to_thread(run, FORGETTING, TOKEN=address.token, URL=f"{address.url}/v1")
    call_id = done.stdout.strip()
    assert call_id.startswith("rtc_")
    assert complaints(done) == []
    headers = {"Authorization": f"Bearer {address.token}"}
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(HANGS):
        while call_id in (await client.get(f"{address.url}/health", headers=headers)).json()["call_ids"]:
            await asyncio.sleep(0.05)
