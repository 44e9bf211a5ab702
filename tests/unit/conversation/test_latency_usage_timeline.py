"""Latency, usage and timeline, computed from the events of a call."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from rtc_widget import Event, EventLog
from rtc_widget.conversation.latency import Latency
from rtc_widget.conversation.timeline import LANES, spans
from rtc_widget.conversation.usage import Usage
from tests.unit.waiting import settled

BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)


def log_of(*events):
    return EventLog(
        Event(
            {"type": kind.removeprefix("> "), **fields},
            direction="sent" if kind.startswith("> ") else "received",
            time=BEGAN + timedelta(seconds=at),
            elapsed=at,
        )
        for at, kind, fields in events
    )


VAD = {"session": {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}}}}
MESSAGE, CALL = {"type": "message", "role": "assistant"}, {"type": "function_call", "call_id": "c1", "name": "f"}
WRITTEN = {"item": {"type": "message", "role": "user", "content": []}}


def response(at, response_id="r1", *output, words=None, audio=None, stop=None, done=None, **fields):
    events = [(at, "response.created", {"response": {"id": response_id, "conversation_id": "conv"}})]
    if words is not None:
        events.append((words, "response.output_audio_transcript.delta", {"response_id": response_id, "delta": "a"}))
    if audio is not None:
        events.append((audio, "output_audio_buffer.started", {"response_id": response_id}))
    whole = {"id": response_id, "status": "completed", "output": list(output or [MESSAGE]), **fields}
    events.append((done if done is not None else at + 1, "response.done", {"response": whole}))
    if stop is not None:
        events.append((stop, "output_audio_buffer.stopped", {"response_id": response_id}))
    return events


CALL_LOG = log_of(
    (0.0, "session.created", VAD),
    (1.0, "input_audio_buffer.speech_started", {"item_id": "u1"}),
    (2.0, "input_audio_buffer.speech_stopped", {"item_id": "u1"}),
    (2.0, "input_audio_buffer.committed", {"item_id": "u1"}),
    *response(2.1, "r1", words=2.5, audio=2.75, done=3.0, stop=5.0),
    (6.0, "> conversation.item.create", WRITTEN),
    (6.0, "> response.create", {}),
    *response(6.1, "r2", CALL, done=6.5),
    (6.5, "response.function_call_arguments.done", {"call_id": "c1", "name": "f"}),
    (7.5, "> conversation.item.create", {"item": {"type": "function_call_output", "call_id": "c1"}}),
    *response(7.6, "r3", words=8.0, audio=8.5, done=8.75, stop=10.0),
    (11.0, "error", {"error": {"code": "invalid_value", "message": "No."}}),
)


def test_latency_counts_from_the_end_of_the_question():
    spoken, written = Latency(CALL_LOG)
    assert (spoken.asked, spoken.asked_at, spoken.silence) == ("spoken", 2.0, 0.5)
    assert (spoken.first_transcript, spoken.first_audio, spoken.done) == (0.5, 0.75, 1.0)
    assert (written.asked, written.response_id, written.tools) == ("written", "r3", 1.0)
    assert (written.first_transcript, written.first_audio, written.done) == (2.0, 2.5, 2.75)


def test_latency_of_push_to_talk_counts_from_the_commit():
    [pushed] = Latency(log_of((3.0, "input_audio_buffer.committed", {}), *response(3.1, words=3.5)))
    assert (pushed.asked, pushed.asked_at, pushed.first_transcript, pushed.first_audio) == ("pushed", 3.0, 0.5, None)


def test_a_question_sent_before_the_session_was_confirmed_is_counted_and_one_of_the_call_before_is_not():
    first_words = [(0.0, "> conversation.item.create", WRITTEN), (0.25, "session.created", VAD)]
    answered = Latency(log_of(*first_words, *response(0.5, words=1.0)))
    assert [(turn.asked_at, turn.first_transcript) for turn in answered] == [(0.0, 1.0)]
    unanswered = [(3.0, "> conversation.item.create", WRITTEN), (0.0, "session.created", VAD)]
    assert not Latency(log_of(*unanswered, *response(0.5, words=1.0)))


def test_an_out_of_band_response_is_not_measured():
    beside = {"response": {"id": "b1", "conversation_id": None}}
    events = log_of(
        (1.0, "> conversation.item.create", WRITTEN),
        (1.0, "> response.create", {"response": {"conversation": "none"}}),
        (1.1, "response.created", beside),
        (1.2, "> response.create", {}),
        *response(1.5, "r1", words=2.0),
    )
    assert [turn.response_id for turn in Latency(events)] == ["r1"]


def test_a_failed_response_without_text_is_not_measured():
    failed = response(1.1, "r1", status="failed", output=[], done=1.2)
    log = log_of((1.0, "> conversation.item.create", WRITTEN), (1.0, "> response.create", {}), *failed)
    assert len(Latency(log)) == 0


def test_latency_as_table_and_words():
    latency = Latency(CALL_LOG)
    table = latency.to_pandas()
    assert table.first_audio.tolist() == [0.75, 2.5]
    assert table.dtypes.astype(str).first_audio == "float64"
    assert repr(latency) == "<Latency: 2 responses, first audio after 1.62 s (median)>"
    assert "spoken" in latency._repr_html_()
    assert "no responses" in repr(Latency([]))
    assert Latency([]).to_pandas().empty


def test_latency_as_a_plot(tmp_path):
    figure = Latency(CALL_LOG).plot()
    figure.savefig(tmp_path / "latency.png")
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["2.0 s, spoken", "6.0 s, written"]
    assert [bar.get_width() for bar in axes.containers[1]] == [0.75, 2.5]
    Latency([]).plot()


def usage(**given):
    details = {"text_tokens": 100, "audio_tokens": 50, "image_tokens": 10, "cached_tokens": 70}
    details["cached_tokens_details"] = {"text_tokens": 60, "audio_tokens": 10, "image_tokens": 0}
    whole = {"input_tokens": 160, "output_tokens": 30, "total_tokens": 190, "input_token_details": details}
    return whole | {"output_token_details": {"text_tokens": 10, "audio_tokens": 20}} | given


TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
USED = log_of(
    (1.0, "response.done", {"response": {"id": "r1", "usage": usage()}}),
    (2.0, "response.done", {"response": {"id": "r2", "usage": None}}),
    (3.0, TRANSCRIBED, {"item_id": "u1", "usage": {"type": "tokens", "input_tokens": 12, "output_tokens": 5}}),
    (4.0, TRANSCRIBED, {"item_id": "u2", "usage": {"type": "duration", "seconds": 2.5}}),
)
PRICES = {"text_input": 4, "audio_input": 32, "image_input": 5, "cached_text_input": 0.4, "cached_audio_input": 0.4,
          "text_output": 16, "audio_output": 64, "transcription_input": 2.5, "transcription_output": 10,
          "transcription_seconds": 0.0001}  # fmt: skip


def test_tokens_are_counted_by_kind_and_cached_ones_only_once():
    used = Usage(USED)
    assert {kind: amount for kind, amount in used.items() if amount} == {
        "text_input": 40,
        "audio_input": 40,
        "image_input": 10,
        "cached_text_input": 60,
        "cached_audio_input": 10,
        "text_output": 10,
        "audio_output": 20,
        "transcription_input": 12,
        "transcription_output": 5,
        "transcription_seconds": 2.5,
    }
    assert (used.input_tokens, used.cached_tokens, used.output_tokens, used.total_tokens) == (160, 70, 30, 190)


def test_a_server_that_does_not_tell_the_kinds_is_taken_to_mean_text():
    plain = {"input_tokens": 7, "output_tokens": 3}
    used = Usage(log_of((1.0, "response.done", {"response": {"id": "r1", "usage": plain}})))
    assert (used["text_input"], used["text_output"]) == (7, 3)


def test_cost_is_by_the_price_list():
    used = Usage(USED)
    by_hand = (40 * 4 + 40 * 32 + 10 * 5 + 60 * 0.4 + 10 * 0.4 + 10 * 16 + 20 * 64 + 12 * 2.5 + 5 * 10) / 1e6 + 0.00025
    assert used.cost(PRICES) == pytest.approx(by_hand)


def test_a_price_that_is_missing_is_not_taken_for_nothing():
    with pytest.raises(ValueError, match="missing: transcription_seconds"):
        Usage(USED).cost({kind: price for kind, price in PRICES.items() if kind != "transcription_seconds"})
    with pytest.raises(ValueError, match="Unknown token kind audio"):
        Usage(USED).cost({"audio": 1})


def test_usage_as_table_and_words():
    table = Usage(USED).to_pandas()
    assert table["of"].tolist() == ["r1", "u1", "u2"]
    assert table.audio_output.tolist() == [20, 0, 0]
    assert "190 tokens" in repr(Usage(USED))
    assert "190" in Usage(USED)._repr_html_()
    assert Usage([]).to_pandas().empty
    assert Usage([]).total_tokens == 0


def test_the_timeline_pairs_what_began_with_what_ended_it():
    drawn = [(span.lane, span.start, span.end, span.label, span.status) for span in spans(CALL_LOG)]
    assert drawn == [
        ("You", 1.0, 2.0, "", "completed"),
        ("Responses", 2.1, 3.0, "", "completed"),
        ("Assistant", 2.75, 5.0, "", "completed"),
        ("You", 6.0, 6.0, "wrote", "completed"),
        ("Responses", 6.1, 6.5, "", "completed"),
        ("Tools", 6.5, 7.5, "f", "completed"),
        ("Responses", 7.6, 8.75, "", "completed"),
        ("Assistant", 8.5, 10.0, "", "completed"),
        ("Errors", 11.0, 11.0, "invalid_value", "failed"),
    ]


def test_the_timeline_shows_what_was_interrupted_held_and_left_open():
    events = log_of(
        (0.0, "> input_audio_buffer.clear", {}),
        (1.0, "input_audio_buffer.committed", {"item_id": "u1"}),
        (2.0, "output_audio_buffer.started", {"response_id": "r1"}),
        (3.0, "output_audio_buffer.cleared", {"response_id": "r1"}),
        (4.0, "response.created", {"response": {"id": "r2"}}),
        (5.0, "response.done", {"response": {"id": "r2", "status": "failed"}}),
        (6.0, "input_audio_buffer.speech_started", {"item_id": "u2"}),
        (7.0, "session.updated", {}),
    )
    drawn = [(span.lane, span.end - span.start, span.status) for span in spans(events)]
    assert drawn == [
        ("You", 1.0, "completed"),
        ("Assistant", 1.0, "interrupted"),
        ("Responses", 1.0, "failed"),
        ("Errors", 0.0, "failed"),
        ("You", 1.0, "open"),
    ]


@pytest.mark.parametrize("end", [("committed", {"item_id": "u1"}), ("cleared", {})])
def test_speech_that_no_silence_ended_ends_in_the_timeline(end):
    name, fields = end
    events = log_of(
        (1.0, "input_audio_buffer.speech_started", {"item_id": "u1"}),
        (2.0, f"input_audio_buffer.{name}", fields),
        (9.0, "session.updated", {}),
    )
    [span] = spans(events)
    assert (span.lane, span.start, span.end, span.status) == ("You", 0.0, 1.0, "completed")


def test_the_timeline_is_a_plot(tmp_path):
    figure = CALL_LOG.timeline()
    figure.savefig(tmp_path / "timeline.png")
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(LANES)
    assert len(axes.collections) == 7
    assert [text.get_text() for text in axes.texts] == ["wrote", "f", "invalid_value"]
    EventLog().timeline()


async def test_measures_are_those_of_the_widget(chat, page):
    page.hello()
    page.connected()
    page.events(*(json.loads(json.dumps(event.raw)) for event in USED))
    await settled()
    assert chat.usage.total_tokens == 190
    assert len(chat.latency()) == 0


def test_a_log_of_one_moment_is_a_plot_and_a_dollar_no_formula(tmp_path):
    words = {"error": {"message": "costs $5_{ and $6"}}
    figure = log_of((1.0, "error", words)).timeline()
    figure.savefig(tmp_path / "moment.png")
