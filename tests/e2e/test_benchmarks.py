"""The benchmarks of the page, in small: they find what they measure."""

from __future__ import annotations

import pytest
from benchmarks import connect, page, relay
from benchmarks._notebook import EVENT_PANEL, EVENT_TYPE, Notebooks, set_event_panel

from tests.e2e.lab import evaluate
from tests.e2e.voice_server import TOKEN, voice_server

EVENTS = 20


@pytest.fixture
def notebooks(lab, silent_browser, server) -> Notebooks:
    return Notebooks(lab, silent_browser, server)


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
        assert opened.page.evaluate(page.FIRST_PAINT, [index, selector]) > 0
    measured = page.MeasuredPage(notebooks, opened)
    measured.call()
    set_event_panel(opened, is_open=True)
    cost = measured.cost_of(lambda: measured.emit(EVENTS, 0))
    assert opened.page.locator(EVENT_PANEL).first.get_attribute("open") is not None
    set_event_panel(opened, is_open=False)
    assert opened.page.locator(EVENT_PANEL).first.get_attribute("open") is None
    assert cost.main_thread_ms > 0
    assert measured.heap_bytes() > 0
    measured.no_call()
    assert opened.page.locator(".rtc-widget").first.get_attribute("data-status") == "idle"


def test_a_page_alone_and_the_widget_connect_to_the_same_server(lab, silent_browser):
    with voice_server(options=[f"--allow-origin={lab.url}"]) as server:
        notebooks = Notebooks(lab, silent_browser, server)
        cell = connect.WIDGET.format(token=TOKEN, url=f"{server.url}/v1")
        opened = notebooks.open("connect", connect.BUTTON, cell)
        opened.page.locator(connect.CONNECT).first.wait_for()
        assert connect.by_page(opened, f"{server.url}/v1", fetches_secret=False) > 0
        assert connect.by_page(opened, f"{server.url}/v1", fetches_secret=True) > 0
        assert connect.by_widget(notebooks, opened) > 0
        server.wait_for_calls(0)
