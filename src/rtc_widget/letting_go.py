"""Closes widgets that a notebook has let go of: by ``del chat``, or by running the cell that makes ``chat`` again.

ipywidgets keeps every widget alive until it is closed, and IPython keeps what a cell has shown (``Out``, ``_``), so
Python alone never finds out. After each cell it is therefore asked who still holds the widget. One that never had a
holder, such as ``VoiceChat()`` on a line of its own, is held by its view alone and stays.
"""

from __future__ import annotations

import gc
import re
import sys
import weakref
from collections.abc import Mapping
from types import FrameType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtc_widget.voice_chat import VoiceChat

# The names under which IPython keeps what cells have shown.
_SHOWN = re.compile(r"_{1,3}|_i?\d+|_oh|Out")


def close_when_let_go(chat: VoiceChat) -> None:
    """Close `chat` after the cell that lets go of it; outside of IPython nothing is done."""
    shell = _shell()
    if shell is not None:
        shell.events.register("post_run_cell", _Watch(chat, shell))


class _Watch:
    def __init__(self, chat: VoiceChat, shell: Any) -> None:
        self._chat = weakref.ref(chat)
        self._shell = shell
        self._was_held = False
        # Whatever holds it now is this package, or ipywidgets: the person has not been given it yet.
        self._own = {id(referrer) for referrer in gc.get_referrers(chat) if not isinstance(referrer, FrameType)}

    def __call__(self, _result: object = None) -> None:
        chat = self._chat()
        if chat is None or chat.comm is None:
            self._shell.events.unregister("post_run_cell", self)
        elif self._is_held(chat):
            self._was_held = True
        elif self._was_held:
            chat.close()

    def _is_held(self, chat: VoiceChat) -> bool:
        # Loops, since a generator expression would hold the widget in a cell of its own.
        space: Mapping[str, object] = self._shell.user_ns
        for name, value in list(space.items()):
            if value is chat and not _SHOWN.fullmatch(name):
                return True  # the usual case, and cheap: it has a name
        value = None
        shown = {id(space), id(self._shell.user_ns_hidden), id(space.get("_oh")), id(self._shell.displayhook.__dict__)}
        for referrer in gc.get_referrers(chat):
            if id(referrer) not in shown and id(referrer) not in self._own and not _is_passing(referrer):
                return True
        return False


def _is_passing(referrer: object) -> bool:
    """Whether this is something of ours, or of the cell that has just ended."""
    if isinstance(referrer, MethodType):
        module = getattr(referrer.__func__, "__module__", "")
        # A person may have handed on `chat.mute`; the package itself hands on what begins with an underscore.
        return not module.startswith("rtc_widget.") or referrer.__func__.__name__.startswith("_")
    return isinstance(referrer, FrameType) or type(referrer).__module__.startswith(("IPython.", "ipykernel."))


def _shell() -> Any:
    # Not imported: where there is no IPython, nothing is to be let go of.
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
