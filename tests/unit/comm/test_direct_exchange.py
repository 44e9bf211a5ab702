"""The page exchanges its offer itself; the kernel creates the client secret and hangs up."""

from __future__ import annotations

from rtc_widget.signaling.base import ClientSecret
from tests.unit.waiting import eventually


async def test_a_server_without_secrets_is_told_by_name(page):
    page.hello()
    page.say("create_client_secret", id="p1:1", attempt="a1")
    error = (await page.hears("reply"))["error"]
    assert error["code"] == "client_secrets_unsupported"
    assert "exchange='kernel'" in error["hint"]


async def test_a_call_that_the_page_made_is_known_and_hung_up_by_the_kernel(chat, page, signaling):
    async def create_client_secret(session):
        return ClientSecret("ek_1", "https://api.example/calls")

    signaling.create_client_secret = create_client_secret
    page.hello()
    page.state("a1", status="connecting")
    page.say("create_client_secret", id="p1:1", attempt="a1")
    assert (await page.hears("reply"))["result"] == {"url": "https://api.example/calls", "secret": "ek_1"}
    page.say("exchanged", attempt="a1", call_id="rtc_7")
    page.connected("a1")
    await eventually(lambda: chat.call_id == "rtc_7")
    assert "ek_1" not in str(chat.get_state())
    page.say("hang_up", attempt="a1")
    await eventually(lambda: signaling.hung_up == ["rtc_7"])


async def test_a_call_that_ended_before_its_id_was_told_is_hung_up_all_the_same(page, signaling):
    page.say("hang_up", attempt="a1")
    page.say("exchanged", attempt="a1", call_id="rtc_7")
    await eventually(lambda: signaling.hung_up == ["rtc_7"])
