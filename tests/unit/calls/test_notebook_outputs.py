"""What a saved notebook has of a widget: a line beside the view, the transcript if it is asked for or after the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
from tests.unit.calls.test_heard import done
from tests.unit.exported_notebook import exported_html
from tests.unit.waiting import eventually

VIEW = "application/vnd.jupyter.widget-view+json"
KEY = "sk-abcdefgh12345678"


class Notebook:
    """The outputs of a cell, as a page keeps them."""

    def __init__(self, shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._shell = shell
        self._publisher = CapturingDisplayPublisher()
        monkeypatch.setattr(shell, "display_pub", self._publisher)

    def show(self, chat: VoiceChat) -> None:
        data, metadata = self._shell.display_formatter.format(chat)
        assert (data, metadata) == ({}, {})  # it has shown itself

    @property
    def outputs(self) -> list[dict[str, Any]]:
        kept: dict[str, dict[str, Any]] = {}
        for output in self._publisher.outputs:
            id = output["transient"]["display_id"]
            assert (id in kept) == output["update"]
            kept[id] = output["data"]
        return list(kept.values())

    def exported(self) -> str:
        return exported_html("chat", [{"output_type": "display_data", "data": data} for data in self.outputs])


@pytest.fixture
def notebook(monkeypatch) -> Iterator[Notebook]:
    yield Notebook(InteractiveShell.instance(), monkeypatch)
    InteractiveShell.clear_instance()


async def talk(chat: VoiceChat, page: ScriptedPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "_page", page)
    await chat.connect()
    page.receives({"type": "session.created", "session": {}}, done(text=f"Hello from the call, not {KEY}"))
    await eventually(lambda: len(chat.transcript) == 1)
    monkeypatch.setattr(chat, "_page", None)


@pytest.fixture
def page() -> ScriptedPage:
    return ScriptedPage()


@pytest.fixture
def chat(page, monkeypatch, signaling) -> Iterator[VoiceChat]:
    chat = VoiceChat(signaling, page=page)
    # Shown as in a browser.
    monkeypatch.setattr(chat, "_page", None)
    yield chat
    chat.close()


async def test_a_saved_notebook_has_a_quiet_line_beside_the_live_view(chat, page, notebook, monkeypatch):
    notebook.show(chat)
    await talk(chat, page, monkeypatch)
    [output] = notebook.outputs
    assert VIEW in output
    assert output["text/plain"] == "<VoiceChat: idle, Scripted server>"
    exported = notebook.exported()
    assert "Voice chat with Scripted server." in exported
    assert "run the cell to talk" in exported
    assert "Hello from the call" not in exported


async def test_it_has_the_transcript_if_that_is_asked_for(chat, page, notebook, monkeypatch):
    chat.save_transcript = True
    notebook.show(chat)
    assert "Nothing has been said yet." in notebook.exported()
    await talk(chat, page, monkeypatch)
    await eventually(lambda: "Hello from the call" in notebook.exported())
    assert VIEW in notebook.outputs[0]
    assert KEY not in notebook.exported()
    # In JupyterLab the live view above has the transcript, too.
    assert ":has(.rtc-widget)" in notebook.outputs[1]["text/html"]


@pytest.mark.parametrize("saves", [False, True])
async def test_closing_leaves_the_last_transcript(chat, page, notebook, monkeypatch, saves):
    chat.save_transcript = saves
    notebook.show(chat)
    await talk(chat, page, monkeypatch)
    chat.close()
    chat.close()
    assert not any(VIEW in output for output in notebook.outputs)
    assert notebook.exported().count("Hello from the call") == 1
    assert "Hello from the call" in notebook.outputs[0]["text/plain"]
    assert KEY not in notebook.exported()


async def test_closing_before_a_word_says_so(chat, notebook):
    notebook.show(chat)
    chat.close()
    assert "closed before anything was said" in notebook.exported()


async def test_a_page_in_this_process_has_no_view(page, notebook, signaling):
    chat = VoiceChat(signaling, page=page)
    data, _ = InteractiveShell.instance().display_formatter.format(chat)
    assert set(data) == {"text/plain"}
    chat.close()
    assert notebook.outputs == []
