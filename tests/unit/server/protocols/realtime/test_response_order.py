"""A response answers the questions before it; a later question belongs to the next response."""

from __future__ import annotations

from rtc_widget.server.conversation import Conversation, MessageItem, Part


def said(id, text):
    return MessageItem(id, "user", (Part("input_text", text),))


def test_a_part_of_a_conversation_knows_only_its_own_questions():
    whole = Conversation([said("one", "What is ICE?"), said("two", "What is DTLS?")])
    part = whole.part({"one", "gone"})
    assert part.question() == "What is ICE?"
    part.take_questions()
    assert whole.question() == "What is DTLS?"


def test_what_a_part_has_given_back_is_asked_again():
    whole = Conversation([said("one", "What is ICE?")])
    whole.give_back(whole.part({"one"}).take_questions())
    assert [item.id for item in whole.open_questions()] == ["one"]
