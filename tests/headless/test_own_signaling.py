"""A user's own signaling: servers with other events than OpenAI's, or with none, against an aiortc server."""

from __future__ import annotations

import json
from contextlib import closing

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole

from rtc_widget import AudioClip, VoiceChat
from rtc_widget.errors import ConversationUnsupported, MessageTooLarge, NotConnected
from rtc_widget.signaling import Answer, KeepAlive
from tests.limits import HANGS, eventually


class OwnServer:
    """A signaling and its server; the server keeps what it gets, and replies to texts."""

    name = "My server"
    protocol = None
    ice_servers = ()

    def __init__(self, label="chat", **answer):
        self.data_channel_label = label
        self.got = []
        self.sessions = []
        self.hung_up = []
        self._answer = answer
        self._connections = {}

    async def prepare(self, progress):
        pass

    async def exchange(self, offer, session):
        self.sessions.append(dict(session))
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        sink = MediaBlackhole()
        connection.on("track", sink.addTrack)

        @connection.on("datachannel")
        def opened(channel):
            @channel.on("message")
            def received(message):
                self.got.append(message)
                if message == "hello":
                    channel.send("plain text")
                    channel.send(json.dumps({"label": "rtvi-ai", "type": "bot-ready"}))

        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        await sink.start()
        call_id = f"call-{len(self._connections)}"
        self._connections[call_id] = (connection, sink)
        return Answer(connection.localDescription.sdp, call_id, **self._answer)

    async def hang_up(self, call_id):
        self.hung_up.append(call_id)
        connection, sink = self._connections.pop(call_id)
        await sink.stop()
        await connection.close()


async def test_a_server_with_its_own_events_gets_what_it_needs_and_is_heard():
    server = OwnServer(first_messages=["hello", {"type": "client-ready"}], keep_alive=KeepAlive("ping", 0.1))
    with closing(VoiceChat(server, page="headless", language="en")) as chat:
        await chat.connect(timeout=HANGS)
        await eventually(lambda: server.got.count("ping") >= 2)
        await eventually(lambda: "bot-ready" in [event.type for event in chat.events])
        chat.send_raw("bye")
        await eventually(lambda: "bye" in server.got)
        types = [(event.direction, event.type) for event in chat.events]
        assert types[:2] == [("sent", "rtc_widget.unreadable"), ("sent", "client-ready")]
        assert chat.events[0].text == "hello"
        assert ("received", "rtc_widget.unreadable") in types
        assert "ping" not in [event.raw.get("text") for event in chat.events]
        for refused in (lambda: chat.send_text("Hi."), chat.interrupt):
            with pytest.raises(ConversationUnsupported, match="protocol") as raised:
                refused()
        with pytest.raises(ConversationUnsupported):
            await chat.ask("Are you there?")
        assert "send_raw" in raised.value.hint
        with pytest.raises(TypeError, match="str"):
            chat.send_raw({"type": "x"})
        with pytest.raises(MessageTooLarge):
            chat.send_raw("x" * (chat.max_message_size + 1))
        assert (server.got[0], json.loads(server.got[1])) == ("hello", {"type": "client-ready"})
        assert server.sessions == [{"language": "en"}]
        assert list(chat.transcript) == []
    await eventually(lambda: server.hung_up == ["call-0"])


async def test_a_call_without_a_data_channel_carries_audio():
    server = OwnServer(label=None)
    with closing(VoiceChat(server, page="headless")) as chat:
        recorder = chat.record()
        await chat.connect(timeout=HANGS)
        assert (chat.status, chat.data_channel_state) == ("connected", "closed")
        with pytest.raises(NotConnected, match="data channel"):
            chat.send({"type": "x"})
        tone = np.sin(np.arange(4_800) / 10).astype(np.float32) / 2
        await chat.say(AudioClip(tone, 48_000), timeout=HANGS)
        recording = await recorder.finish()
        assert abs(recording.user.samples).max() > 0.2
        await chat.disconnect()
        assert chat.status == "idle"
    await eventually(lambda: server.hung_up == ["call-0"])


async def test_a_first_message_that_is_too_large_ends_the_attempt_in_words():
    server = OwnServer(first_messages=["x" * 300_000])
    with closing(VoiceChat(server, page="headless")) as chat, pytest.raises(MessageTooLarge, match="300000"):
        await chat.connect(timeout=HANGS)
    assert server.hung_up == ["call-0"]
