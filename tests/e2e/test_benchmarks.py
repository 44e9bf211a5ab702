"""The benchmarks of the page, in small: they find what they measure."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from benchmarks import connect, page, relay
from benchmarks._comparison import Comparison, Skipped
from benchmarks._devtools import PageError, debuggable_chromium
from benchmarks._notebook import EVENT_PANEL, EVENT_TYPE, STATUS, Notebooks, set_event_panel

from tests.e2e.lab import evaluate
from tests.e2e.voice_server import TOKEN, voice_server

EVENTS = 20
IS_OPEN = "(selector) => document.querySelector(selector).open"


@pytest.fixture(scope="module")
def port(playwright, silence_wav) -> Iterator[int]:
    with debuggable_chromium(playwright, silence_wav) as port:
        yield port


@pytest.fixture
def notebooks(lab, playwright, port, server) -> Notebooks:
    return Notebooks(lab, playwright, port, server)


def test_each_way_from_the_page_brings_every_event_to_python(notebooks):
    call = relay.CALL.format(signaling=notebooks.server.signaling, type=EVENT_TYPE)
    opened = notebooks.open("relay", relay.CELL.format(), call)
    notebooks.connect(opened)
    for way in relay.PAGE_WAYS.values():
        burst = relay.by_page(notebooks, opened, way, EVENTS, 200, 0)
        steady = relay.by_page(notebooks, opened, way, EVENTS, 2_000, relay.PER_SECOND)
        assert burst.microseconds_each > 0
        assert steady.delay_ms(0.5) <= steady.delay_ms(1)
    kernel = notebooks.lab.clients[-1]
    assert evaluate(kernel, f"len(chat.events.of({EVENT_TYPE!r}))") == 2 * EVENTS


def test_what_the_page_does_is_counted_and_the_panel_opens_and_closes(notebooks):
    opened = notebooks.open("page", page.PLAIN, page.WIDGET.format(signaling=notebooks.server.signaling))
    for index, selector in page.CELLS.values():
        assert opened.evaluate(page.FIRST_PAINT, [index, selector]) > 0
    measured = page.MeasuredPage(notebooks, opened)
    measured.call()
    set_event_panel(opened, is_open=True)
    cost = measured.cost_of(lambda: measured.emit(EVENTS, 0))
    assert opened.evaluate(IS_OPEN, EVENT_PANEL)
    set_event_panel(opened, is_open=False)
    assert not opened.evaluate(IS_OPEN, EVENT_PANEL)
    assert cost.main_thread_ms > 0
    assert measured.heap_bytes() > 0
    [memory] = page.kernels(notebooks, measured)
    assert isinstance(memory, Comparison if sys.platform == "linux" else Skipped)
    measured.no_call()
    assert opened.evaluate(STATUS) == "idle"


def test_a_page_alone_and_the_widget_connect_to_the_same_server(lab, playwright, port):
    with voice_server(options=[f"--allow-origin={lab.url}"]) as server:
        notebooks = Notebooks(lab, playwright, port, server)
        cell = connect.WIDGET.format(token=TOKEN, url=f"{server.url}/v1")
        opened = notebooks.open("connect", connect.BUTTON, cell)
        opened.wait_for(connect.CONNECT)
        assert connect.by_page(opened, f"{server.url}/v1", fetches_secret=False) > 0
        assert connect.by_page(opened, f"{server.url}/v1", fetches_secret=True) > 0
        assert connect.by_widget(notebooks, opened) > 0
        server.wait_for_calls(0)


def test_a_tab_says_what_a_script_threw_and_which_command_is_wrong(notebooks):
    tab = notebooks.open("tab", "1 + 1")
    assert tab.evaluate("async (text) => ({ text, width: innerWidth })", "é") == {"text": "é", "width": 1280}
    with pytest.raises(PageError, match="no such thing"):
        tab.evaluate("() => { throw new Error('no such thing'); }")
    with pytest.raises(PageError, match=r"Page\.fly"):
        tab.send("Page.fly")
    notebooks.close(tab)
