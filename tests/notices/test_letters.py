"""What the letters say, and what nobody can make them say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from genie.core.event import When
from genie.notices.email.letters import About, Letter, Visit, one_line, to_admins, to_company, to_customer

START = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VISIT = Visit(
    company="Harbour Homes",
    visit="Tour",
    when=When(START, START + HOUR, "America/New_York"),
    place="12 Dock Street",
    title="Tour with Jane",
    customer="Jane Doe",
    email="jane@example.org",
    phone="+12125550100",
    answers="Two bedrooms, please.\nGround floor.",
)
MOVED = replace(VISIT, when=When(START + HOUR, START + 2 * HOUR, "America/New_York"), was=VISIT.when)
MANAGE = "https://genie.example/visit/s3cret-token"
BOOKING = "https://genie.example/book/harbour/tour"
STAFF = "https://genie.example/company/harbour/appointments/1"


class Words(HTMLParser):
    """What a reader of the HTML sees, and the tags it is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.seen: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def customer(about: About, visit: Visit = VISIT) -> Letter:
    return to_customer(about, visit, manage_url=MANAGE, booking_url=BOOKING)


def company(about: About, visit: Visit = VISIT) -> Letter:
    return to_company(about, visit, staff_url=STAFF)


def test_a_confirmation_names_visit_company_time_and_place_and_leads_to_the_manage_page() -> None:
    letter = customer(About.BOOKED)
    assert letter.subject == "Confirmed: Tour, Tue 3 Mar 2026, 10:00–11:00 (New York)"
    assert letter.text.startswith("Hello Jane Doe,\n\nYour Tour with Harbour Homes is booked.\n")
    assert "When: Tue 3 Mar 2026, 10:00–11:00 (New York)\nWhere: 12 Dock Street\n" in letter.text
    assert f"Change or cancel this appointment:\n{MANAGE}\n" in letter.text
    assert Words(letter.html).links == [MANAGE]


def test_the_customer_reads_their_own_zone_and_the_clock_at_the_place() -> None:
    letter = customer(About.BOOKED, replace(VISIT, visitor_zone="Europe/Berlin"))
    assert "When: Tue 3 Mar 2026, 16:00–17:00 (Berlin)\n" in letter.text
    assert "Clock at the place: Tue 3 Mar 2026, 10:00–11:00 (New York)\n" in letter.text


def test_a_zone_with_the_same_clock_is_not_said_twice() -> None:
    letter = customer(About.BOOKED, replace(VISIT, visitor_zone="America/Toronto"))
    assert "10:00–11:00 (Toronto)" in letter.text
    assert "Clock at the place" not in letter.text


def test_a_move_says_the_new_time_and_the_one_before() -> None:
    letter = customer(About.RESCHEDULED, MOVED)
    assert letter.subject.startswith("New time: Tour, Tue 3 Mar 2026, 11:00–12:00")
    assert "has a new time" in letter.text
    assert "When: Tue 3 Mar 2026, 11:00–12:00 (New York)" in letter.text
    assert "Before: Tue 3 Mar 2026, 10:00–11:00 (New York)" in letter.text


def test_a_new_place_alone_is_not_called_a_new_time() -> None:
    letter = customer(About.RESCHEDULED, replace(VISIT, was=VISIT.when, was_place="9 Hill Road"))
    assert letter.subject.startswith("New place: Tour")
    assert "Before at: 9 Hill Road" in letter.text
    assert "Before: " not in letter.text


def test_a_visit_handed_over_names_both_and_is_not_called_a_new_time() -> None:
    handed = replace(VISIT, was=VISIT.when, with_whom="Ben", was_with="Maria")
    letter = customer(About.RESCHEDULED, handed)
    assert letter.subject.startswith("Now with Ben: ")
    assert "is with Ben now, at the same time." in letter.text
    assert "With: Ben\nBefore with: Maria" in letter.text
    leaving = to_company(About.RESCHEDULED, replace(handed, was=None), staff_url="https://x/y", leaves=True)
    assert leaving.subject.startswith("Handed over: ")
    assert "was handed over from Maria to Ben." in leaving.text
    assert "the appointment was with you, Maria." in leaving.text
    both = customer(About.RESCHEDULED, replace(MOVED, with_whom="Ben", was_with="Maria"))
    assert both.subject.startswith("New time: ") and "Before with: Maria" in both.text


def test_a_cancellation_names_the_time_the_customer_knew_and_leads_to_other_times() -> None:
    letter = customer(About.CANCELLED, MOVED)
    assert letter.subject == "Cancelled: Tour, Tue 3 Mar 2026, 10:00–11:00 (New York)"
    assert "11:00–12:00" not in letter.text
    assert BOOKING in letter.text
    assert MANAGE not in letter.text


def test_the_company_reads_who_comes_and_a_link_that_asks_for_a_login() -> None:
    letter = company(About.BOOKED)
    assert letter.subject == "New booking: Jane Doe, Tour, Tue 3 Mar 2026, 10:00–11:00 (New York)"
    for line in ("Customer: Jane Doe", "E-mail: jane@example.org", "Phone: +12125550100", STAFF):
        assert line in letter.text
    assert "> Two bedrooms, please.\n> Ground floor." in letter.text


@pytest.mark.parametrize("about", [about for about in About if about is not About.ASKED])
def test_no_letter_to_the_company_holds_the_customers_own_link(about: About) -> None:
    letter = company(about, replace(MOVED, reason="Outside opening hours.", by="calendar Team"))
    assert "/visit/" not in letter.text + letter.html
    assert "Changed by: calendar Team" in letter.text


def test_what_needs_a_person_says_why() -> None:
    letter = company(About.ATTENTION, replace(VISIT, reason="It now lies outside opening hours."))
    assert letter.subject.startswith("Please look: Jane Doe, Tour")
    assert "needs a person: It now lies outside opening hours." in letter.text


def test_admins_are_told_of_what_is_no_appointment() -> None:
    letter = to_admins(
        company="Harbour Homes", heading="A key needs re-authorization", reason="No access.", link=STAFF
    )
    assert letter.subject == "Harbour Homes: A key needs re-authorization"
    assert "No access." in letter.text
    assert STAFF in letter.text


@pytest.mark.parametrize(
    ("about", "letter"),
    [(a, customer(a, MOVED)) for a in (About.BOOKED, About.RESCHEDULED, About.CANCELLED)]
    + [(a, company(a, MOVED)) for a in About if a is not About.ASKED],
)
def test_text_and_html_say_the_same(about: About, letter: Letter) -> None:
    in_html = " ".join(" ".join(Words(letter.html).seen).split())
    for line in letter.text.split("\n"):
        said = line.removeprefix("> ")
        if said.startswith("http"):
            assert said in Words(letter.html).links
        elif ": " in said and not said.endswith("."):
            label, value = said.split(": ", 1)
            assert label in in_html
            assert value in in_html
        else:
            assert said.rstrip(":") in in_html, said


EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def test_what_a_customer_typed_is_text_and_never_markup() -> None:
    visit = replace(VISIT, customer=EVIL, email=EVIL, phone=EVIL, answers=EVIL, place=EVIL, title=EVIL)
    for letter in (company(About.BOOKED, visit), customer(About.BOOKED, visit)):
        words = Words(letter.html)
        assert not words.tags & {"script", "img"}
        assert all("alert" not in link for link in words.links)
    assert EVIL in "".join(Words(company(About.BOOKED, visit).html).seen)


@pytest.mark.parametrize(
    "name",
    [
        "You won! Go to spam.example/prize",
        "http://spam.example",
        "mail me@spam.example",
        "Call 0900 123456 now",
        "Jane\nYour account is locked. Visit spam.example",
        "",
    ],
)
def test_a_name_that_is_an_advertisement_is_not_delivered_to_a_stranger(name: str) -> None:
    letter = customer(About.BOOKED, replace(VISIT, customer=name, answers="buy at spam.example"))
    assert letter.text.startswith("Hello,\n")
    assert "spam" not in letter.text + letter.html + letter.subject
    assert "0900" not in letter.text + letter.html


@pytest.mark.parametrize("name", ["Zoë Ångström", "李小龙", "Мария Иванова", "O'Brien-Smith", "محمد"])
def test_real_names_of_all_scripts_are_greeted(name: str) -> None:
    assert customer(About.BOOKED, replace(VISIT, customer=name)).text.startswith(f"Hello {name},\n")


def test_a_typed_text_cannot_pose_as_a_line_of_ours() -> None:
    forged = "Thanks\r\nWhen: never\u2028Where: nowhere\x85Phone: 1"
    letter = company(About.BOOKED, replace(VISIT, customer=forged, answers=forged, place=forged))
    own = [line for line in letter.text.splitlines() if not line.startswith("> ")]
    assert [line for line in own if line.startswith("When:")] == [
        "When: Tue 3 Mar 2026, 10:00–11:00 (New York)"
    ]
    assert not [line for line in own if line.startswith("Where: nowhere")]


def test_lines_for_headers_hold_no_breaks_and_no_direction_marks_and_end() -> None:
    assert one_line("a\r\nBcc: x@y\u202egnp.exe\x00b") == "a Bcc: x@y gnp.exe b"
    assert one_line("x" * 500) == "x" * 199 + "…"


def test_very_long_content_is_cut() -> None:
    letter = company(About.BOOKED, replace(VISIT, customer="n" * 9_000, answers="a" * 90_000))
    assert len(letter.subject) <= 150
    assert len(letter.text) < 8_000


ROOM = "https://meet.example/" + "r" * 220


def test_the_link_of_a_video_call_is_whole_and_can_be_followed() -> None:
    letter = customer(About.BOOKED, replace(VISIT, place=ROOM))
    assert f"Where: {ROOM}\n" in letter.text
    assert ROOM in Words(letter.html).links


def test_what_a_customer_typed_is_no_link_however_it_looks() -> None:
    letter = company(
        About.BOOKED, replace(VISIT, customer="https://evil.example/x", phone="https://evil.example")
    )
    assert Words(letter.html).links == [STAFF]


def test_a_place_that_only_looks_like_a_link_is_text() -> None:
    letter = customer(About.BOOKED, replace(VISIT, place='https://a.example/"><img src=x>'))
    assert Words(letter.html).tags.isdisjoint({"img"})


ASKED = replace(VISIT, proposed=MOVED.when, until=START - 2 * HOUR)


def test_the_question_names_both_times_and_leads_to_the_page_that_takes_the_answer() -> None:
    letter = to_customer(About.ASKED, ASKED, manage_url=MANAGE, booking_url=BOOKING)
    was, new = "Tue 3 Mar 2026, 10:00–11:00 (New York)", "Tue 3 Mar 2026, 11:00–12:00 (New York)"
    assert letter.subject == f"Another time? Tour, {new}"
    assert f"Harbour Homes would like to move your Tour from {was} to {new}." in letter.text
    assert "Please say until Tue 3 Mar 2026, 08:00 whether that suits you." in letter.text
    assert f"Accept the new time, or keep the time as it was:\n{MANAGE}" in letter.text


def test_that_it_stays_is_said_with_both_times() -> None:
    letter = to_customer(About.KEPT, ASKED, manage_url=MANAGE, booking_url=BOOKING)
    assert "stays at Tue 3 Mar 2026, 10:00–11:00 (New York)." in letter.text
    assert "It is not moved to Tue 3 Mar 2026, 11:00–12:00 (New York)." in letter.text


def test_the_company_hears_why_it_was_not_moved() -> None:
    letter = to_company(About.KEPT, replace(ASKED, reason="Nobody answered in time."), staff_url=STAFF)
    assert letter.subject.startswith("Not moved: Jane Doe, Tour, Tue 3 Mar 2026, 10:00–11:00")
    assert "On the calendar it had been moved to Tue 3 Mar 2026, 11:00–12:00" in letter.text
    assert "Nobody answered in time." in letter.text
