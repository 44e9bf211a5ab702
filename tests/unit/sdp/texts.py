"""Descriptions for tests: the captured ones, one to change, and random ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import rtc_widget
from rtc_widget import SessionDescription

# Some belong to the lessons of the package.
FOLDERS = (Path(__file__).parent / "captures", Path(rtc_widget.__file__).parent / "lessons" / "captures")
CAPTURES = sorted((path for folder in FOLDERS for path in folder.glob("*.sdp")), key=lambda path: path.name)
NAMES = [path.stem for path in CAPTURES]
PIECES = [
    *"abcXYZ019 :=/;,.-+*<>&\"'\t\r\n\0\x0b\x0c\x1c\x85\u2028\u2029\ufeff\ud800\udfff🎧é",
    "\r\n",
    "\n",
    "a=",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "m=application",
    "m=",
    "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host",
    "a=candidate:",
    "a=fingerprint:sha-256 AA:BB",
    "a=ice-pwd:",
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:x /",
    "a=fmtp:111 a=b;;=;c",
    "a=rtcp-fb:* nack",
    "a=group:BUNDLE 0 0",
    "a=mid:0",
    "a=extmap:1/x",
    "a=ssrc:1 ",
    "a=ssrc-group:",
    "a=simulcast:send a;b recv",
    "a=rid:1",
    "a=setup:actpass",
    "9" * 5000,
    "<script>alert(1)</script>",
]


@cache
def capture(name: str) -> SessionDescription:
    """A captured description; the name says who wrote it and what it is."""
    text = next(path for path in CAPTURES if path.stem == name).read_bytes().decode()
    return SessionDescription(text, type="offer" if "-offer" in name else "answer")


def random_texts(count: int) -> Iterator[str]:
    """Texts of pieces of SDP and of anything else, and captures with something inserted or cut out; always the same."""
    source = random.Random(20261129)
    whole = [capture(name).sdp for name in NAMES]
    for _ in range(count):
        if source.random() < 0.5:
            yield "".join(source.choice(PIECES) for _ in range(source.randrange(40)))
        else:
            text = source.choice(whole)
            at, length = source.randrange(len(text)), source.randrange(60)
            yield text[:at] + source.choice(["", *PIECES]) + text[at + length :]


MINIMAL = (
    "v=0\r\n"
    "o=- 1 1 IN IP4 127.0.0.1\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=candidate:1 1 udp 2122194687 192.0.2.77 50000 typ host\r\n"
    "a=ice-ufrag:uFrG\r\n"
    "a=ice-pwd:secretsecretsecretsecret\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"
    "a=setup:actpass\r\n"
    "a=mid:0\r\n"
    "a=sendrecv\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=rtcp-fb:111 transport-cc\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:uFrG\r\n"
    "a=ice-pwd:secretsecretsecretsecret\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"
    "a=setup:actpass\r\n"
    "a=mid:1\r\n"
    "a=sctp-port:5000\r\n"
)
"""A small offer without a fault."""


def changed(old: str, new: str, *, type: str = "offer") -> SessionDescription:
    """`MINIMAL` with the first `old` replaced."""
    assert old in MINIMAL
    return SessionDescription(MINIMAL.replace(old, new, 1), type=type)
