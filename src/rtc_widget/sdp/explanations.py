"""What each line means, in plain words with a reference; the texts are in ``explanations.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from rtc_widget.sdp.codecs import Codec
from rtc_widget.sdp.lines import Line, number_of
from rtc_widget.sdp.parameters import codec_parameters


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation of a line or of a part of it.

    Attributes
    ----------
    says : str
        One to three sentences.
    refs : tuple of str
        Where a standard defines it, such as ``"RFC 8866 §5.2"``.
    terms : tuple of str
        The terms of the glossary that help.
    """

    says: str
    refs: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


_MALFORMED = Explanation(
    "This line does not have the form of SDP: a letter, an equals sign, and a value.", ("RFC 8866 §5",)
)
_UNKNOWN = Explanation(
    "An attribute that is not in the list of explanations. Endpoints ignore what they do not know.", ("RFC 8866 §5.13",)
)
_UNKNOWN_CODEC = Explanation("A codec that is not in the list of explanations.", ("RFC 8866 §6.6",))


def explain(line: Line, codecs: Iterable[Codec] = ()) -> Explanation:
    """Return the explanation of a line: of its kind, then of what its value says.

    Parameters
    ----------
    line : Line
        The line.
    codecs : iterable of Codec
        The codecs of the section that it is in; a line of parameters refers to one of them.

    Examples
    --------
    >>> explain(Line(1, "a=setup:active", "")).says
    'Who starts the DTLS handshake. The writer starts the handshake, as DTLS client.'
    """
    parts = [_kind(line), *_details(line, codecs)]
    return Explanation(
        " ".join(dict.fromkeys(part.says for part in parts)),
        tuple(dict.fromkeys(ref for part in parts for ref in part.refs)),
        tuple(dict.fromkeys(term for part in parts for term in part.terms)),
    )


def explain_codec(name: str) -> Explanation:
    """Return the explanation of a codec or a repair format."""
    return _texts()["codecs"].get(name.casefold(), _UNKNOWN_CODEC)


def candidate_fields() -> Mapping[str, Explanation]:
    """Return the explanation of each field of a candidate, in the order of the line."""
    return _texts()["candidate_fields"]


def explain_candidate_type(name: str) -> Explanation:
    """Return the explanation of a type of candidate; empty if there is none."""
    return _texts()["candidate_types"].get(name, Explanation(""))


def known_kinds() -> tuple[str, ...]:
    """Return the kinds of line that have an explanation of their own."""
    return tuple(_texts()["lines"])


def all_explanations() -> Iterator[tuple[str, Explanation]]:
    """Yield every explanation of the data file, with its place in the file."""
    for group, entries in _texts().items():
        for name, explanation in entries.items():
            yield f"{group}/{name}", explanation


@cache
def _texts() -> Mapping[str, Mapping[str, Explanation]]:
    text = files("rtc_widget.sdp").joinpath("explanations.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    # The values of one kind of line are a group of their own: "a=setup".
    groups = data | data.pop("values")
    return {group: {name: _explanation(entry) for name, entry in entries.items()} for group, entries in groups.items()}


def _explanation(entry: Mapping[str, Any]) -> Explanation:
    return Explanation(entry["says"], tuple(entry["refs"]), tuple(entry["terms"]))


def _kind(line: Line) -> Explanation:
    known = _texts()["lines"].get(line.kind)
    if known is not None:
        return known
    return _UNKNOWN if line.type == "a" else _MALFORMED


def _details(line: Line, codecs: Iterable[Codec]) -> Iterator[Explanation]:
    """Yield the explanations of what the value of a line says."""
    value = line.value.strip()
    words = value.split()
    match line.kind:
        case "m=":
            yield from _media_details(words)
        case "b=" | "a=rtcp-xr":
            yield from _found(line.kind, value.partition(":")[0].partition("=")[0])
        case "a=setup" | "a=ice-options" | "a=group" | "a=ssrc-group":
            for word in words if line.kind == "a=ice-options" else words[:1]:
                yield from _found(line.kind, word)
        case "a=ssrc":
            yield from _found(line.kind, words[1].partition(":")[0] if len(words) > 1 else "")
        case "a=candidate":
            for before, word in pairwise(words[6:]):
                if before.casefold() == "typ":
                    yield from _found("candidate_types", word)
        case "a=extmap":
            yield from _found("extensions", words[1] if len(words) > 1 else "")
        case "a=rtpmap":
            yield from _found("codecs", words[1].partition("/")[0].casefold() if len(words) > 1 else "")
        case "a=rtcp-fb":
            yield from _found("feedback", " ".join(words[1:])) or _found("feedback", words[1] if len(words) > 1 else "")
        case "a=fmtp":
            yield from _parameter_details(value, codecs)


def _media_details(words: list[str]) -> Iterator[Explanation]:
    kind, port, protocol = (*words, "", "", "")[:3]
    yield from _found("m=", kind)
    yield from _found("port", port)
    yield from _found("protocol", protocol.upper())


def _parameter_details(value: str, codecs: Iterable[Codec]) -> Iterator[Explanation]:
    number, _, parameters = value.partition(" ")
    payload_type = number_of(number)
    for codec in codecs:
        if codec.payload_type == payload_type:
            yield from _found("a=fmtp", codec.name.casefold())
    for name in codec_parameters(parameters):
        for explanation in _found("parameters", name.casefold()):
            yield Explanation(f"{name}: {explanation.says}", explanation.refs, explanation.terms)


def _found(group: str, name: str) -> list[Explanation]:
    explanation = _texts()[group].get(name)
    return [] if explanation is None else [explanation]
