"""Objects as lines: what is not touched stays to the byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendar_sandbox import ics

OBJECT = (
    'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME;X-P="a;b:c":raw,un\\escaped;text\r\nBEGIN:VEVENT\r\n'
    "SUMMARY;LANGUAGE=en:Tea\\, and\r\n  cake\r\nthis line is broken\r\n"
    "ATTACH;ENCODING=BASE64;VALUE=BINARY:QUJD\r\n"
    "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nX-MOZ:1\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:X-THING\r\nA:1\r\nEND:X-THING\r\n"
    "END:VCALENDAR\r\n"
)


def test_an_object_read_and_written_is_the_same():
    assert str(ics.read(OBJECT)) == OBJECT


def test_one_changed_line_leaves_the_others():
    calendar = ics.read(OBJECT)
    event = calendar.parts("VEVENT")[0]
    assert event.text("SUMMARY") == "Tea, and cake"
    event.put_text("SUMMARY", "Coffee; black")
    assert str(calendar) == OBJECT.replace("Tea\\, and\r\n  cake", "Coffee\\; black")


def test_a_new_property_stands_before_the_alarm():
    event = ics.read(OBJECT).parts("VEVENT")[0]
    event.put("LOCATION", "Here")
    kinds = [item.name if isinstance(item, ics.Line) else item.kind for item in event.items]
    assert kinds.index("LOCATION") == kinds.index("VALARM") - 1


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=300))
def test_any_text_survives_and_no_line_is_too_long(text):
    part = ics.Part("VEVENT")
    part.put_text("SUMMARY", text)
    written = f"BEGIN:VCALENDAR\r\n{part}END:VCALENDAR\r\n"
    assert ics.read(written).parts("VEVENT")[0].text("SUMMARY") == text
    assert all(len(line.encode()) <= 75 for line in written.split("\r\n"))


@pytest.mark.parametrize("text", ["", "BEGIN:VCALENDAR", "END:VEVENT", "A:1", OBJECT + OBJECT])
def test_half_an_object_is_refused(text):
    with pytest.raises(ValueError, match=r"END|complete"):
        ics.read(text)
