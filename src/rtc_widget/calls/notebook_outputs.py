"""What a saved notebook has of a widget: a line beside the live view, and the transcript."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any
from uuid import uuid4

from rtc_widget._html import faint, view
from rtc_widget._secret_forms import without_keys
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, ResponseEnded
from rtc_widget.conversation.transcript import Transcript

Bundle = Mapping[str, Any]
Later = Callable[[float, Callable[[], None]], None]

_UPDATE_SECONDS = 1.0
# JupyterLab: while the live view is in the output above, which has the transcript as well.
_HIDDEN_BELOW_THE_VIEW = (
    "<style>.jp-OutputArea-child:has(.rtc-widget)+.jp-OutputArea-child .rtcw-saved{display:none}</style>"
)


class NotebookOutputs:
    """The outputs of cells that show a widget; an `EventConsumer` that keeps saved transcripts up to date.

    Parameters
    ----------
    transcript : Transcript
        The turns.
    server : callable
        Returns the name of the server.
    redact : callable
        Returns a text without the secrets that only the signaling knows.
    later : callable
        Calls a function on the main loop after some seconds.
    """

    def __init__(
        self, transcript: Transcript, server: Callable[[], str], redact: Callable[[str], str], later: Later
    ) -> None:
        self._transcript = transcript
        self._server = server
        self._redact = redact
        self._later = later
        self._views: list[str] = []
        self._transcripts: list[str] = []
        self._is_due = False

    def show(self, bundle: Bundle, metadata: Bundle, *, with_transcript: bool) -> None:
        """Show the live view in the present cell, and below it the transcript that is saved with the notebook."""
        self._views.append(_shown(bundle, metadata))
        if with_transcript:
            self._transcripts.append(_shown(self._saved(), {}))

    def line_html(self) -> str:
        """Return what is seen in the place of the live view where no kernel runs."""
        about = f"Voice chat with {escape(self._without_secrets(self._server()))}."
        return view(f"<div>🎙 {about} {faint('It needs its kernel: run the cell to talk.')}</div>")

    def begin_call(self, *, resumes: bool) -> None:
        """Do nothing: what was said before stays."""

    def consume(self, event: Event, facts: Iterable[Fact]) -> None:
        """Update saved transcripts a moment after a response has ended."""
        if not self._transcripts or self._is_due:
            return
        if any(isinstance(fact, ResponseEnded) for fact in facts):
            self._is_due = True
            self._later(_UPDATE_SECONDS, self._update)

    def end_call(self) -> None:
        """Update saved transcripts."""
        self._update()

    def close(self) -> None:
        """Leave the last transcript where the views were; harmless to repeat."""
        views, saved = self._views, self._transcripts
        self._views, self._transcripts = [], []
        if len(self._transcript):
            left = {"text/plain": self._text(), "text/html": self._without_secrets(self._transcript._repr_html_())}
        else:
            words = "This voice chat was closed before anything was said."
            left = {"text/plain": words, "text/html": view(faint(words))}
        for id in views:
            _replace(id, left)
        for id in saved:
            _replace(id, {"text/plain": "", "text/html": "<div></div>"})

    def _update(self) -> None:
        self._is_due = False
        for id in self._transcripts:
            _replace(id, self._saved())

    def _saved(self) -> Bundle:
        html = f'<div class="rtcw-saved">{self._without_secrets(self._transcript._repr_html_())}</div>'
        return {"text/plain": self._text(), "text/html": _HIDDEN_BELOW_THE_VIEW + html}

    def _text(self) -> str:
        return self._without_secrets(repr(self._transcript))

    def _without_secrets(self, text: str) -> str:
        return without_keys(self._redact(text))


def _shown(bundle: Bundle, metadata: Bundle) -> str:
    """Show something in the present cell, and return the id of its output."""
    id = uuid4().hex
    _publish(id, bundle, metadata)
    return id


def _replace(id: str, bundle: Bundle) -> None:
    # The interpreter may be ending: then nobody is there to see it.
    with contextlib.suppress(Exception):
        _publish(id, bundle, {}, update=True)


def _publish(id: str, bundle: Bundle, metadata: Bundle, **options: bool) -> None:
    from IPython.display import publish_display_data

    publish: Any = publish_display_data
    publish(dict(bundle), dict(metadata), transient={"display_id": id}, **options)
