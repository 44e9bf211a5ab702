"""Very many events, very large ones, and such as are none."""

from __future__ import annotations

import pytest

from tests.e2e.lab import evaluate, eventually
from tests.limits import HANGS

FLOOD = 100_000
# Events as fast as the page takes them, a task for each thousand, as a channel hands them over. Gives back the longest
# time in which the page drew nothing, and how long it all took.
POUR = """async (count) => {
  const channel = __spy.channels.at(-1);
  const hear = (data) => channel.dispatchEvent(new MessageEvent("message", { data }));
  let longest = 0;
  const began = performance.now();
  let last = began;
  let isPouring = true;
  const watch = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    if (isPouring) requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
  for (let n = 0; n < count; n++) {
    hear(JSON.stringify({ type: "test.flood", number: n }));
    if (n % 1000 === 999) await new Promise((resolve) => setTimeout(resolve));
  }
  hear(JSON.stringify({ type: "test.large", text: "x".repeat(10_000_000) }));
  hear("no json {");
  hear(new ArrayBuffer(64));
  hear(JSON.stringify({ type: "test.last" }));
  // One more picture, for the time that the last and largest have cost.
  await new Promise((resolve) => requestAnimationFrame(resolve));
  isPouring = false;
  const now = performance.now();
  return [Math.max(longest, now - last), now - began];
}"""
# A person's click while it pours: how long until the button shows what it did, and how much had come by then.
CLICK = """async () => {
  const button = document.querySelector(".rtc-widget [data-action=mute]");
  const isPressed = button.getAttribute("aria-pressed");
  const seen = __spy.received.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const clicked = performance.now();
  button.click();
  while (button.getAttribute("aria-pressed") === isPressed) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  return [performance.now() - clicked, __spy.received.length - seen];
}"""


def test_a_flood_arrives_complete_and_in_order_and_the_page_stays_responsive(opened, silent_browser, server, lab):
    widget = (
        f"import rtc_widget\nchat = rtc_widget.VoiceChat({server.signaling})\nchat.events.limit = {2 * FLOOD}\nchat"
    )
    page = opened(silent_browser, widget, f"await chat.wait_for('test.last', timeout={HANGS})")
    page.page.locator("button[data-action=connect]").first.click()
    page.wait_for_status("connected")
    page.page.locator(".rtc-panel > summary").click()  # the log shows all of it while it comes
    [longest, whole], [took, meanwhile] = page.page.evaluate(
        f"(count) => Promise.all([({POUR})(count), ({CLICK})()])", FLOOD
    )
    print(f"in {whole:.0f} ms the page drew nothing for at most {longest:.0f} ms; a click took {took:.0f} ms")
    # Parts of the whole, which takes as long as the machine needs: a frozen page draws and does nothing until the end.
    assert took < whole / 4
    assert longest < whole / 2
    assert 0 < meanwhile < FLOOD, "the click was answered while it poured"
    kernel = lab.kernel_client()
    eventually(lambda: evaluate(kernel, "len(chat.events.of('test.last'))") == 1)
    assert evaluate(kernel, f"[e.number for e in chat.events.of('test.flood')] == list(range({FLOOD}))")
    assert evaluate(kernel, "len(chat.events.last('test.large').text)") == 10_000_000
    types = evaluate(kernel, "[e.type for e in chat.events if e.direction == 'received'][-4:]")
    assert types == ["test.large", "rtc_widget.unreadable", "rtc_widget.binary", "test.last"]
    page.page.locator(".rtc-event", has_text="test.last").wait_for()
    assert page.page.locator(".rtc-event").count() < 60, "only the rows in sight are drawn"

    # What is larger than the channel carries is refused before it is sent, with the limit named.
    with pytest.raises(RuntimeError, match=r"MessageTooLarge.*more than the.* (262144|65536) ") as refused:
        evaluate(kernel, "chat.send({'type': 'test', 'text': 'x' * 300_000}) and None")
    assert "300070 bytes" in str(refused.value)
    assert evaluate(kernel, "chat.status") == "connected"
