"""The times of turns, the part of them that was played, and the forms of a transcript."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rtc_widget import Event, Transcript
from rtc_widget.conversation.turn import Turn, with_text

ANSWER = "Ice finds a way through. It tries every pair of addresses."


def transcript_of(*events):
    transcript = Transcript()
    for at, kind, fields in events:
        direction = "sent" if kind.startswith("> ") else "received"
        transcript.add(Event({"type": kind.removeprefix("> "), **fields}, direction=direction, elapsed=at))
    return transcript


TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


def spoken(item_id="u1", start=1.0, end=2.5):
    return [
        (start, "input_audio_buffer.speech_started", {"item_id": item_id, "audio_start_ms": 0}),
        (end, "input_audio_buffer.speech_stopped", {"item_id": item_id, "audio_end_ms": 1500}),
        (end, "input_audio_buffer.committed", {"item_id": item_id, "previous_item_id": None}),
        (end, "conversation.item.added", {"item": {"id": item_id, "type": "message", "role": "user", "content": []}}),
    ]


def answered(start=3.0, item_id="a1", response_id="r1", tokens=100):
    item = {"id": item_id, "type": "message", "role": "assistant", "status": "completed"}
    usage = {"output_token_details": {"audio_tokens": tokens}}
    response = {"id": response_id, "status": "completed", "usage": usage, "output": [item]}
    said = {"response_id": response_id, "item_id": item_id, "transcript": ANSWER}
    return [
        (start, "response.output_item.added", {"response_id": response_id, "item": item | {"status": "in_progress"}}),
        (start + 0.1, "output_audio_buffer.started", {"response_id": response_id}),
        (start + 0.2, "response.output_audio_transcript.done", said),
        (start + 0.3, "response.done", {"response": response}),
    ]


def test_a_spoken_turn_lasts_from_the_first_word_to_the_last():
    late = (
        9.0,
        "conversation.item.input_audio_transcription.completed",
        {"item_id": "u1", "transcript": "What is ICE?"},
    )
    transcript = transcript_of(
        *spoken(), *answered(), (8.0, "output_audio_buffer.stopped", {"response_id": "r1"}), late
    )
    question, answer = transcript
    assert (question.text, question.start, question.end) == ("What is ICE?", 1.0, 2.5)
    assert (answer.start, answer.end, answer.response_id) == (3.1, 8.0, "r1")
    assert answer.heard == ANSWER
    assert not answer.interrupted
    assert transcript.of_response("r1") == answer
    assert transcript.of_response("r2") is None


def test_an_answer_has_no_end_while_it_is_being_spoken():
    [answer] = transcript_of(*answered())
    assert answer.status == "completed"
    assert answer.end is None


def test_a_pushed_turn_lasts_as_long_as_the_key():
    item = {"id": "u1", "type": "message", "role": "user", "content": [{"type": "input_audio"}]}
    [turn] = transcript_of(
        (1.0, "> input_audio_buffer.clear", {}),
        (1.1, "input_audio_buffer.cleared", {}),
        (4.0, "input_audio_buffer.committed", {"item_id": "u1", "previous_item_id": None}),
        (4.0, "conversation.item.added", {"item": item}),
    )
    assert (turn.start, turn.end) == (1.0, 4.0)


def test_a_written_turn_is_a_moment():
    item = {"id": "u1", "type": "message", "role": "user", "status": "completed"}
    content = [{"type": "input_text", "text": "Hello"}]
    [turn] = transcript_of((2.0, "conversation.item.added", {"item": item | {"content": content}}))
    assert (turn.start, turn.end, turn.heard) == (2.0, 2.0, "Hello")


def test_of_an_answer_that_was_truncated_only_the_first_words_were_heard():
    cleared = (4.0, "output_audio_buffer.cleared", {"response_id": "r1"})
    truncated = (4.0, "conversation.item.truncated", {"item_id": "a1", "content_index": 0, "audio_end_ms": 2200})
    [answer] = transcript_of(*answered(tokens=100), cleared, truncated)
    # 100 tokens are 5 s of audio; 2.2 s of it were played.
    assert answer.interrupted
    assert answer.played == pytest.approx(0.44)
    assert answer.heard == "Ice finds a way through."
    assert answer.text == ANSWER
    assert answer.end == 4.0


def test_without_a_word_of_the_server_the_time_tells_what_was_heard():
    [answer] = transcript_of(
        *answered(start=3.0, tokens=0), (4.1, "output_audio_buffer.cleared", {"response_id": "r1"})
    )
    assert answer.interrupted
    assert answer.heard == "Ice finds a way"  # 1 s at 15 characters a second


def test_an_answer_that_never_began_was_not_heard():
    events = [event for event in answered() if event[1] != "output_audio_buffer.started"]
    [answer] = transcript_of(*events, (3.5, "output_audio_buffer.cleared", {"response_id": "r1"}))
    assert answer.heard == ""


def test_the_end_of_the_call_ends_what_was_being_said():
    transcript = transcript_of(*answered())
    transcript.end_call()
    assert transcript[0].end == 3.3


def test_words_that_stand_only_in_the_finished_response_are_not_lost():
    item = {"id": "a1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    [answer] = transcript_of(
        (1.0, "response.done", {"response": {"id": "r1", "status": "completed", "output": [item]}})
    )
    assert (answer.text, answer.status) == ("Hi", "completed")


@pytest.fixture
def conversation():
    late = (9.0, TRANSCRIBED, {"item_id": "u1", "transcript": "<b>*ICE*?"})
    cleared = (4.0, "output_audio_buffer.cleared", {"response_id": "r1"})
    return transcript_of(*spoken(), *answered(tokens=0), cleared, late)


def test_as_markdown(conversation):
    assert conversation.to_markdown() == (
        f"**You** (1.0 s): \\<b\\>\\*ICE\\*?\n\n**Assistant** (3.1 s): {ANSWER} *(interrupted after: Ice finds a)*\n"
    )
    conversation.begin_call(resumes=False)
    conversation.begin_call(resumes=True)
    conversation.add({"type": "response.output_text.done", "item_id": "a9", "text": "Again."})
    assert "*── connected again ──*\n\n**Assistant**: Again." in conversation.to_markdown()
    assert Transcript().to_markdown() == ""


def test_as_a_table(conversation):
    table = conversation.to_pandas()
    assert table.role.tolist() == ["user", "assistant"]
    assert table.start.tolist() == [1.0, 3.1]
    assert table.interrupted.tolist() == [False, True]
    assert table.heard.tolist()[1] == "Ice finds a"
    assert table.dtypes.astype(str)[["call", "start", "text"]].tolist() == ["int64", "float64", "string"]
    assert Transcript().to_pandas().empty


def test_as_html_with_every_word_escaped(conversation):
    html = conversation._repr_html_()
    assert "&lt;b&gt;*ICE*?" in html
    assert "Ice finds a<s" in html
    assert "— interrupted" in html
    assert "Nothing has been said" in Transcript()._repr_html_()


@pytest.mark.parametrize(
    ("cleared_at", "heard", "interrupted"),
    [(3.8, ["Let me", ""], [True, True]), (5.1, ["Let me look.", "Here"], [False, True])],
)
def test_of_two_messages_in_one_answer_each_has_its_share(cleared_at, heard, interrupted):
    items = [
        {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        for item_id, part in (
            ("a1", {"type": "output_audio", "transcript": "Let me look."}),
            ("a2", {"type": "output_audio", "transcript": "Here it is.."}),
        )
    ]
    usage = {"output_token_details": {"audio_tokens": 60}}  # 3 s, of which each message has the half
    response = {"id": "r1", "status": "completed", "usage": usage, "output": items}
    turns = transcript_of(
        (3.0, "output_audio_buffer.started", {"response_id": "r1"}),
        *((3.1, "response.output_item.done", {"response_id": "r1", "item": item}) for item in items),
        (3.2, "response.done", {"response": response}),
        (cleared_at, "output_audio_buffer.cleared", {"response_id": "r1"}),
    )
    assert [turn.heard for turn in turns] == heard
    assert [turn.interrupted for turn in turns] == interrupted


def test_an_answer_that_waited_and_was_never_heard_has_no_words_that_were():
    *_, waiting = transcript_of(
        *answered(),
        *[event for event in answered(3.5, "a2", "r2") if event[1] != "output_audio_buffer.started"],
        (4.0, "output_audio_buffer.cleared", {"response_id": "r1"}),
        (4.0, "conversation.item.truncated", {"item_id": "a2", "content_index": 0, "audio_end_ms": 0}),
    )
    assert (waiting.text, waiting.heard, waiting.interrupted) == (ANSWER, "", True)


def test_a_turn_with_another_text_keeps_all_else():
    audio = object()
    turn = Turn("user", "Ice", "u1", "failed", 3, 1.5, 2.5, 0.25, True, "r1", audio)
    grown = with_text(turn, "Icecream")
    assert grown == replace(turn, text="Icecream")
    assert grown.audio is audio
