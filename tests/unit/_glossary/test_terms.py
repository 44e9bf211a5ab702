"""The glossary: its terms, how they are found, and the page of the docs that is made of them."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rtc_widget import glossary
from rtc_widget._glossary.references import web_address
from rtc_widget.errors import RtcWidgetError, UnknownTerm

ROOT = Path(__file__).parents[3]


def test_there_are_a_hundred_terms_with_short_and_long_text_and_reference():
    terms = glossary()
    assert len(terms) >= 100
    assert len({term.name.casefold() for term in terms}) == len(terms)
    for term in terms:
        assert 10 <= len(term.short) <= 160, term.name
        assert term.short[-1] in ".,:;" or term.short.endswith(")."), term.name
        assert len(term.says) >= 40, term.name
        assert term.says != term.short, term.name
    assert len([term for term in terms if term.refs]) >= 95


def test_every_reference_leads_to_a_page():
    for term in glossary():
        for reference in term.refs:
            assert re.match(r"https://[a-z0-9.-]+/", web_address(reference) or ""), reference


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ICE", "ICE"),
        ("ice", "ICE"),
        ("  Jitter Buffer ", "jitter buffer"),
        ("jitter-buffer", "jitter buffer"),
        ("round trip time", "round-trip time"),
        ("host candidates", "host candidate"),
        ("srflx", "server-reflexive candidate"),
        ("peer connection", "RTCPeerConnection"),
        ("mid", "mid"),
        ("transceivers", "transceiver"),
        ("SetUp Role", "setup role"),
    ],
)
def test_a_term_is_found_in_any_case_and_spelling(written, name):
    assert glossary(written).name == name


def test_every_term_is_found_by_its_own_name():
    for term in glossary():
        assert glossary(term.name) is term
        assert glossary(term.name.upper()) is term


def test_an_unknown_term_names_the_most_similar_ones():
    with pytest.raises(UnknownTerm, match=r"got 'jiter buffer'\. Similar terms: jitter buffer") as caught:
        glossary("jiter buffer")
    assert isinstance(caught.value, RtcWidgetError)
    assert "rtc_widget.glossary()" in caught.value.hint


@pytest.mark.parametrize("term", ["", " ", "…", "\ud800", "x" * 100_000, "<script>"])
def test_any_text_is_a_term_or_unknown(term):
    with pytest.raises(UnknownTerm):
        glossary(term)


def test_a_term_that_is_not_text_is_a_type_error():
    with pytest.raises(TypeError, match="term must be a string, got int"):
        glossary(3)


def test_a_term_shows_its_explanation_and_links():
    html = glossary("ICE")._repr_html_()
    assert "<b>ICE</b>" in html
    assert 'href="https://www.rfc-editor.org/rfc/rfc8445#section-2"' in html
    assert "candidates" in html
    assert "RFC 8445 §2" in str(glossary("ICE"))


def test_all_terms_show_as_a_list_that_opens():
    html = glossary()._repr_html_()
    assert html.count("<details>") == len(glossary())
    assert repr(glossary()).startswith(f"<Glossary: {len(glossary())} terms, allocation to ")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_term_can_be_copied(copied):
    assert copied(glossary("ICE")) == glossary("ICE")


def test_the_page_of_the_docs_is_current():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/glossary", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
