"""The settings of a widget's calls as its attributes, and as its synced trait."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import traitlets

from rtc_widget.comm.settings import CallSettings
from rtc_widget.conversation.usage import checked_prices
from rtc_widget.errors import ClientSecretsUnsupported
from rtc_widget.signaling.base import Signaling

T = TypeVar("T")

TRAITS = ("exchange", "reconnect", "max_duration", "view_timeout", "stats_interval", "text_interrupts")
"""The settings that are traits of the widget."""

_ATTRIBUTES = ("microphone", *TRAITS, "save_transcript", "prices")


class Setting(traitlets.TraitType[T, T], Generic[T]):
    """A trait that is an entry of `CallSettings` and takes the values that this takes.

    A wrong value raises `CallSettings`' own ValueError or TypeError, and the value before it stays.
    """

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the value if `CallSettings` takes it."""
        return getattr(CallSettings(**{str(self.name): value}), str(self.name))


class Prices(traitlets.TraitType[Mapping[str, float], Mapping[str, float] | None]):
    """A trait that is a price list for `Usage.cost`; a wrong one raises an error, and the one before it stays."""

    default_value: Any = MappingProxyType({})

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the checked price list; an empty one for None."""
        return MappingProxyType(checked_prices(value))


def check_exchange(exchange: object, signaling: Signaling) -> None:
    """Refuse that the page makes the exchange with a server that has nothing for it but the key.

    Raises
    ------
    ClientSecretsUnsupported
        If the signaling says so.
    """
    if exchange == "browser" and not getattr(signaling, "client_secrets", True):
        raise ClientSecretsUnsupported(
            f'{signaling.name} has no client secrets, so exchange="browser" is not possible.',
            hint='Use exchange="kernel", which is the default.',
        )


class SettingsWriter:
    """Holds the settings of calls and writes each change to the trait that the page reads.

    Parameters
    ----------
    settings : CallSettings
        The settings at the beginning.
    write : callable
        Assigns the widget's traits.
    """

    def __init__(self, settings: CallSettings, write: Callable[[Mapping[str, object]], None]) -> None:
        self._write = write
        self.current = settings

    def change(self, **changes: Any) -> None:
        """Change some settings.

        Raises
        ------
        ValueError, TypeError
            If a value is wrong; nothing is changed then.
        """
        self.current = replace(self.current, **changes)
        self._write({"settings": self.current.to_wire()})


def check_attribute(name: str, session_settings: Collection[str]) -> None:
    """Refuse a new attribute that the user takes for a setting: Python would keep it, and nothing would read it.

    Raises
    ------
    AttributeError
        If the name is a setting of the session, or like one of the widget.
    """
    if name in session_settings:
        raise AttributeError(f"{name!r} is a setting of the session: use await chat.update_session({name}=…).")
    if near := difflib.get_close_matches(name, _ATTRIBUTES, n=1, cutoff=0.8):
        raise AttributeError(f"VoiceChat has no attribute {name!r}. Did you mean {near[0]!r}?")


def check_parameters(names: Iterable[str]) -> None:
    """Refuse a misspelt parameter of the widget, which would be taken for a setting of the session.

    Raises
    ------
    TypeError
        If a name is like a parameter of the widget.
    """
    for name in names:
        if near := difflib.get_close_matches(name, (*_ATTRIBUTES, "tools", "signaling"), n=1, cutoff=0.8):
            raise TypeError(f"VoiceChat has no parameter {name!r}. Did you mean {near[0]!r}?")
