from __future__ import annotations

import base64
import json
import os
import zipfile

import numpy as np
import pytest

from rtc_widget import OpenAI, VoiceChat
from rtc_widget._deprecated import RenamedAttribute
from rtc_widget.errors import NotConnected, SavedSessionOnly, SessionFileError
from rtc_widget.saved.redaction import Redaction
from rtc_widget.saved.saved_session import NEEDS_A_CALL
from rtc_widget.testing import ScriptedPage
from tests.unit.waiting import settled

BEGAN_MS = 1_795_286_400_000.0
MARKED_KEY = "canary-key-7041-of-nobody"


def say_sound(page: ScriptedPage, seed: int = 1) -> dict[str, np.ndarray]:
    """Say what both sides were heard to say for a second; returns their samples."""
    random = np.random.default_rng(seed)
    sides = {}
    for number, track in enumerate(("user", "assistant")):
        sides[track] = random.integers(-9000, 9000, 24_000).astype("<i2")
        data = base64.b64encode(sides[track].tobytes()).decode()
        page.say(
            "audio", number=number, attempt="a1", track=track, rate=24_000, at_ms=BEGAN_MS + 500, lost=480, data=data
        )
    return sides


async def talk(page: ScriptedPage, *extra: dict) -> None:
    page.hello()
    page.connected()
    said = {"type": "response.output_text.done", "item_id": "item_1", "text": "ICE finds a way."}
    item = {"id": "item_1", "type": "message", "role": "assistant", "content": []}
    page.events(
        {"type": "session.created"}, {"type": "conversation.item.added", "item": item}, said, *extra,
        {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "output": [{"id": "item_1"}]}},
    )  # fmt: skip
    report = {"id": "I", "type": "inbound-rtp", "kind": "audio", "jitter": 0.01}
    page.say("stats", number=2, attempt="a1", time_ms=BEGAN_MS + 1500, reports=[report])
    await settled()


async def test_a_session_comes_back_as_it_was(chat, page, tmp_path):
    sides = say_sound(page)
    await talk(page)
    path = chat.save(tmp_path / "monday.zip")
    again = VoiceChat.load(path)
    assert [event.raw for event in again.events] == [event.raw for event in chat.events]
    assert [event.elapsed for event in again.events] == [event.elapsed for event in chat.events]
    assert [event.time for event in again.events] == [event.time for event in chat.events]
    assert [event.direction for event in again.events] == [event.direction for event in chat.events]
    assert list(again.transcript) == list(chat.transcript)
    assert again.transcript[0].text == "ICE finds a way."
    assert [sample.to_json() for sample in again.stats] == [sample.to_json() for sample in chat.stats]
    assert len(again.stats) == 1
    for track, clip in (("user", again.recording.user), ("assistant", again.recording.assistant)):
        assert np.array_equal(clip.pcm, sides[track]), "not a sample is changed"
        assert clip.sample_rate == 24_000
    assert (again.recording.start, again.recording.lost) == (chat.recording.start, chat.recording.lost) == (0.5, 0.04)
    assert again.about["server"] == "Scripted server"
    assert again.about["settings"]["max_duration"] == 3600


async def test_a_session_that_was_saved_can_be_measured(chat, page, tmp_path):
    usage = {"input_tokens": 20, "input_token_details": {"text_tokens": 20}, "output_tokens": 5}
    message = {"id": "item_2", "type": "message", "role": "assistant", "content": []}
    response = {"id": "resp_2", "status": "completed", "output": [message], "usage": usage}
    await talk(
        page,
        {"type": "session.updated", "session": {"model": "tutor", "audio": {"output": {"voice": "heart"}}}},
        {"type": "input_audio_buffer.speech_stopped", "item_id": "item_0", "audio_end_ms": 100},
        {"type": "response.created", "response": {"id": "resp_2", "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "response_id": "resp_2", "item": message},
        {"type": "response.output_text.delta", "response_id": "resp_2", "item_id": "item_2", "delta": "So"},
        {"type": "response.done", "response": response},
    )
    again = VoiceChat.load(chat.save(tmp_path / "session.zip"))
    assert (again.session.model, again.session.voice) == ("tutor", "heart") == (chat.session.model, chat.session.voice)
    assert repr(again.usage) == repr(chat.usage)
    assert "20" in repr(again.usage)
    assert repr(again.latency()) == repr(chat.latency())
    assert len(again.latency()) == len(chat.latency()) > 0


async def test_a_reconnection_is_where_it_was(chat, page, tmp_path):
    await talk(page)
    page.state("a2", resumes=True, status="connected", data_channel_state="open")
    page.events({"type": "response.output_text.done", "item_id": "item_2", "text": "Still here."}, attempt="a2")
    await settled()
    again = VoiceChat.load(chat.save(tmp_path / "session.zip"))
    assert str(again.transcript) == str(chat.transcript)
    assert "connected again" in str(again.transcript)


async def test_a_file_of_before_1980_spoils_nothing(chat, page, tmp_path, monkeypatch):
    # Packages that are built reproducibly are unpacked with such times.
    old = tmp_path / "session_file.py"
    old.touch()
    os.utime(old, (0, 0))
    monkeypatch.setattr("rtc_widget.saved.session_file.__file__", str(old))
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask is the whole process's"))
    say_sound(page)
    await talk(page)
    path = chat.save(tmp_path / "session.zip")
    assert VoiceChat.load(path).recording.duration == pytest.approx(1.0)
    (tmp_path / "any").touch()
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode


async def test_a_session_without_sound_has_no_recording(chat, page, tmp_path):
    await talk(page)
    path = chat.save(tmp_path / "session.zip")
    with zipfile.ZipFile(path) as archive:
        assert "recording.flac" not in archive.namelist()
    assert repr(VoiceChat.load(path).recording) == "<Recording: empty>"


async def test_a_session_that_never_began_can_be_saved_too(chat, tmp_path):
    again = VoiceChat.load(chat.save(tmp_path / "session.zip"))
    assert (len(again.events), len(again.transcript), len(again.stats)) == (0, 0, 0)


async def test_what_is_saved_holds_no_secret(page, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "environment-key-of-nobody")
    double = ScriptedPage(acts=False)
    widget = VoiceChat(OpenAI(MARKED_KEY), page=double, microphone=False)
    say_sound(double)
    tool = {
        "type": "mcp",
        "server_label": "x",
        "authorization": "canary-authorization",
        "headers": {"api-key": "canary"},
    }
    await talk(
        double,
        {"type": "session.updated", "session": {"tools": [tool], "client_secret": {"value": "ek_canary_12345678"}}},
        {"type": "error", "error": {"message": f"Incorrect API key: {MARKED_KEY}; also Bearer canary.bearer-token !"}},
        {"type": "odd", "words": ["sk-proj-canary_1234567890", "environment-key-of-nobody"], "max_output_tokens": 7},
    )
    path = widget.save(tmp_path / "session.zip")
    widget.close()
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    for name, text in texts.items():
        for secret in (b"canary", b"ek_", b"sk-", b"environment-key"):
            assert secret not in text, f"{secret!r} stands in {name}"
    events = VoiceChat.load(path).events
    assert events.last("odd").max_output_tokens == 7, "numbers of tokens are no secrets"
    assert events.last("error").error.message == "Incorrect API key: [removed]; also [removed] !"


async def test_a_key_that_a_function_gave_is_struck_out_once_it_was_used(tmp_path):
    signaling = OpenAI(lambda: MARKED_KEY)
    assert signaling.redacted(MARKED_KEY) == MARKED_KEY, "the function is not asked for it"
    signaling._read_key()
    assert MARKED_KEY not in signaling.redacted(f"It is {MARKED_KEY}.")


def test_redaction_leaves_ordinary_words_alone():
    talk = {"text": "The risk-averse task is to ask-and-wait.", "skill": "sky", "token_count": 5, "n": None, "b": True}
    assert Redaction().of(talk) == talk


@pytest.mark.parametrize(
    "value",
    [
        {"headers": {"X-Whatever": "canary", "Accept": "canary"}},
        {"headers": [["X-Whatever", "canary"]]},
        {"refresh_token": "canary"},
        {"refreshToken": "canary"},
        {"x-api-key": "canary"},
        {"apiKey": "canary"},
        {"db_password": "canary"},
        {"Proxy-Authorization": "canary"},
        {"client_secret": {"value": "canary"}},
        {"text": "Authorization: Basic Y2FuYXJ5OnBhc3M="},
        {"text": "It is hf_Y2FuYXJ5Y2FuYXJ5."},
        {"text": "It is ghp_Y2FuYXJ5Y2FuYXJ5."},
        {"text": "It is eyJhbGciOiJub25lIn0.Y2FuYXJ5.Y2FuYXJ5."},
        {"url": "https://someone:canary@example.org/mcp"},
        {"arguments": '{"api_key": "canary", "city": "Basel"}'},
        {"arguments": '{"request": "{\\"headers\\": {\\"a\\": \\"canary\\"}}"}'},
    ],
)
def test_redaction_finds_secrets(value):
    safe = json.dumps(Redaction().of(value))
    assert "canary" not in safe
    assert "Y2FuYXJ5" not in safe
    assert "[removed]" in safe


def test_redaction_leaves_the_rest_of_a_json_text():
    safe = Redaction().of({"arguments": '{"api_key": "x", "city": "Zürich"}'})
    assert safe == {"arguments": '{"api_key": "[removed]", "city": "Zürich"}'}


@pytest.mark.parametrize(
    "value",
    [
        {"logprobs": [{"token": "Hello", "logprob": -0.1, "bytes": [72]}]},
        {"usage": {"total_tokens": 5, "token": 3}},
        {"text": "Basic training begins; see https://example.org/a@b and mail@example.org, basic understanding."},
        {"arguments": '{"city":  "Basel"}'},
        {"text": "{not JSON"},
        {"monkey": "Bobo", "key": "C sharp", "keyboard": "Swiss", "secretary": "Ada"},
        {"headers": None, "token": ""},
    ],
)
def test_redaction_leaves_what_is_no_secret(value):
    assert Redaction().of(value) == value


async def test_a_loaded_session_says_that_it_has_no_call(chat, page, tmp_path):
    await talk(page)
    again = VoiceChat.load(chat.save(tmp_path / "session.zip"))
    for name in ("connect", "send_text", "record", "say", "on", "status"):
        with pytest.raises(SavedSessionOnly, match=r"saved session.*VoiceChat\(\)"):
            getattr(again, name)
        assert not hasattr(again, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = again.nonsense
    assert repr(again) == "<SavedSession: Scripted server, 1 turns, 4 events>"


def test_every_attribute_of_a_widget_is_one_of_a_saved_session_or_needs_a_call():
    own = {name for name, value in vars(VoiceChat).items() if not isinstance(value, RenamedAttribute)}
    public = {name for name in own if not name.startswith("_")}
    here = {"events", "transcript", "stats", "recording", "usage", "session", "latency", "load"}
    assert public - here == NEEDS_A_CALL


def altered(path, tmp_path, **entries: bytes | None):
    """Return the session file with some entries replaced, or left out."""
    copy = tmp_path / "altered.zip"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for name in source.namelist():
            new = entries.get(name.replace(".", "_"), source.read(name))
            if new is not None:
                target.writestr(name, new)
    return copy


@pytest.fixture
async def saved(chat, page, tmp_path):
    say_sound(page)
    await talk(page)
    return chat.save(tmp_path / "session.zip")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"session_json": None}, "but not a session file"),
        ({"session_json": b'{"format": "something"}'}, "altered.zip is not a session file"),
        (
            {"session_json": b'{"format": "rtc_widget session", "version": 99}'},
            r"format 99.*up to 1.*--upgrade",
        ),
        ({"session_json": b"{"}, "cannot be read as a session"),
        ({"session_json": b'{"format": "rtc_widget session", "version": 1}'}, "cannot be read as a session"),
        ({"events_jsonl": None}, "events.jsonl"),
        ({"events_jsonl": b'{"time": 1}\n'}, "cannot be read as a session"),
        ({"events_jsonl": b"\xff\xfe\n"}, "cannot be read as a session"),
        ({"statistics_jsonl": b"[1]\n"}, "statistics.jsonl, line 1"),
        ({"recording_flac": b"fLaC and nothing more"}, "recording"),
        ({"recording_flac": None}, "recording.flac"),
    ],
)
async def test_a_damaged_or_newer_file_says_what_is_wrong_with_it(saved, tmp_path, entries, words):
    with pytest.raises(SessionFileError, match=words) as error:
        VoiceChat.load(altered(saved, tmp_path, **entries))
    assert "altered.zip" in error.value.message
    assert error.value.hint


async def test_a_truncated_file_is_reported(saved, tmp_path):
    cut = tmp_path / "cut.zip"
    cut.write_bytes(saved.read_bytes()[:-200])
    with pytest.raises(SessionFileError, match=r"cut\.zip"):
        VoiceChat.load(cut)
    flipped = bytearray(saved.read_bytes())
    flipped[len(flipped) // 3] ^= 0xFF
    cut.write_bytes(flipped)
    with pytest.raises(SessionFileError, match=r"cut\.zip"):
        VoiceChat.load(cut)
    cut.write_text("no zip")
    with pytest.raises(SessionFileError, match=r"cut\.zip"):
        VoiceChat.load(cut)
    with pytest.raises(FileNotFoundError):
        VoiceChat.load(tmp_path / "none.zip")


async def test_saving_replaces_all_or_nothing(chat, page, tmp_path, monkeypatch):
    await talk(page)
    path = chat.save(tmp_path / "session.zip")
    before = path.read_bytes()
    no_room = OSError(28, "full")
    monkeypatch.setattr("rtc_widget.saved.session_file._write_lines", lambda *_: (_ for _ in ()).throw(no_room))
    with pytest.raises(OSError, match="full"):
        chat.save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["session.zip"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are of POSIX")
async def test_the_file_is_like_any_other(chat, tmp_path):
    other = tmp_path / "other"
    other.touch()
    assert (chat.save(tmp_path / "session.zip").stat().st_mode & 0o777) == (other.stat().st_mode & 0o777)


async def test_the_file_can_be_read_without_this_package(saved):
    with zipfile.ZipFile(saved) as archive:
        about = json.loads(archive.read("session.json"))
        lines = archive.read("events.jsonl").decode().splitlines()
    assert (about["format"], about["version"]) == ("rtc_widget session", 1)
    assert json.loads(lines[0])["event"]["type"] == "session.created"


async def test_sending_still_needs_a_call(chat):
    with pytest.raises(NotConnected):
        chat.send_text("Hello")
