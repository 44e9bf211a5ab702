"""Exercises of lesson 11, the anatomy of a voice turn."""

from __future__ import annotations

from typing import Any

from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right

LONGEST_SILENCE = 250
"""Milliseconds of silence after which the server decides: at most half of what it is when the lesson begins."""


@exercise("the largest part", expects="the parts in seconds by their names, and the name of the largest")
def largest_part(parts: Any, name: str) -> CheckResult:
    """Judge which part of the wait is the largest."""
    total = sum(parts.values())
    if total <= 0:
        return missing("the wait cannot be negative; measure a turn first.")
    if name not in parts:
        return missing(f"name one of {', '.join(parts)}.")
    if parts[name] < max(parts.values()):
        return missing(f"{name} is {parts[name] / total:.0%} of the wait, another part is larger.")
    return right(f"{name} is {parts[name] / total:.0%} of the wait.")


@exercise("a shorter wait", expects="the session after your change, and the seconds of deciding before and after it")
def shorter_wait(session: Any, before: float, after: float) -> CheckResult:
    """Judge whether the server waits for a shorter silence; how long it then takes depends on the computer, too."""
    silence = session.audio.input.turn_detection.silence_duration_ms
    if silence > LONGEST_SILENCE:
        return missing(f"the server waits for {silence} ms of silence; lower silence_duration_ms to half of it.")
    if after == before:
        return missing("ask again after your change, and take the time of that turn.")
    return right(f"the server waits for {silence} ms of silence: deciding took {before:.2f} s and now {after:.2f} s.")


@exercise("the price", expects="the number of turns with a short silence and with a long one")
def price(short: int, long: int) -> CheckResult:
    """Judge how many turns a question with a pause becomes."""
    if isinstance(short, bool) or isinstance(long, bool):
        return missing("give two numbers of turns.")
    if int(short) != short or int(long) != long or min(short, long) < 1:
        return missing("count the turns of the user; every run has at least one.")
    if short <= long:
        return missing("a short silence must cut the question with a pause into more turns than a long one.")
    return right(f"a pause for thought became the end of a turn: {short} turns where there was {long}.")


@exercise("barge-in", expects="the events of the call")
def barge_in(events: Any) -> CheckResult:
    """Judge whether the user interrupted a response by speaking."""
    playing, cause, heard = False, "", None
    for event in events:
        match event.type:
            case "output_audio_buffer.started":
                playing, cause = True, ""
            case "input_audio_buffer.speech_started" | "output_audio_buffer.clear" | "response.cancel" if playing:
                cause = cause or event.type
            case "conversation.item.truncated" if cause.endswith("speech_started"):
                heard = event.audio_end_ms
            case "output_audio_buffer.stopped":
                playing = False
    if heard is not None:
        return right(f"the server knows that you heard only the first {heard / 1000:.1f} s of the response.")
    if cause:
        return missing("a response was stopped, but not by speech: call say() while the assistant speaks.")
    return missing("speak while the assistant speaks: call say() again before it has finished.")


@exercise("what the network moves", expects="the milliseconds by which the wait grows")
def network_moves(milliseconds: float) -> CheckResult:
    """Judge by how much a delay of 200 ms in each direction lengthens the wait."""
    if milliseconds == 200:
        return missing("your question travels to the server, and the response travels back.")
    if not 350 <= milliseconds <= 450:
        return missing("count the ways that a turn takes: once to the server, once back.")
    return right("a turn goes there and back, so that it pays the delay twice.")
