"""The server spares the recognition of deleted items."""

from __future__ import annotations

import asyncio
import threading

from rtc_widget.server.audio_formats import Samples
from tests.limits import HANGS, eventually
from tests.unit.server.stage import SPEECH, Stage

COMPLETED = "conversation.item.input_audio_transcription.completed"


async def test_an_item_that_is_deleted_before_its_recognition_is_not_recognized() -> None:
    stage = Stage(audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
    may_go_on, heard = threading.Event(), []

    def recognize(samples: Samples) -> str:
        heard.append(len(samples))
        may_go_on.wait(HANGS)
        return "Hello."

    stage.recognizer.recognize = recognize  # type: ignore[method-assign]
    for samples in (SPEECH, SPEECH[:8000], SPEECH[:4000]):
        stage.append(samples)
        stage.send("input_audio_buffer.commit")
    items = [event["item_id"] for event in stage.events if event["type"] == "input_audio_buffer.committed"]
    await eventually(lambda: heard)
    for item_id in items[:2]:  # the first is being recognized, the second waits
        stage.send("conversation.item.delete", item_id=item_id)
    await asyncio.sleep(0)
    may_go_on.set()
    completed = await stage.until(COMPLETED)
    assert completed["item_id"] == items[2]
    assert heard == [len(SPEECH), 4000]
    assert stage.types().count("conversation.item.deleted") == 2
    await stage.engine.end()


async def test_an_item_that_is_deleted_at_once_is_not_recognized() -> None:
    stage = Stage(audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
    stage.append(SPEECH)
    stage.send("input_audio_buffer.commit")
    [item_id] = [event["item_id"] for event in stage.events if event["type"] == "input_audio_buffer.committed"]
    stage.send("conversation.item.delete", item_id=item_id)
    stage.append(SPEECH)
    stage.send("input_audio_buffer.commit")
    assert (await stage.until(COMPLETED))["item_id"] != item_id
    assert stage.recognizer.times == 1
    await stage.engine.end()
