"""Faults of single attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rtc_widget.sdp.candidates import MIN_FIELDS
from rtc_widget.sdp.lines import Line, number_of

HASH_BYTES = {"md2": 16, "md5": 16, "sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}
"""The length of the hashes of RFC 8122, section 5, in bytes."""
MIN_UFRAG, MIN_PASSWORD, MAX_CREDENTIAL = 4, 22, 256
SETUP_ROLES = ("actpass", "active", "passive", "holdconn")
_ICE_CHARACTERS = re.compile(r"[A-Za-z0-9+/]*")
_HASH = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*")
_RTPMAP = re.compile(r"[0-9]+ +[^/\s]+/[0-9]+(/\S+)?\s*")
_MAX_PORT = 65_535
_MAX_NUMBER = 2**32 - 1


def attribute_faults(line: Line) -> Iterator[str]:
    """Yield the reasons why an endpoint may refuse this ``a=`` line; none quotes an address or a credential."""
    check = _CHECKS.get(line.attribute)
    if check is not None:
        yield from check(line.value.strip())


def _candidate(value: str) -> Iterator[str]:
    fields = value.split()
    if len(fields) < MIN_FIELDS:
        yield (
            "a candidate must have eight fields or more: foundation, component, transport, priority, address, port, "
            f'"typ", type; got {len(fields)}'
        )
        return
    _, component, _, priority, _, port, word, kind = fields[:MIN_FIELDS]
    if number_of(component) not in range(1, 257):
        yield f"the component of a candidate must be a number from 1 to 256, got {component[:45]!r}"
    if not _is_number(priority, _MAX_NUMBER):
        yield f"the priority of a candidate must be a number below 2^32, got {priority[:45]!r}"
    if not _is_number(port, _MAX_PORT):
        yield f"the port of a candidate must be a number from 0 to {_MAX_PORT}, got {port[:45]!r}"
    if word.casefold() != "typ":
        yield f'the seventh field of a candidate must be "typ", got {word[:45]!r}'
    elif kind not in ("host", "srflx", "prflx", "relay"):
        yield f"the type of a candidate must be host, srflx, prflx or relay, got {kind[:45]!r}"


def _fingerprint(value: str) -> Iterator[str]:
    algorithm, _, digest = value.partition(" ")
    length = HASH_BYTES.get(algorithm.casefold())
    if length is None:
        yield f"the hash function of a fingerprint must be one of {', '.join(HASH_BYTES)}; got {algorithm[:45]!r}"
    elif not _HASH.fullmatch(digest.strip()):
        yield "a fingerprint must be hexadecimal pairs with colons between them"
    elif digest.strip().count(":") + 1 != length:
        yield f"a fingerprint of {algorithm} must have {length} bytes, got {digest.strip().count(':') + 1}"


def _ufrag(value: str) -> Iterator[str]:
    yield from _credential("ice-ufrag", value, MIN_UFRAG)


def _password(value: str) -> Iterator[str]:
    yield from _credential("ice-pwd", value, MIN_PASSWORD)


def _credential(name: str, value: str, least: int) -> Iterator[str]:
    if not least <= len(value) <= MAX_CREDENTIAL:
        yield f"{name} must have {least} to {MAX_CREDENTIAL} characters, got {len(value)}"
    elif not _ICE_CHARACTERS.fullmatch(value):
        yield f"{name} must have letters, digits, + and / only"


def _setup(value: str) -> Iterator[str]:
    if value not in SETUP_ROLES:
        yield f"setup must be one of {', '.join(SETUP_ROLES)}; got {value[:45]!r}"


def _rtpmap(value: str) -> Iterator[str]:
    if not _RTPMAP.fullmatch(value) and number_of(value.partition(" ")[0]) is not None:
        yield f"rtpmap must be a payload type, a name and a clock rate (111 opus/48000), got {value[:40]!r}"


def _extmap(value: str) -> Iterator[str]:
    number, _, uri = value.partition(" ")
    if number_of(number.partition("/")[0]) in (None, 0) or not uri.strip():
        yield f"extmap must be a number from 1 and a URI, got {value[:40]!r}"


def _ssrc(value: str) -> Iterator[str]:
    number = value.partition(" ")[0]
    if not _is_number(number, _MAX_NUMBER):
        yield f"ssrc must be a number below 2^32, got {number[:45]!r}"


def _sctp_port(value: str) -> Iterator[str]:
    if not _is_number(value, _MAX_PORT):
        yield f"sctp-port must be a number from 0 to {_MAX_PORT}, got {value[:45]!r}"


def _max_message_size(value: str) -> Iterator[str]:
    if number_of(value) is None:
        yield f"max-message-size must be a number of bytes, got {value[:45]!r}"


def _mid(value: str) -> Iterator[str]:
    if not value or " " in value:
        yield f"mid must be one word, got {value[:45]!r}"


def _is_number(text: str, most: int) -> bool:
    number = number_of(text)
    return number is not None and number <= most


_CHECKS: dict[str, Callable[[str], Iterator[str]]] = {
    "candidate": _candidate,
    "extmap": _extmap,
    "fingerprint": _fingerprint,
    "ice-pwd": _password,
    "ice-ufrag": _ufrag,
    "max-message-size": _max_message_size,
    "mid": _mid,
    "rtpmap": _rtpmap,
    "sctp-port": _sctp_port,
    "setup": _setup,
    "ssrc": _ssrc,
}
