"""What is pressed in the widget acts in the widget: JupyterLab's one-key commands leave the notebook alone."""

from __future__ import annotations

from tests.e2e.lab import NotebookPage

KEYS = ("a", "m", "d", "d", "ArrowUp", "ArrowDown", "Enter", "Space", "Escape")
EVENT_FILTERS = ("rtc-event-filter", "rtc-event-directions")
BEFORE = "'the cell before'"
# The server refuses it, and the page shows why.
AFTER = "chat.send({'type': 'no.such.event'})"
WIDGET = """
import rtc_widget
chat = rtc_widget.VoiceChat({signaling}, turn_detection=None)
chat
"""
CELLS = """() => {
  const { content } = window.jupyterapp.shell.currentWidget;
  const cells = content.widgets.map(({ model }) => [model.type, model.sharedModel.source]);
  return [content.activeCellIndex, content.mode, cells];
}"""
# Marks every element that can have the focus, and tells how many there are.
MARK = """() => {
  const elements = [...document.querySelectorAll(".rtc-widget, .rtc-widget *")].filter((one) => {
    one.focus({ preventScroll: true });
    return document.activeElement === one;
  });
  elements.forEach((one, number) => { one.dataset.focusable = number; });
  return elements.map(({ dataset, classList, tagName }) => (
    dataset.action ?? dataset.device ?? classList[0] ?? tagName.toLowerCase()
  ));
}"""
# Enter and Space press no button, so that every element is still there afterwards: the keys themselves are real.
DISARM = """() => document.querySelector(".rtc-widget").addEventListener("click", (event) => {
  event.preventDefault();
  event.stopImmediatePropagation();
}, true)"""


def press(page: NotebookPage) -> None:
    """Press the keys; after each the notebook is as it was, since the next may undo what one has done."""
    before = page.page.evaluate(CELLS)
    focused = page.page.evaluate("() => document.activeElement.outerHTML.slice(0, 200)")
    for key in KEYS:
        page.page.keyboard.press(key)
        assert page.page.evaluate(CELLS) == before, f"{key} acted on the notebook while {focused} had the focus"


def press_on_each(page: NotebookPage) -> list[str]:
    """Press the keys on every element that can have the focus, and return the names of the elements."""
    page.focus_cell(1)
    before = page.page.evaluate(CELLS)
    names: list[str] = page.page.evaluate(MARK)
    assert page.page.evaluate(CELLS) == before
    # What is typed into the filter of the events, or chosen there, changes the rows below it.
    for number in sorted(range(len(names)), key=lambda number: names[number] in EVENT_FILTERS):
        page.page.evaluate("(n) => document.querySelector(`[data-focusable='${n}']`)?.focus()", number)
        press(page)
    return names


def test_keys_pressed_in_the_widget_leave_the_notebook_alone(opened, silent_browser, server):
    page = opened(silent_browser, BEFORE, WIDGET.format(signaling=server.signaling), AFTER)
    page.run_next()
    page.widget().wait_for()

    # A click beside the controls is one into the widget, too.
    page.focus_cell(1)
    page.page.locator(".rtc-connection").click()
    press(page)

    # Buttons that are really pressed: what they start and end goes on below.
    for action in ("devices", "mute", "connect"):
        page.page.locator(f"button[data-action={action}]").focus()
        press(page)
    page.page.evaluate(DISARM)
    assert {"devices", "mute", "rtc-transcript", "rtc-draft"} <= set(press_on_each(page))


def test_keys_pressed_in_a_call_leave_the_notebook_alone(opened, silent_browser, server):
    page = opened(silent_browser, BEFORE, WIDGET.format(signaling=server.signaling), AFTER)
    page.run_next()
    for action in ("devices", "connect"):
        page.page.locator(f"button[data-action={action}]").click()
    page.wait_for_status("connected")
    page.page.locator(".rtc-panel > summary").click()
    page.page.locator(".rtc-event", has_text="session.created").click()
    page.page.locator("button[data-action=talk]").wait_for()
    page.focus_cell(2)
    page.run_next()
    page.page.locator("button[data-action=dismiss]").wait_for()
    # The arrow keys do what they do anywhere else.
    for scrolled, action in ((".rtc-event-text", "scrollTop > 0"), ("[data-device=microphone]", "value !== ''")):
        page.page.locator(scrolled).press("ArrowDown")
        page.page.wait_for_function(f"() => document.querySelector({scrolled!r}).{action}")
    page.page.evaluate(DISARM)
    names = press_on_each(page)
    expected = {"rtc-widget", "mute", "disconnect", "microphone", "dismiss", "rtc-transcript", "talk", "rtc-draft"}
    assert expected | {"summary", "rtc-tab", "rtc-event-filter", "rtc-event", "rtc-event-text"} <= set(names)
    page.wait_for_status("connected")
