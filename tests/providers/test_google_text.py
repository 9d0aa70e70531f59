"""Descriptions: HTML at Google, text here."""

from __future__ import annotations

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie.core.event import DESCRIPTION_LIMIT
from genie.core.notes_block import compose, split
from genie.providers.google.text import LIMIT, as_description, as_text

MARK = "0123456789"
LINES = ["Customer: Ann Lee", "E-mail: ann@example.org", "Details: https://genie.example.com/a/1?x=1&y=2"]


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("plain", "plain"),
        ("two\nlines", "two\nlines"),
        ("a < b & c > d", "a < b & c > d"),
        ("R&D, 2<3, <john@example.org>", "R&D, 2<3, <john@example.org>"),
        ("one<br>two<br/>three<BR />four", "one\ntwo\nthree\nfour"),
        ("one<br>\ntwo", "one\ntwo"),
        ("<p>one</p><p>two</p>", "one\ntwo\n"),
        ("one<div>two</div>three", "one\ntwo\nthree"),
        ("<div>one</div><div><br></div><div>two</div>", "one\n\ntwo\n"),
        ("<ul><li>a</li><li>b</li></ul>c", "a\nb\nc"),
        ('see <a href="https://x.org/?a=1&amp;b=2" target="_blank">https://x.org/?a=1&amp;b=2</a>', None),
        ("<b>bold</b> <i>and</i> <u>more</u><span></span>", "bold and more"),
        ("<html-blob>pasted</html-blob>", "pasted"),
        ("a&nbsp;&nbsp;b &amp; &lt;c&gt; &quot;d&#39;", "a  b & <c> \"d'"),
        ("&lt;b&gt;not bold&lt;/b&gt;", "<b>not bold</b>"),
        ("", ""),
    ],
)
def test_what_a_description_says(description, text):
    assert as_text(description) == (text if text is not None else "see https://x.org/?a=1&b=2")


@pytest.mark.parametrize("text", ["R&D", "a < b", "5 > 4 & 3 < 4", "https://x.org/?1&2", "plain"])
def test_what_is_no_markup_is_written_as_it_is(text):
    assert as_description(text) == text


@settings(max_examples=400, deadline=None)
@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=200) | st.text("<>&;/ab#1!?\n", max_size=60)
)
def test_whatever_is_written_says_the_same(text):
    assert as_text(as_description(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.text("<>&;/abr#1\n ", max_size=80))
def test_a_browser_reads_the_same(text):
    """No tag is left for it to find, and its entities are ours."""
    written = as_description(text)
    assert not any(written[n + 1 : n + 2].isalpha() for n, one in enumerate(written) if one == "<")
    assert html.unescape(written) == text


def test_an_edit_on_google_s_page_leaves_our_block_whole():
    """As its editor saves: line breaks as tags, addresses as links, spaces as entities."""
    sent = as_description(compose("Bring papers", LINES, MARK))
    address = "https://genie.example.com/a/1?x=1&amp;y=2"
    saved = (
        sent.replace("Bring papers", "Bring papers, and&nbsp;<b>two</b> photos")
        .replace("\n", "<br>")
        .replace(address, f'<a href="{address}">{address}</a>')
    )
    parted = split(as_text(saved), LINES, MARK)
    assert parted.notes == "Bring papers, and two photos"
    assert not parted.damaged
    assert parted.block == "\n".join(LINES)


def test_a_text_made_to_overflow_keeps_its_end():
    text = compose("", ["&a<b" * 3_000], MARK)
    assert len(text) <= DESCRIPTION_LIMIT
    written = as_description(text)
    assert len(written) <= LIMIT
    assert written.endswith(f"{MARK} ────────")
    assert not split(as_text(written), [], MARK).damaged
