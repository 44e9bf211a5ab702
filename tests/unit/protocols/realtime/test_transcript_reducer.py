from __future__ import annotations

from rtc_widget import Event, Transcript


def item(item_id, role, content, *, kind="conversation.item.added", after=None, status="completed", type="message"):
    return {
        "type": kind,
        "previous_item_id": after,
        "item": {"id": item_id, "type": type, "role": role, "content": content, "status": status},
    }


def heard(item_id, text):
    return {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": item_id,
        "content_index": 0,
        "transcript": text,
    }


def turns(*events):
    return [(turn.role, turn.text, turn.status) for turn in Transcript(events)]


def test_a_written_question_and_a_spoken_answer():
    assert turns(
        item("u1", "user", [{"type": "input_text", "text": "What is ICE?"}]),
        item("a1", "assistant", [], after="u1", status="in_progress"),
        {"type": "response.output_audio_transcript.delta", "item_id": "a1", "delta": "A way "},
        {"type": "response.output_audio_transcript.delta", "item_id": "a1", "delta": "through."},
    ) == [("user", "What is ICE?", "completed"), ("assistant", "A way through.", "in_progress")]


def test_what_was_heard_lands_in_its_place_however_late():
    assert turns(
        item("u1", "user", [{"type": "input_audio", "transcript": None}]),
        item("a1", "assistant", [], after="u1", status="in_progress"),
        {"type": "response.output_audio_transcript.done", "item_id": "a1", "transcript": "Fine."},
        {"type": "response.done", "response": {"status": "completed", "output": [{"id": "a1"}]}},
        heard("u1", " How are you? "),
    ) == [("user", "How are you?", "completed"), ("assistant", "Fine.", "completed")]


def test_items_stand_where_the_server_puts_them():
    transcript = Transcript(
        [
            item("u1", "user", [{"type": "input_text", "text": "one"}]),
            item("u3", "user", [{"type": "input_text", "text": "three"}], after="u1"),
            item("f1", None, None, after="u1", type="function_call"),
            item("u2", "user", [{"type": "input_text", "text": "two"}], after="f1"),
        ]
    )
    assert [turn.text for turn in transcript] == ["one", "two", "three"]


def test_nothing_is_doubled_when_added_done_and_created_all_come():
    content = [{"type": "input_text", "text": "hello"}]
    assert turns(
        item("u1", "user", content),
        item("u1", "user", content, kind="conversation.item.created"),
        item("u1", "user", content, kind="conversation.item.done"),
    ) == [("user", "hello", "completed")]


def test_how_an_answer_ended_is_seen():
    def ended(status):
        return turns(
            {"type": "response.output_text.delta", "item_id": "a1", "delta": "Half"},
            {"type": "response.done", "response": {"status": status, "output": [{"id": "a1"}]}},
        )

    assert ended("cancelled") == [("assistant", "Half", "cancelled")]
    assert ended("incomplete") == [("assistant", "Half", "incomplete")]
    assert ended("failed") == [("assistant", "Half", "failed")]
    assert ended("completed") == [("assistant", "Half", "completed")]


def test_what_could_not_be_heard_is_a_failed_turn():
    failed = {"type": "conversation.item.input_audio_transcription.failed", "item_id": "u1", "error": {}}
    assert turns(item("u1", "user", [{"type": "input_audio"}]), failed) == [("user", "", "failed")]


def test_a_deleted_item_is_gone():
    assert (
        turns(
            item("u1", "user", [{"type": "input_text", "text": "x"}]),
            {"type": "conversation.item.deleted", "item_id": "u1"},
        )
        == []
    )


def test_odd_events_change_nothing():
    odd = [
        {},
        {"type": 7},
        {"type": "conversation.item.added"},
        {"type": "conversation.item.added", "item": {"id": 1}},
        {"type": "response.done", "response": None},
        {"type": "response.done", "response": {"output": [None, {}]}},
        {"type": "response.output_text.delta", "item_id": "a", "delta": None},
        {"type": "brand.new"},
    ]
    assert turns(*odd) == []


def test_events_of_a_log_can_be_folded_too():
    events = [Event(item("u1", "user", [{"type": "input_text", "text": "hello"}]))]
    assert str(Transcript(events)) == "user: hello"


def test_each_call_counts_its_items_by_itself():
    transcript = Transcript()
    transcript.begin_call(resumes=False)
    transcript.add(item("item_1", "user", [{"type": "input_text", "text": "first call"}]))
    transcript.begin_call(resumes=False)
    transcript.add({"type": "response.output_text.delta", "item_id": "item_1", "delta": "second call"})
    assert [(turn.call, turn.role, turn.text) for turn in transcript] == [
        (1, "user", "first call"),
        (2, "assistant", "second call"),
    ]
    assert str(transcript).splitlines()[1] == "── new call ──"


def test_an_answer_that_was_cut_short_stays_so():
    said = {"type": "response.output_audio_transcript.delta", "item_id": "a1", "delta": "Half"}
    added = item("a1", "assistant", [], kind="response.output_item.added", status="in_progress")
    done = {"type": "response.done", "response": {"status": "completed", "output": [{"id": "a1"}]}}
    cleared = {"type": "output_audio_buffer.cleared", "response_id": "r1"}
    assert turns({**added, "response_id": "r1"}, said, done, cleared) == [("assistant", "Half", "interrupted")]
    assert turns({**added, "response_id": "r2"}, said, done, cleared) == [("assistant", "Half", "completed")]
    truncated = {"type": "conversation.item.truncated", "item_id": "a1"}
    assert turns(said, truncated, done) == [("assistant", "Half", "interrupted")]


def test_what_was_being_said_when_the_call_ended_will_not_be_finished():
    transcript = Transcript([{"type": "response.output_text.delta", "item_id": "a1", "delta": "Half"}])
    transcript.end_call()
    assert transcript[0].status == "interrupted"


def test_the_names_of_the_beta_are_understood():
    assert turns(
        {"type": "response.audio_transcript.delta", "item_id": "a1", "delta": "Hel"},
        {"type": "response.audio_transcript.done", "item_id": "a1", "transcript": "Hello"},
        {"type": "response.text.done", "item_id": "a2", "text": "Bye"},
    ) == [("assistant", "Hello", "in_progress"), ("assistant", "Bye", "in_progress")]


def test_what_is_completed_late_is_completed():
    transcript = Transcript()
    transcript.begin_call(resumes=False)
    transcript.add({"type": "response.created", "response": {"id": "r1", "status": "in_progress"}})
    transcript.begin_call(resumes=True)
    item = {"id": "m1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Late."}]}
    transcript.add({"type": "response.output_item.added", "response_id": "r1", "item": item | {"content": []}}, call=1)
    transcript.add(
        {"type": "response.output_text.delta", "response_id": "r1", "item_id": "m1", "delta": "Late."}, call=1
    )
    transcript.add({"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [item]}}, call=1)
    transcript.end_call(1)
    [turn] = transcript
    assert (turn.text, turn.status, turn.call) == ("Late.", "completed", 1)
