"""What a person asks for in the page: changes of the session and of the widget's settings."""

from __future__ import annotations

from rtc_widget import OpenAILive, VoiceChat
from rtc_widget.testing import ScriptedPage
from tests.unit.server_double import UPDATE
from tests.unit.waiting import eventually, settled


def replies_of(page):
    return {message["id"]: message for message in page.heard("reply")}


async def reply_to(page, id):
    await eventually(lambda: id in replies_of(page))
    return replies_of(page)[id]


async def test_a_page_changes_the_session_and_hears_that_the_server_confirmed_it(chat, page, server):
    await server.connect()
    page.say("update_session", id="p1:1", settings={"voice": "marin", "turn_detection": None})
    (event,) = await server.takes(UPDATE)
    audio = {"output": {"voice": "marin"}, "input": {"turn_detection": None}}
    assert event["session"] == {"type": "realtime", "audio": audio}
    assert "p1:1" not in replies_of(page), "not before the server has confirmed it"
    await server.says({"type": "session.updated", "session": {"audio": audio}})
    assert (await reply_to(page, "p1:1"))["result"] == {}
    assert chat.session.voice == "marin"


async def test_a_page_hears_why_the_server_refused_a_change(page, server):
    await server.connect()
    page.say("update_session", id="p1:1", settings={"voice": "nobody"})
    (event,) = await server.takes(UPDATE)
    error = {"code": "invalid_value", "message": "No such voice.", "event_id": event["event_id"]}
    await server.says({"type": "error", "error": error})
    refused = (await reply_to(page, "p1:1"))["error"]
    assert (refused["code"], refused["message"]) == ("event_refused", "No such voice.")


async def test_a_page_hears_what_python_refuses_without_asking_the_server(page, server):
    await server.connect()
    page.say("update_session", id="p1:1", settings={"voise": "marin"})
    refused = (await reply_to(page, "p1:1"))["error"]
    assert refused["code"] == "invalid_session"
    assert "Did you mean 'voice'?" in refused["hint"]
    assert await server.take() == []


async def test_a_page_without_a_call_hears_that_there_is_none(page):
    page.hello()
    page.say("update_session", id="p1:1", settings={"voice": "marin"})
    assert (await reply_to(page, "p1:1"))["error"]["code"] == "not_connected"


async def test_a_defect_becomes_a_reply_too(chat, page, server, caplog):
    await server.connect()
    page.say("update_session", id="p1:1", settings={"tools": []})
    failed = (await reply_to(page, "p1:1"))["error"]
    assert failed["code"] == "unexpected"
    assert "@chat.tool" in failed["message"]
    assert "Updating the session failed" in caplog.text


async def test_what_gpt_live_fixes_at_the_start_is_refused_in_words():
    page = ScriptedPage()
    chat = VoiceChat(OpenAILive("sk-test"), page=page)
    try:
        page.connect()
        page.say("update_session", id="p1:1", settings={"voice": "marin"})
        refused = (await reply_to(page, "p1:1"))["error"]
        assert refused["message"] == "The session setting 'voice' is fixed at the start of a GPT-Live session."
    finally:
        chat.close()


async def test_a_page_turns_off_that_writing_interrupts(chat, page):
    page.hello()
    seen = []
    chat.observe(lambda change: seen.append(change["new"]), "text_interrupts")
    page.say("change_settings", id="p1:1", text_interrupts=False)
    assert (await reply_to(page, "p1:1"))["result"] == {}
    await settled()
    assert chat.text_interrupts is False
    assert chat.settings["text_interrupts"] is False
    assert seen == [False]
