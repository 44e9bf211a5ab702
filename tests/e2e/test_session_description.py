"""`SessionDescription` and a real browser agree: on what is valid, on what was negotiated, and on how it looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from rtc_widget import SessionDescription
from tests.unit.sdp.texts import MINIMAL, NAMES, capture, changed

NEGOTIATE = """async () => {
  const offerer = new RTCPeerConnection(), answerer = new RTCPeerConnection();
  try {
    offerer.addTransceiver("audio");
    offerer.createDataChannel("lesson");
    await offerer.setLocalDescription();
    await answerer.setRemoteDescription(offerer.localDescription);
    await answerer.setLocalDescription();
    await offerer.setRemoteDescription(answerer.localDescription);
    return [offerer.localDescription.toJSON(), answerer.localDescription.toJSON()];
  } finally {
    offerer.close();
    answerer.close();
  }
}"""
SET_REMOTE = """async description => {
  const peer = new RTCPeerConnection();
  try {
    await peer.setRemoteDescription(description);
    await peer.createAnswer();
    return "accepted";
  } catch (error) {
    return error.name;
  } finally {
    peer.close();
  }
}"""


@pytest.fixture(scope="module")
def page(silent_browser: Browser) -> Iterator[Page]:
    page = silent_browser.new_page()
    yield page
    page.close()


def test_the_browser_negotiates_what_the_difference_says(page: Page) -> None:
    offer, answer = map(SessionDescription, page.evaluate(NEGOTIATE))
    assert (offer.type, answer.type) == ("offer", "answer")
    assert offer.check() == answer.check(offer) == ()
    difference = offer.diff(answer)
    assert difference.errors == ()
    assert "opus/48000/2" in [str(codec) for codec in difference.sections[0].negotiated_codecs]
    assert page.evaluate(SET_REMOTE, offer.to_json()) == "accepted"


@pytest.mark.parametrize("name", [name for name in NAMES if "-offer" in name])
def test_the_browser_accepts_each_captured_offer(page: Page, name: str) -> None:
    assert page.evaluate(SET_REMOTE, capture(name).to_json()) == "accepted"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v=0\r\n", ""),
        ("v=0", "\ufeffv=0"),
        ("s=-", "session"),
        ("s=-\r\n", "s=-\r\n\r\n"),
        ("t=0 0\r\n", ""),
        ("m=audio 9 ", "m=audio nine "),
        ("SAVPF 111 0", "SAVPF 111 200"),
        ("SAVPF 111 0", "SAVPF 0"),
        (" 50000 typ host", ""),
        ("typ host", "typ home"),
        ("sha-256", "sha-257"),
        ("a=ice-ufrag:uFrG", "a=ice-ufrag:uFr"),
        ("a=ice-pwd:secretsecretsecretsecret", "a=ice-pwd:secret"),
        ("a=ice-ufrag:uFrG\r\n", ""),
        ("a=setup:actpass", "a=setup:server"),
        ("a=mid:1", "a=mid:0"),
        ("BUNDLE 0 1", "BUNDLE 0 2"),
        ("a=sctp-port:5000\r\n", "a=sctp-port:5000"),
    ],
)
def test_what_the_browser_refuses_is_a_fault(page: Page, old: str, new: str) -> None:
    assert page.evaluate(SET_REMOTE, {"type": "offer", "sdp": MINIMAL}) == "accepted"
    broken = changed(old, new)
    assert page.evaluate(SET_REMOTE, broken.to_json()) != "accepted"
    assert broken.check() != ()


@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize(("background", "color"), [("#ffffff", "rgb(34, 34, 34)"), ("#111111", "rgb(232, 232, 232)")])
def test_the_views_fit_the_cell_and_take_its_colors(page: Page, width: int, background: str, color: str) -> None:
    offer, answer = capture("chromium-offer-audio-data"), capture("openai-shaped-answer-audio-data")
    page.set_viewport_size({"width": width, "height": 800})
    for html in (offer.show(secrets=False)._repr_html_(), offer.diff(answer)._repr_html_()):
        page.set_content(f'<!doctype html><body style="background: {background}; color: {color}">{html}')
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        colors = "[...document.querySelectorAll('.rtcw-sdp *')].map(one => getComputedStyle(one).color)"
        assert set(page.evaluate(colors)) == {color}
