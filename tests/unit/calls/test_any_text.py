"""Text that is legal in JSON and not in UTF-8: events stay as they came, and every exit gives text that has a form."""

from __future__ import annotations

import json
import random
from itertools import chain

import pytest

from rtc_widget import EventLog, VoiceChat
from rtc_widget._unicode import is_well_formed
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.headless.resumption import Resumption
from rtc_widget.protocols.realtime.protocol import PROTOCOL
from rtc_widget.testing import ScriptedPage
from rtc_widget.testing.scripted_server import ScriptedCall, ScriptedResponse
from rtc_widget.tools.results import result_text
from tests.limits import HANGS
from tests.unit.waiting import settled

DELTA = "response.output_text.delta"


def delta(text: str, item_id: str = "item_1") -> dict[str, object]:
    return {"type": DELTA, "item_id": item_id, "response_id": "r1", "delta": text}


def test_halves_are_joined_when_the_other_half_follows():
    transcript = Transcript([delta("Hi \ud83d")])
    assert transcript[0].text == "Hi \ufffd"
    transcript.add(delta("\ude00!"))
    assert transcript[0].text == "Hi 😀!"


def test_an_event_stays_as_it_came_and_is_shown_with_a_replacement():
    event = Event(delta("Hi \ud83d"))
    assert event.delta == "Hi \ud83d"
    assert is_well_formed(event._repr_html_())
    assert is_well_formed(repr(Event({"type": "\ud83d"})))


def test_a_constant_that_is_not_json_is_unreadable_as_in_a_browser():
    event = Event.from_text('{"type": "x", "at": NaN}', direction="received", time_ms=0)
    assert event.type == "rtc_widget.unreadable"


@pytest.mark.parametrize("value", ["caf\udce9.txt", ["\ud83d"], {"\ud83d": "\ude00"}])
def test_the_result_of_a_tool_is_text_that_can_be_sent(value):
    text = result_text(value)
    assert is_well_formed(text)
    assert "\ufffd" in text


PIECES = [
    "",
    "a",
    "é",
    "😀",
    "\ud83d",
    "\ude00",
    "\udce9",
    "\x00",
    "\n",
    "\r",
    "\u2028",
    '"',
    "\\",
    "</",
    "<b>",
    "&",
    "]",
]


def any_text(rng: random.Random) -> str:
    if rng.random() < 0.03:
        return rng.choice(PIECES) * 3000
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 6)))


def any_json(rng: random.Random, depth: int = 3) -> object:
    match rng.randrange(8 if depth else 6):
        case 0:
            return any_text(rng)
        case 1:
            return rng.choice([None, True, False])
        case 2:
            return rng.choice([0, -1, 10**40, 0.1, -1e-300, 1e308])
        case 3:
            return rng.choice([float("inf"), float("-inf")])  # JSON text may hold 1e999
        case 4 | 5:
            return any_text(rng)
        case 6:
            return [any_json(rng, depth - 1) for _ in range(rng.randint(0, 3))]
        case _:
            return {any_text(rng): any_json(rng, depth - 1) for _ in range(rng.randint(0, 3))}


def any_event(rng: random.Random) -> dict[str, object]:
    """Return an event with any text in a field that is read, or any object."""
    text, item = any_text(rng), rng.choice(["item_1", "item_2", any_text(rng)])
    message = {"id": item, "type": "message", "role": rng.choice(["user", "assistant"]), "status": "completed"}
    return rng.choice(
        [
            delta(text, item),
            {"type": "response.output_audio_transcript.done", "item_id": item, "transcript": text},
            {"type": "conversation.item.added", "item": {**message, "content": [{"type": "input_text", "text": text}]}},
            {"type": "conversation.item.input_audio_transcription.completed", "item_id": item, "transcript": text},
            {
                "type": "response.output_item.done",
                "item": {**message, "type": "function_call", "name": text, "call_id": "c1", "arguments": text},
            },
            {
                "type": "conversation.item.added",
                "item": {**message, "id": "o1", "type": "function_call_output", "call_id": "c1", "output": text},
            },
            {"type": "error", "error": {"type": "x", "code": text, "message": text, "param": text}},
            {"type": "session.updated", "session": {"instructions": text, "model": text, "voice": any_json(rng)}},
            {"type": "response.done", "response": {"id": text, "status": "failed", "status_details": any_json(rng)}},
            {"type": text, any_text(rng): any_json(rng)},
        ]
    )


def wire(value: object) -> str:
    return json.dumps(value).replace("Infinity", "1e999")


@pytest.mark.parametrize("seed", range(40))
async def test_any_text_leaves_by_every_exit(seed, tmp_path, caplog):
    rng = random.Random(seed)
    page = ScriptedPage()
    chat = VoiceChat(page=page, instructions=any_text(rng))
    given = json.loads(wire(any_text(rng)))

    @chat.tool(description=any_text(rng))
    def say(text: str) -> str:
        return given

    @chat.tool
    def fail(text: str) -> str:
        raise ValueError(given)

    @chat.on("*")
    def shown(event: Event) -> None:
        if event.type == "error":
            raise ValueError(given)

    await chat.connect()
    events = [json.loads(wire(any_event(rng))) for _ in range(12)]  # a reader of JSON joins halves
    page.events(*map(wire, events), attempt=page._attempt)
    await settled()
    received = [event.raw for event in chat.events if event.raw in events]
    assert len(received) == len(events), "events stay as they came"

    # What is asked, and what tools return
    page.will_respond(
        ScriptedResponse(calls=(ScriptedCall("say", {"text": given}), ScriptedCall("fail", {"text": given})))
    )
    page.will_say("Words " + any_text(rng))
    turn = await chat.ask("Say " + any_text(rng), timeout=HANGS)
    assert is_well_formed(turn.text)
    page.will_say(any_text(rng) or "x")
    chat.send_text("Write " + any_text(rng))
    chat.send({"type": "x.y", "text": given})
    await settled()
    sent = [event for event in page.sent if event["type"] == "conversation.item.create"]
    assert all(is_well_formed(json.dumps(event, ensure_ascii=False)) for event in sent)
    assert page.sent[-1]["text"] == given

    # What is shown
    things = [chat.events, chat.transcript, chat.tools, chat.tools.calls, chat.session, chat.usage, chat.latency]
    for thing in [*things, *chat.events, *chat.transcript, *chat.errors]:
        assert is_well_formed(repr(thing))
        assert is_well_formed(str(thing))
        if hasattr(thing, "_repr_html_"):
            assert is_well_formed(thing._repr_html_())
    assert is_well_formed(chat.transcript.to_markdown())
    for table in (chat.transcript, chat.events, chat.tools.calls):
        assert is_well_formed(table.to_pandas().to_csv() + table.to_pandas().to_html())
    if chat.error is not None:
        json.dumps(chat.error, ensure_ascii=False).encode()

    # What is written and read again
    again = EventLog.from_jsonl(chat.events.to_jsonl(tmp_path / "events.jsonl"))
    assert [event.raw for event in again] == [event.raw for event in chat.events]
    await chat.disconnect()
    loaded = VoiceChat.load(chat.save(tmp_path / "session.zip"))
    assert list(loaded.transcript) == list(chat.transcript)

    # What a second page and a call that resumes this one are told
    page.say("history", id="p1:h", first=0, before=None, brief=False, without=[])
    await settled()
    [history] = [reply for reply in page.heard("reply") if reply["id"] == "p1:h"]
    texts = [text for call in history["result"]["calls"] for _, _, text in call["events"]]
    assert [json.loads(text, parse_constant=pytest.fail) for text in texts] == [event.raw for event in chat.events]
    resumption = Resumption(PROTOCOL)
    resumption.begin_call(resumes=False)
    for event in chat.events:
        resumption.consume(event, wire(event.raw))
    resumption.begin_call(resumes=True)
    items = [item for text in chain(*resumption.events()) if (item := json.loads(text).get("item"))]
    assert items
    assert is_well_formed(json.dumps(items, ensure_ascii=False)), "not even as an escape: servers decode it"
    chat.close()
