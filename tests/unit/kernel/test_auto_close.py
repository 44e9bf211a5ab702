from __future__ import annotations

import builtins
import contextlib
import gc
import io
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

from rtc_widget import VoiceChat
from rtc_widget.kernel import auto_close


@pytest.fixture(scope="module", autouse=True)
def _all_objects_are_seen() -> Iterator[None]:
    """Take all objects into garbage collection again: `auto_close` asks the collector who refers to a widget."""
    gc.unfreeze()
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    before = dict(vars(builtins))
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.run_cell("from rtc_widget import VoiceChat; from rtc_widget.testing import ScriptedPage")
    yield shell
    InteractiveShell.clear_instance()
    for name in vars(builtins).keys() - before.keys():
        delattr(builtins, name)


def made(shell: InteractiveShell, *cells: str) -> list[str]:
    """Run cells that make a `chat`, and note in `ends` what its page is told to do at the end."""
    ends: list[str] = []
    shell.user_ns["ends"] = ends
    page = "class Page(ScriptedPage):\n    def close(self): ends.append('closed')"
    for cell in (page, "chat = VoiceChat(page=Page(acts=False))", *cells):
        shell.run_cell(cell).raise_error()
    return ends


def test_a_widget_without_a_name_is_closed(shell):
    ends = made(shell)
    assert ends == []
    shell.run_cell("del chat")
    assert ends == ["closed"]


def test_a_recording_that_runs_holds_no_widget(shell):
    ends = made(shell, "_ = chat.record()", "pass")
    assert ends == []
    shell.run_cell("del chat")
    assert ends == ["closed"]


@pytest.mark.parametrize("state", ["recording", "stopped"])
def test_a_recorder_in_a_variable_holds_no_widget(shell, state):
    ends = made(shell, "recorder = chat.record()", "recorder.stop()" if state == "stopped" else "pass")
    assert f"<Recorder: {state}, " in repr(shell.user_ns["recorder"])
    shell.run_cell("del chat")
    assert ends == ["closed"]
    shell.run_cell("recorder.stop()").raise_error()
    assert repr(shell.user_ns["recorder"].recording) == "<Recording: empty>"


def test_a_widget_in_another_variable_is_held(shell):
    ends = made(shell, "calls = [chat]", "del chat")
    assert ends == []
    assert isinstance(shell.user_ns["calls"][0], VoiceChat)
    shell.run_cell("calls.clear()")
    assert ends == ["closed"]


def failing(shell: InteractiveShell, cell: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        assert not shell.run_cell(cell).success


@pytest.mark.parametrize("cell", ["chat.send_text('')", "chat.nothing", "def f(c): c.send_text('')\nf(chat)"])
def test_an_error_of_an_earlier_cell_holds_no_widget(shell, cell):
    ends = made(shell)
    failing(shell, cell)
    failing(shell, "1 / 0")
    assert ends == []
    shell.run_cell("del chat")
    assert ends == ["closed"]


def test_running_the_cell_again_after_an_error_closes_the_widget_before(shell):
    ends = made(shell)
    failing(shell, "chat.send_text('')")
    shell.run_cell("chat = VoiceChat(page=Page(acts=False))")
    assert ends == ["closed"]


APP = """
class App:
    def __init__(self):
        self.chat = VoiceChat(page=Page(acts=False))
        self.chat.on("response.done", self.done)
        self.chat.observe(self.done, "status")
    def done(self, event): ...
"""


def test_an_object_that_the_widget_calls_back_does_not_hold_it_by_that(shell):
    ends = made(shell, APP, "app = App()", "pass", "def kept(): return app", "other = [app]", "del app, kept")
    assert ends == []
    shell.run_cell("other.pop()")
    assert ends == ["closed"]


def test_a_closure_that_the_widget_calls_back_does_not_hold_it_by_that(shell):
    ends = made(shell, "@chat.on('response.done')\ndef done(event, chat=chat): chat.mute()", "del done")
    assert ends == []
    shell.run_cell("del chat")
    assert ends == ["closed"]


def test_a_task_holds_what_it_works_with(shell):
    ends = made(
        shell,
        "import asyncio\nasync def f(c):\n    await asyncio.sleep(3600)\n    c.mute()",
        "loop = asyncio.new_event_loop()",
        "job = loop.create_task(f(chat)); loop.run_until_complete(asyncio.sleep(0))",
        "del chat, job",
    )
    assert ends == []
    shell.run_cell("for job in asyncio.all_tasks(loop): job.cancel()\nloop.run_until_complete(asyncio.sleep(0))")
    shell.run_cell("del job")
    assert ends == ["closed"]
    shell.run_cell("loop.close()").raise_error()


def test_a_box_that_shows_a_widget_holds_it(shell):
    ends = made(shell, "from ipywidgets import Button, VBox", "box = VBox([chat, Button()])", "del chat")
    assert ends == []
    shell.run_cell("box.close(); del box")
    assert ends == ["closed"]


def test_objects_of_a_notebook_that_raise_when_they_are_looked_at_do_no_harm(shell, capsys):
    ends = made(
        shell,
        "import weakref\nclass Thing: ...\ndead = weakref.proxy(Thing())",
        "class Proxy:\n    def __getattribute__(self, name): raise RuntimeError(name)\nodd = Proxy()",
        "class Holder: ...\nholder = Holder(); holder.__dict__.update(chat=chat, odd=odd)",
        "del chat",
    )
    assert ends == []
    shell.run_cell("del holder")
    assert ends == ["closed"]
    assert "Error" not in capsys.readouterr().out


HOLDERS = {
    "a DataFrame": "import pandas as pd; held = pd.DataFrame({'chat': [chat]})",
    "a Series": "import pandas as pd; held = pd.Series([chat], dtype=object)",
    "an object array": "import numpy as np; held = np.array([chat, None], dtype=object)",
    "an array in a dictionary": "import numpy as np; held = {'all': np.array([chat, None], dtype=object)}",
    "a list in an array": "import numpy as np; held = np.array([None, None], dtype=object); held[0] = [[chat]]",
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_an_array_holds_a_widget(shell, holder):
    ends = made(shell, HOLDERS[holder], "del chat", "1")
    assert ends == []
    shell.run_cell("del held")
    assert ends == ["closed"]


THREAD = """
import threading
from concurrent.futures import ThreadPoolExecutor
may_end, runs = threading.Event(), threading.Event()
def work(one):
    runs.set()
    may_end.wait()
    return one.status
pool = ThreadPoolExecutor(1)
future = pool.submit(work, chat)
_done = runs.wait()
"""


def test_a_frame_of_a_running_thread_holds_a_widget(shell):
    ends = made(shell, THREAD, "chat = VoiceChat(page=ScriptedPage(acts=False))", "1")
    assert ends == []
    shell.run_cell("may_end.set(); pool.shutdown()").raise_error()
    assert shell.user_ns["future"].result() == "idle"
    shell.run_cell("future = None")
    assert ends == ["closed"]


def test_the_references_are_followed_only_when_a_name_was_lost(shell, monkeypatch):
    walks = []
    follow = auto_close._ReferenceCheck._leads_to_a_name
    monkeypatch.setattr(
        auto_close._ReferenceCheck, "_leads_to_a_name", lambda *args: walks.append(args) or follow(*args)
    )
    ends = made(shell, "import numpy as np; held = np.array([chat, None], dtype=object)", "del chat")
    assert len(walks) == 1
    for cell in ("1", "number = 1", "number = 2", "big = [[n] for n in range(1000)]", "held", "def f(): ..."):
        shell.run_cell(cell).raise_error()
    assert (len(walks), ends) == (1, [])


@pytest.mark.parametrize(
    "holder",
    [
        "import pandas; held = pandas.DataFrame({'chat': [chat]})",
        "import numpy; held = numpy.array([[chat], [None]], dtype=object)[:1]",
        "held = {'deep': [{'down': (chat,)}]}",
    ],
)
def test_a_name_that_leads_to_the_widget_saves_the_walk_when_others_are_bound_anew(shell, monkeypatch, holder):
    walks = []
    follow = auto_close._ReferenceCheck._leads_to_a_name
    monkeypatch.setattr(auto_close._ReferenceCheck, "_leads_to_a_name", lambda *args: walks.append(1) or follow(*args))
    ends = made(shell, holder, "other = [1]; def_ = {}", "del chat")
    assert len(walks) == 1
    for cell in ("other = [2, 3]", "def f(): ...", "def f(): ...", "def_ = set()", "del other"):
        shell.run_cell(cell).raise_error()
    assert (len(walks), ends) == (1, [])
    monkeypatch.undo()  # the frame that counts holds the widget
    shell.run_cell("del held").raise_error()
    assert ends == ["closed"]


def test_what_a_long_list_holds_is_not_looked_at(shell, monkeypatch):
    shell.run_cell("import numpy; long = [[n] for n in range(100_000)]; around = {'deep': long}").raise_error()
    ends = made(shell, "held = numpy.array([chat, None], dtype=object)")
    looks = []
    is_dead_end = auto_close._is_dead_end
    monkeypatch.setattr(auto_close, "_is_dead_end", lambda value: looks.append(1) or is_dead_end(value))
    shell.run_cell("del chat")
    monkeypatch.undo()
    assert 0 < len(looks) < 10_000
    assert ends == []


def test_a_peer_connection_without_a_name_is_closed_and_removed(shell):
    shell.run_cell("from rtc_widget import PeerConnection; from tests.unit.peers.page_double import PeerPage")
    shell.run_cell("page = PeerPage(); pc = PeerConnection(page=page)").raise_error()
    page = shell.user_ns["page"]
    shell.run_cell("channel = await pc.create_data_channel('chat')").raise_error()
    shell.run_cell("del channel")
    assert not page.is_closed
    shell.run_cell("del pc")
    assert page.is_closed
    assert page.operations[-1] == "close"
