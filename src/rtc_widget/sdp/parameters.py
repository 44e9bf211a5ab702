"""Parameters of codecs and candidates: names with values, in the order of the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


class ParameterMap(Mapping[str, str]):
    """Names with values; cannot be changed, so that descriptions can be shared and hashed.

    A parameter without ``=`` has an empty value. If a name occurs twice, the last value counts.

    Examples
    --------
    >>> ParameterMap([("minptime", "10"), ("useinbandfec", "1")])["minptime"]
    '10'
    """

    __slots__ = ("_items",)

    _items: dict[str, str]

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        object.__setattr__(self, "_items", dict(items))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Parameters are read-only: they are what the session description says.")

    def __getitem__(self, name: str) -> str:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (tuple(self._items.items()),)

    def __repr__(self) -> str:
        return repr(self._items)


NO_PARAMETERS = ParameterMap()


def codec_parameters(text: str) -> ParameterMap:
    """Return the parameters of an ``fmtp`` line (RFC 8866, section 6.15).

    Examples
    --------
    >>> codec_parameters("minptime=10;useinbandfec=1")
    {'minptime': '10', 'useinbandfec': '1'}
    >>> codec_parameters("0-15")
    {'0-15': ''}
    """
    pairs = (part.strip().partition("=") for part in text.split(";") if part.strip())
    return ParameterMap((name, value) for name, _, value in pairs)
