"""Any reply of a server leads in time to an answer or to one of this package's errors."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from rtc_widget import Answer, OpenAI
from rtc_widget.errors import InvalidAnswer, SignalingError, SignalingTimeout
from rtc_widget.signaling.http import MAX_ANSWER_BYTES, SignalingClient
from tests.limits import HANGS

OFFER = "v=0\r\noffer\r\n"
ANSWER = b"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n"
KEY = "sk-fuzz-9917"
Say = Callable[[asyncio.StreamWriter], object]


@asynccontextmanager
async def saying(say: Say, patience: float) -> AsyncIterator[OpenAI]:
    """A server that reads a request's head and says something, byte by byte as the test wants."""

    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HEAD"):
                writer.write(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                length = re.search(rb"(?i)content-length: *(\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                said = say(writer)
                if asyncio.iscoroutine(said):
                    await said
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    signaling = OpenAI(KEY, base_url=f"http://127.0.0.1:{port}/v1")
    signaling._client = SignalingClient("The server", connect_seconds=patience, answer_seconds=patience)
    try:
        yield signaling
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def outcome(say: Say, patience: float = HANGS) -> str:
    """Exchange an offer; return what came of it: ``answer``, or the code of the error."""
    async with saying(say, patience) as signaling, asyncio.timeout(HANGS):
        result = (await asyncio.gather(signaling.exchange(OFFER, {}), return_exceptions=True))[0]
    if isinstance(result, SignalingError):
        assert result.message, "an error has words"
        assert len(result.message) < 2_000
        assert KEY not in f"{result!r} {result.__cause__!r} {result.__context__!r}"
        return result.code
    assert isinstance(result, Answer), repr(result)
    assert result.sdp.startswith("v=0")
    return "answer"


def http(status: object = 201, body: bytes = ANSWER, **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status} Odd", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


SAID: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "server_unreachable"),
    "noise": (bytes(range(256)) * 40, "server_unreachable"),
    "no http": (b"220 mail.example.org ESMTP\r\n", "server_unreachable"),
    "a status that is none": (http("abc"), "server_unreachable"),
    "a status of another time": (http(999), "server_error"),
    "half a head": (b"HTTP/1.1 201 Created\r\nContent-Le", "server_unreachable"),
    "a head without end": (b"HTTP/1.1 201 Created\r\n" + b"X: " + b"x" * 200_000, "server_unreachable"),
    "ten thousand headers": (b"HTTP/1.1 201 C\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", "invalid_answer"),
    "a body that is cut off": (http(201, ANSWER).replace(b"Length: ", b"Length: 9"), "server_unreachable"),
    "chunks that are none": (b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", "server_unreachable"),
    "two lengths": (b"HTTP/1.1 201 C\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "server_unreachable"),
    "a length below nought": (b"HTTP/1.1 201 C\r\nContent-Length: -5\r\n\r\n", "server_unreachable"),
    "no body": (http(201, b""), "invalid_answer"),
    "a web page": (http(200, b"<html><body>Sign in</body></html>", Content_Type="text/html"), "invalid_answer"),
    "JSON": (http(200, b'{"sdp": "v=0"}'), "invalid_answer"),
    "bytes that are no text": (http(201, b"\xff\xfe\x00v=0"), "invalid_answer"),
    "a charset that is none": (http(201, ANSWER, Content_Type="application/sdp; charset=klingon"), "answer"),
    "a zip that is none": (http(201, ANSWER, Content_Encoding="gzip"), "invalid_answer"),
    "a zip": (http(201, gzip.compress(ANSWER), Content_Encoding="gzip"), "answer"),
    "a zip bomb": (http(201, gzip.compress(b"v=0" + b"0" * 50_000_000), Content_Encoding="gzip"), "invalid_answer"),
    "a body of 10 MB": (http(201, b"v=0" + b"x" * 10_000_000), "invalid_answer"),
    "a refusal of 10 MB": (http(500, b"x" * 10_000_000), "server_error"),
    "an error that is a list": (http(400, b'{"error": [1, 2]}'), "invalid_offer"),
    "an error without end": (http(400, b'{"error":' * 50_000), "invalid_offer"),
    "an error of numbers": (http(429, json.dumps({"error": {"message": 7, "code": 8}}).encode()), "rate_limited"),
    "a redirection": (http(302, b"", Location="/v1/realtime/calls"), "server_error"),
    "a redirection to itself for ever": (http(307, b"", Location="."), "server_error"),
    "a switch of protocols": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "server_unreachable"),
    "a place that is none": (http(201, ANSWER, Location="http://[::1"), "answer"),
    "a place of odd letters": (http(201, ANSWER, Location="/calls/\xe9\xff/%00%zz/"), "answer"),
    "nothing but a line break": (http(201, b"\r\n" + ANSWER), "invalid_answer"),
}


@pytest.mark.parametrize("name", SAID)
async def test_each_malformed_answer_has_its_error(name):
    said, code = SAID[name]
    assert await outcome(lambda writer: writer.write(said)) == code


async def test_an_answer_that_drips_is_given_up():
    async def drip(writer):
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 4000\r\n\r\nv=0")
        while True:
            await asyncio.sleep(0.1)
            writer.write(b"x")
            await writer.drain()

    assert await outcome(drip, patience=0.5) == SignalingTimeout.code


async def test_a_server_that_says_nothing_is_given_up():
    assert await outcome(lambda writer: asyncio.sleep(600), patience=0.5) == SignalingTimeout.code


async def test_an_answer_without_end_is_not_read_to_its_end():
    sent = 0

    async def pour(writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 201 Created\r\n\r\nv=0")
        while sent < 200_000_000:
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    assert await outcome(pour) == InvalidAnswer.code
    assert sent < 20 * MAX_ANSWER_BYTES


@pytest.mark.parametrize("seed", range(40))
async def test_mangled_answers_are_answers_or_errors(seed):
    """A good response with some bytes changed, doubled, cut out or put in; the seed makes it the same each time."""
    dice = random.Random(seed)
    said = bytearray(http(201, ANSWER, Location="/v1/realtime/calls/rtc_1", Content_Type="application/sdp"))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(said))
        match dice.randrange(4):
            case 0:
                said[at] = dice.randrange(256)
            case 1:
                del said[at : at + dice.randint(1, 20)]
            case 2:
                said[at:at] = dice.randbytes(dice.randint(1, 20))
            case _:
                said[at:at] = said[at : at + dice.randint(1, 40)]
    assert await outcome(lambda writer: writer.write(bytes(said)))


@pytest.mark.parametrize("seed", range(20))
async def test_noise_with_a_good_head_is_an_error(seed):
    dice = random.Random(seed)
    body = dice.randbytes(dice.randrange(5_000))
    status = dice.choice([200, 201, 204, 304, 400, 401, 418, 500, 503])
    assert await outcome(lambda writer: writer.write(http(status, body))) != "answer"
