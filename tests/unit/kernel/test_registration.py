"""What a second run of a cell replaces."""

from __future__ import annotations

from rtc_widget import VoiceChat
from rtc_widget.kernel.registration import is_newer_version
from rtc_widget.testing import ScriptedPage
from tests.unit.waiting import settled

CELL = """
@chat.on("response.done")
def show(event):
    seen.append({run})

@chat.on("error")
@chat.on("input_audio_buffer.committed")
async def tell(event):
    seen.append({run})
"""


def _connected() -> tuple[VoiceChat, ScriptedPage]:
    chat = VoiceChat(page=(page := ScriptedPage()))
    page.connect()
    return chat, page


async def test_a_cell_that_is_run_again_replaces_its_callbacks() -> None:
    chat, page = _connected()
    seen: list[int] = []
    names = {"chat": chat, "seen": seen, "__name__": "__main__"}
    for run in (1, 2, 3):
        exec(CELL.format(run=run), names)
    page.receives({"type": "response.done", "response": {"id": "r1", "status": "completed", "output": []}})
    await settled()
    assert seen == [3]
    page.receives({"type": "input_audio_buffer.committed", "item_id": "u1"})
    await settled()
    assert seen == [3, 3]
    chat.close()


async def test_a_function_that_a_second_run_replaced_keeps_its_place() -> None:
    chat, page = _connected()
    seen: list[str] = []
    names = {"chat": chat, "seen": seen}
    exec("@chat.on('a')\ndef first(event): seen.append('first')", names)
    chat.on("a", lambda event: seen.append("second"))
    exec("@chat.on('a')\ndef first(event): seen.append('first again')", names)
    page.receives({"type": "a"})
    await settled()
    assert seen == ["first again", "second"]
    chat.close()


async def test_other_functions_are_all_called() -> None:
    chat, page = _connected()
    seen: list[object] = []

    class Counter:
        def count(self, event: object) -> None:
            seen.append(self)

    def shows(name: str):
        def show(event: object) -> None:
            seen.append(name)

        return show

    one, other = Counter(), Counter()
    for callback in (one.count, other.count, shows("a"), shows("b")):
        chat.on("x", callback)
    for number in (1, 2):
        chat.on("x", lambda event, number=number: seen.append(number))
    page.receives({"type": "x"})
    await settled()
    assert seen == [one, other, "a", "b", 1, 2]
    chat.close()


def test_functions_of_one_loop_differ_by_what_they_captured() -> None:
    def named(value: object, default: object = None):
        def function(event: object, default: object = default) -> object:
            return value

        return function

    first = named("a")
    assert is_newer_version(named("a"), first)
    assert not is_newer_version(named("b"), first)
    assert not is_newer_version(named("a", default=1), first)
    assert not is_newer_version(first, first)
    assert not is_newer_version(print, first)
