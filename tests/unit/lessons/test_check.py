"""`check` says in one sentence what is missing, whatever it is given."""

from __future__ import annotations

import pytest

from rtc_widget.lessons import CheckResult, check
from rtc_widget.lessons.exercises import exercise, exercises, exercises_of, lesson_modules, missing, right

ANYTHING = [None, 0, -1.5, "", "nonsense", b"\0", [], {}, [None, "x"], object(), print, ("a", 2), {"a": 1}, [[1]], True]


class Hostile:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"no {name}")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")

    __hash__ = None  # type: ignore[assignment]


@exercise("ports", expects="a port")
def ports(port: int) -> CheckResult:
    return right("HTTPS.") if 1 / port == 1 / 443 else missing("another port.")


def test_every_exercise_has_a_name_of_its_own_and_belongs_to_a_lesson():
    listed = [found.name for module in lesson_modules() for found in exercises_of(module)]
    assert listed
    assert len(set(listed)) == len(listed)
    assert set(exercises()) == set(listed)


@pytest.mark.parametrize("name", sorted(exercises()))
def test_an_exercise_that_is_not_begun_says_what_it_takes(name):
    result = check(name, ...)
    assert not result
    assert exercises()[name].expects in result.text
    assert check(name) == check(name, {"a": 1, "b": ...}) == check(name, [...]) == result


@pytest.mark.parametrize("name", sorted(exercises()))
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_wrong_value_is_never_right_and_never_raises(name, count):
    for value in [*ANYTHING, Hostile()]:
        result = check(name, *[value] * count)
        assert not result, (name, value)
        assert result.text.endswith((".", "?"))
        assert "\n" not in result.text


def test_a_name_that_is_misspelt_leads_to_the_right_one():
    assert "'who starts DTLS'" in check("who start DTLS", "answerer").text
    assert not check(object(), 1)  # type: ignore[arg-type]


def test_an_exception_of_a_students_value_is_named():
    assert check(ports, 0) == missing("this exercise takes a port, got int (ZeroDivisionError: division by zero).")
    assert check(ports, 443)


def test_a_result_is_shown_as_text_and_html():
    result = missing("<b> & \ud800")
    assert repr(result).startswith("Not yet: <b> & ")
    assert "&lt;b&gt; &amp;" in result._repr_html_()
    result._repr_html_().encode()
