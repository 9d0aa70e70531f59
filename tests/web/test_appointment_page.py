"""The page of one appointment: what it says, its history; reschedule, edit and cancel from it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.leads_scene import Leads, browser_of, leads, soon, span_text
from tests.web.tenants import person

from genie.flows.actor import calendar as from_calendar
from genie.flows.amend import Wanted, amend
from genie.flows.edit import edit
from genie.store.models import (
    Appointment,
    Change,
    EventLink,
    Message,
    Module,
    OpeningHours,
    RemoteCalendar,
    RemoteKey,
    Role,
)

HTMX = {"HX-Request": "true"}
FAR = datetime(2100, 6, 1, 9, tzinfo=UTC)
"""A summer's day, so that London is an hour ahead of UTC."""


@pytest.fixture
def acme(db: None) -> Leads:
    return leads()


def words(answer: HttpResponse) -> str:
    """What a person reads."""
    page = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+(?=[,;])", "", re.sub(r"\s+", " ", unescape(page)))


def history(answer: HttpResponse) -> list[str]:
    """The lines of the history, the latest first."""
    rows = re.findall(r'<tr id="change-\d+".*?</tr>', answer.content.decode(), re.S)
    return [re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", row))).strip() for row in rows]


def fields_of(answer: HttpResponse) -> dict[str, str]:
    """The hidden fields of the form that a person would send."""
    page = answer.content.decode()
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        if name != "csrfmiddlewaretoken"
    }


# --- what it says


def test_it_says_everything_that_is_known(acme: Leads) -> None:
    visit = acme.visit(
        FAR,
        phone="+442079460000",
        source="google",
        medium="cpc",
        place="Room 2",
        notes="Bring the\nold card",
        answers="Second visit",
        visitor_zone="Asia/Tokyo",
    )
    visit.lead.referrer = "https://news.example/page"
    visit.lead.save()
    page = acme.client.get(acme.page(visit))
    said = words(page)
    for fact in (
        "Ann Lee",
        "ann@example.com",
        "+442079460000",
        "Confirmed",
        "Tue 1 Jun 2100, 10:00–11:00 (London)",
        "Tue 1 Jun 2100, 18:00–19:00 (Tokyo), customer’s time",
        "Tour: Ann Lee",
        "Room 2",
        "Bring the old card",
        "Second visit",
        "google · cpc",
        "https://news.example/page",
        "Main office",
        "no calendar is linked",
    ):
        assert fact in said, fact
    assert 'href="mailto:ann@example.com"' in page.content.decode()
    assert 'href="tel:+442079460000"' in page.content.decode()
    assert "company’s time" not in said  # it is the same


def test_where_the_company_is_elsewhere_its_time_is_said_as_well(acme: Leads) -> None:
    acme.base.company.zone = "America/New_York"
    acme.base.company.save()
    said = words(acme.client.get(acme.page(acme.visit(FAR))))
    assert "Tue 1 Jun 2100, 05:00–06:00 (New York), company’s time" in said


def test_nothing_is_made_up_where_nothing_is_known(acme: Leads) -> None:
    visit = acme.visit(FAR)
    Change.objects.all().delete()
    said = words(acme.client.get(acme.page(visit)))
    assert "Nothing is written down about this appointment yet." in said
    assert "No message was written about this appointment." in said
    assert "Came by" not in said
    assert "Phone –" in said


def test_its_messages_are_listed_with_what_became_of_them(acme: Leads) -> None:
    visit = acme.visit(FAR)
    values = {"company": acme.base.company, "appointment": visit, "not_before": FAR, "created_at": FAR}
    Message.objects.create(
        kind="booked", audience="customer", recipient="ann@example.com", state="sent", sent_at=FAR, **values
    )
    Message.objects.create(
        kind="booked", audience="company", recipient="desk@acme.example", state="dropped",
        reason="The address was refused.", **values,
    )  # fmt: skip
    page = acme.client.get(acme.page(visit))
    assert "desk@<wbr>acme.example" in page.content.decode()
    said = words(page)
    assert "customer Sent Tue 1 Jun 2100, 10:00" in said
    assert "company Not sent The address was refused." in said


@pytest.mark.parametrize(
    ("link", "calendar", "said"),
    [
        ({}, {}, "in step with Front desk"),
        ({"state": "owes_push"}, {}, "waiting to be sent to Front desk"),
        ({"state": "owes_push", "reason": "The server is busy."}, {}, "The server is busy."),
        ({"state": "missing"}, {}, "its event is gone from Front desk"),
        ({"state": "parked", "reason": "The event is too large."}, {}, "The event is too large."),
        ({"state": "ended"}, {}, "not on Front desk; it was booked before that was linked"),
        ({}, {"state": "parked", "trouble": "It is not there."}, "It is not there."),
    ],
)
def test_how_it_stands_to_its_event(
    acme: Leads, link: dict[str, str], calendar: dict[str, str], said: str
) -> None:
    visit = acme.visit(FAR)
    acme.link(visit, acme.connect(acme.calendar(**calendar)), **link)
    page = acme.client.get(acme.page(visit))
    assert said in words(page)
    assert ("Retry" in words(page)) is (link.get("state") == "parked")


def test_an_access_that_ended_is_said_on_it(acme: Leads) -> None:
    visit = acme.visit(FAR)
    acme.link(visit, acme.connect(acme.calendar()))
    RemoteKey.objects.update(state=RemoteKey.State.NEEDS_REAUTHORIZATION)
    assert "needs re-authorization" in words(acme.client.get(acme.page(visit)))


def test_without_real_time_updates_it_says_that_changes_do_not_come_back(acme: Leads) -> None:
    visit = acme.visit(FAR)
    acme.link(visit, acme.connect(acme.calendar(), realtime=False))
    assert "changes made there do not come back" in words(acme.client.get(acme.page(visit)))


# --- its history: who, what, when, from where


def test_each_line_says_who_what_when_and_from_where(acme: Leads) -> None:
    visit = acme.visit(FAR)
    acme.link(visit, acme.connect(acme.calendar()))
    Change.objects.all().delete()
    hour = timedelta(hours=1)
    moved = f"{(FAR + hour).isoformat()}/{(FAR + 2 * hour).isoformat()}"
    next_day = f"{(FAR + 24 * hour).isoformat()}/{(FAR + 25 * hour).isoformat()}"
    calendar = {"origin": "calendar", "by": "Front desk"}
    lines: list[tuple[dict[str, Any], str]] = [
        (
            {"field": "booked", "new": span_text(visit), "origin": "customer", "by": "Ann Lee"},
            "Booked for Tue 1 Jun 2100, 10:00–11:00 Ann Lee customer, online",
        ),
        (
            {"field": "when", "old": span_text(visit), "new": moved, **calendar},
            "Moved from Tue 1 Jun 2100, 10:00–11:00 to 11:00–12:00 Front desk CalDAV calendar",
        ),
        (
            {"field": "when", "old": moved, "new": next_day, "origin": "person", "by": "Ada Admin"},
            "Moved from Tue 1 Jun 2100, 11:00–12:00 to Wed 2 Jun 2100, 10:00–11:00 "
            "Ada Admin in the dashboard",
        ),
        (
            {"field": "title", "old": "Tour", "new": "Long tour", "origin": "person", "by": "Ada Admin"},
            "Title changed from “Tour” to “Long tour” Ada Admin in the dashboard",
        ),
        (
            {"field": "place", "new": "Room 2", **calendar},
            "Place set to “Room 2” Front desk CalDAV calendar",
        ),
        (
            {"field": "notes", "old": "x" * 300, "origin": "person", "by": "Ada Admin"},
            f"Notes removed (it was “{'x' * 119}…”) Ada Admin in the dashboard",
        ),
        (
            {"field": "title", "new": "Tour!", **calendar, "lost": True,
             "note": "Changed on both sides at once."},
            "Not taken: title set to “Tour!” Changed on both sides at once. "
                "Use this value : Not taken: title set to “Tour!” Front desk CalDAV calendar",
        ),
        (
            {"field": "attention", "new": "Look here.", "origin": "system"},
            "Flagged: Look here. Schedule Genie by itself",
        ),
        ({"field": "attention", "origin": "system"}, "Flag taken away Schedule Genie by itself"),
        (
            {"field": "state", "old": "confirmed", "new": "cancelled", **calendar,
             "note": "deleted on the calendar"},
            "Cancelled deleted on the calendar Front desk CalDAV calendar",
        ),
        (
            {"field": "state", "old": "cancelled", "new": "confirmed", "origin": "calendar", "by": "Gone"},
            "Restored Gone connected calendar",
        ),
    ]  # fmt: skip
    for number, (fields, _) in enumerate(lines):
        Change.objects.create(
            appointment=visit, at=FAR + number * timedelta(minutes=1), revision=number + 1, **fields
        )
    told = history(acme.client.get(acme.page(visit)))
    expected = [
        f"Tue 1 Jun 2100, 10:{number:02} {said}" for number, (_, said) in reversed([*enumerate(lines)])
    ]
    assert told == expected


def test_of_a_long_history_the_latest_are_shown_and_that_is_said(acme: Leads) -> None:
    visit = acme.visit(FAR)
    Change.objects.bulk_create(
        Change(appointment=visit, at=FAR, revision=n, field="title", new=f"T{n}", origin="system")
        for n in range(1, 205)
    )
    page = acme.client.get(acme.page(visit))
    assert len(history(page)) == 200
    assert "T204" in history(page)[0]
    assert "The latest 200 changes are shown." in words(page)


def test_the_number_of_queries_does_not_grow_with_the_history(acme: Leads) -> None:
    visit = acme.visit(FAR)
    acme.link(visit, acme.connect(acme.calendar()))

    def count() -> int:
        RemoteCalendar.objects.update(watched_at=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            acme.client.get(acme.page(visit))
        return len(queries)

    count()
    few = count()
    for number in range(20):
        Change.objects.create(
            appointment=visit, at=FAR, revision=2, field="title", new=str(number), origin="person",
            user=acme.base.admin,
        )  # fmt: skip
    assert count() == few


# --- while it is open


def test_what_happens_meanwhile_is_said_once(acme: Leads) -> None:
    visit = acme.visit(FAR)
    seen = Change.objects.latest("id").pk
    amend(
        appointment_id=visit.pk,
        company_id=visit.company_id,
        changes=Wanted(title="Long tour"),
        actor=from_calendar("Front desk"),
        now=timezone.now(),
    )
    news = "Title changed from “Tour: Ann Lee” to “Long tour” by Front desk"
    assert news in words(acme.client.get(acme.page(visit, f"/live?seen={seen}")))
    latest = Change.objects.latest("id").pk
    assert news not in words(acme.client.get(acme.page(visit, f"/live?seen={latest}")))
    assert news not in words(acme.client.get(acme.page(visit)))


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 30, "1e3", "٣", "%00"])
def test_an_odd_number_of_the_last_line_is_no_error(acme: Leads, seen: str) -> None:
    visit = acme.visit(FAR)
    assert acme.client.get(acme.page(visit, f"/live?seen={seen}")).status_code == 200


def test_looking_at_it_has_its_calendar_asked_more_often(acme: Leads) -> None:
    visit = acme.visit(FAR)
    calendar = acme.calendar()
    acme.link(visit, acme.connect(calendar))
    acme.client.get(acme.page(visit, "/live"))
    calendar.refresh_from_db()
    assert calendar.watched_at is not None


# --- reschedule


def test_free_times_are_offered_and_one_is_asked_about_before_it_is_taken(acme: Leads) -> None:
    visit = acme.visit(soon(days=2, hour=10))
    acme.link(visit, acme.connect(acme.calendar()))
    choice = acme.client.get(acme.page(visit, "/reschedule"))
    new = soon(days=2, hour=14)
    addresses = [
        unescape(a) for a in re.findall(r'href="([^"]+/move\?start=[^"]+)"', choice.content.decode())
    ]
    assert len(addresses) > 20  # a week of whole hours from 8 to 18
    (address,) = [a for a in addresses if f"{new.astimezone(UTC):%Y-%m-%dT%H}" in a]
    assert f"{visit.start.astimezone(UTC):%Y-%m-%dT%H}" not in "".join(addresses)  # where it is already

    question = acme.client.get(address)
    said = words(question)
    assert "14:00–15:00 (London)" in said and "10:00–11:00 (London)" in said
    assert "Ann Lee (ann@example.com) is told by e-mail." in said
    assert "The event on Front desk moves as well." in said
    assert Appointment.objects.get().start == visit.start, "nothing happens by looking"

    done = acme.client.post(acme.page(visit, "/move"), fields_of(question), follow=True)
    assert "Moved to" in words(done) and "Ann Lee is told by e-mail." in words(done)
    moved = Appointment.objects.get()
    assert (moved.start, moved.end - moved.start) == (new, timedelta(hours=1))
    assert "Ada Admin in the dashboard" in history(done)[0]
    assert EventLink.objects.get().state == EventLink.State.OWES_PUSH
    told = Message.objects.values_list("kind", "audience")
    assert set(told) == {("rescheduled", "customer")}


def test_a_time_that_breaks_rules_says_which_and_can_be_taken_all_the_same(acme: Leads) -> None:
    visit = acme.visit(soon(days=2, hour=10))
    acme.visit(soon(days=2, hour=17), name="Bob")
    asked = {"date": f"{soon(days=2):%Y-%m-%d}", "time": "17:30"}
    question = acme.client.get(acme.page(visit, "/move"), asked)
    said = words(question)
    assert "The booking rules do not offer this time." in said
    assert "outside the opening hours" in said
    assert "Another appointment takes this time (" in said
    sent = fields_of(question)
    assert sent["forced"] == "on"

    refused = acme.client.post(acme.page(visit, "/move"), {**sent, "forced": ""})
    assert refused.status_code == 409
    assert "This time is not free any more, so nothing was moved." in words(refused)
    visit.refresh_from_db()
    assert visit.start == soon(days=2, hour=10)

    done = acme.client.post(acme.page(visit, "/move"), sent, follow=True)
    visit.refresh_from_db()
    assert visit.start == soon(days=2, hour=17) + timedelta(minutes=30)
    assert "Moved by hand to a time that the booking rules do not offer." in words(done)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Choose a date and a time."),
        ({"date": "2026-02-30", "time": "10:00"}, "Enter a valid date."),
        ({"date": "0001-01-01", "time": "10:00"}, "between the years 2000 and 2100"),
        ({"start": "yesterday"}, "This is not a date or time"),
        ({"start": "9999-12-31T23:59:59"}, "between the years 2000 and 2100"),
        ({"wall": "2026-13-01T10:00"}, "This is not a date or time"),
        ({"start": "\x00"}, "Null characters are not allowed."),
    ],
)
def test_what_is_no_time_is_said_and_nothing_is_moved(acme: Leads, asked: dict[str, str], said: str) -> None:
    visit = acme.visit(soon())
    for answer in (
        acme.client.get(acme.page(visit, "/move"), asked),
        acme.client.post(acme.page(visit, "/move"), {**asked, "revision": 1}),
    ):
        assert answer.status_code == 422
        assert said in words(answer)
    visit.refresh_from_db()
    assert visit.revision == 1


@pytest.mark.parametrize(
    "asked", ["from=2026-02-30", "from=x", "from=9999-12-31", "from=", "from=2100-12-30"]
)
def test_an_odd_week_of_free_times_is_no_error(acme: Leads, asked: str) -> None:
    visit = acme.visit(soon())
    assert acme.client.get(acme.page(visit, f"/reschedule?{asked}")).status_code == 200


def test_the_time_it_has_is_not_taken_again(acme: Leads) -> None:
    visit = acme.visit(soon())
    page = acme.client.get(acme.page(visit, "/move"), {"start": visit.start.isoformat()})
    assert "It is at this time already." in words(page)
    assert "Move all the same" not in words(page)


def test_whoever_was_slower_reads_what_the_other_did(acme: Leads) -> None:
    visit = acme.visit(soon(days=2, hour=10))
    sent = {"start": soon(days=2, hour=14).isoformat(), "revision": 1}
    edit(
        company_id=visit.company_id,
        appointment_id=visit.pk,
        title="Long tour",
        actor=from_calendar("Front desk"),
        now=timezone.now(),
    )
    for rest in ("/move", "/cancel"):
        answer = acme.client.post(acme.page(visit, rest), sent)
        assert answer.status_code == 409
        assert "Somebody was faster, so nothing was done yet." in words(answer)
        assert "to “Long tour” by Front desk" in words(answer)
        assert fields_of(answer)["revision"] == "2", "sent again, it is done"
    visit.refresh_from_db()
    assert (visit.state, visit.start) == ("confirmed", soon(days=2, hour=10))


def test_a_customer_who_is_not_told_is_named_as_such(acme: Leads) -> None:
    Module.objects.update(tell_customer=False, recipients=["desk@acme.example"])
    visit = acme.visit(soon(days=2, hour=10))
    page = acme.client.get(acme.page(visit, "/cancel"))
    assert "Ann Lee is not told: messages to customers are off for Main office." in words(page)
    assert "desk@acme.example is told by e-mail." in words(page)


# --- cancel


def test_cancelling_says_what_will_happen_then_does_it_once(acme: Leads) -> None:
    visit = acme.visit(soon())
    acme.link(visit, acme.connect(acme.calendar()))
    question = acme.client.get(acme.page(visit, "/cancel"))
    said = words(question)
    assert "Ann Lee (ann@example.com) is told by e-mail." in said
    assert "The event is removed from Front desk" in said
    assert "This cannot be taken back" in said
    assert Appointment.objects.get().state == "confirmed"

    done = acme.client.post(acme.page(visit, "/cancel"), fields_of(question), follow=True)
    assert "Cancelled. Ann Lee is told by e-mail." in words(done)
    assert "Ada Admin in the dashboard" in history(done)[0]
    assert "Reschedule" not in words(done) and "Edit title" not in words(done)
    visit.refresh_from_db()
    assert visit.state == "cancelled"

    for rest, sent in {
        "/cancel": fields_of(question),
        "/move": {"start": soon(days=3).isoformat(), "revision": 2},
        "/edit": {"title": "x", "revision": 2},
    }.items():
        late = acme.client.post(acme.page(visit, rest), sent)
        assert late.status_code == 409
        assert "This appointment is cancelled." in words(late)
    for rest in ("/cancel", "/move", "/reschedule"):
        assert acme.client.get(acme.page(visit, rest)).status_code == 409
    assert Message.objects.filter(kind="cancelled").count() == 1
    assert Change.objects.filter(field="state").count() == 1


@pytest.mark.parametrize("sent", [{}, {"revision": "x"}, {"revision": "9" * 40}])
def test_a_form_that_does_not_say_what_was_seen_changes_nothing(acme: Leads, sent: dict[str, str]) -> None:
    visit = acme.visit(soon())
    start = {"start": soon(days=3).isoformat()}
    assert acme.client.post(acme.page(visit, "/cancel"), sent).status_code in (409, 422)
    assert acme.client.post(acme.page(visit, "/move"), sent | start).status_code in (409, 422)
    visit.refresh_from_db()
    assert (visit.state, visit.revision) == ("confirmed", 1)


# --- edit


def test_title_place_and_notes_are_edited(acme: Leads) -> None:
    visit = acme.visit(soon())
    sent = {"title": "Long tour", "place": "Room 2", "notes": "One\r\nTwo", "revision": 1}
    done = acme.client.post(acme.page(visit, "/edit"), sent, follow=True)
    assert "Saved." in words(done)
    visit.refresh_from_db()
    assert (visit.title, visit.place, visit.notes, visit.revision) == ("Long tour", "Room 2", "One\nTwo", 2)
    assert len(history(done)) == 4
    assert not Message.objects.exists(), "an edited text tells nobody"


def test_two_who_edit_at_once_see_both_values_and_lose_neither(acme: Leads) -> None:
    visit = acme.visit(soon(), place="Room 1")
    acme.client.post(acme.page(visit, "/edit"), {"title": "First", "place": "Room 1", "revision": 1})
    second = {"title": "Second", "place": "Room 1", "revision": 1}
    answer = acme.client.post(acme.page(visit, "/edit"), second)
    assert answer.status_code == 409
    assert "Title is now “First”; you wrote “Second”." in words(answer)
    assert "Place is now" not in words(answer)
    assert 'value="Second"' in answer.content.decode()
    again = acme.client.post(acme.page(visit, "/edit"), {**second, "revision": 2})
    assert again.status_code == 302
    visit.refresh_from_db()
    assert visit.title == "Second"


@pytest.mark.parametrize(
    "sent",
    [
        {"title": ""},
        {"title": "x" * 100_000},
        {"title": "x", "notes": "x" * 100_000},
        {"title": "x", "place": "\x00"},
        {"title": "x", "revision": "one"},
    ],
)
def test_what_cannot_be_saved_is_said_beside_its_field(acme: Leads, sent: dict[str, str]) -> None:
    visit = acme.visit(soon())
    answer = acme.client.post(acme.page(visit, "/edit"), {"revision": 1, **sent})
    assert answer.status_code == 422
    assert '<details class="edit" open>' in answer.content.decode()
    visit.refresh_from_db()
    assert visit.revision == 1


# --- parts, for the calendar's panel


def test_a_part_stands_alone_and_never_takes_the_page_s_place_in_a_cache(acme: Leads) -> None:
    visit = acme.visit(soon())
    page, part = acme.client.get(acme.page(visit)), acme.client.get(acme.page(visit), headers=HTMX)
    assert "<html" in page.content.decode() and "<html" not in part.content.decode()
    assert "HX-Request" in page["Vary"] and "HX-Request" in part["Vary"]
    assert "Own page" in words(part) and "Own page" not in words(page)


def test_a_change_tells_the_calendar_around_the_panel(acme: Leads) -> None:
    visit = acme.visit(soon(days=2, hour=10))
    sent = {"start": soon(days=2, hour=14).isoformat(), "revision": 1}
    moved = acme.client.post(acme.page(visit, "/move"), sent, headers=HTMX)
    assert (moved.status_code, moved["HX-Trigger"]) == (200, "appointment-changed")
    assert "Moved to" in words(moved)
    in_grid = {"start": soon(days=2, hour=15).isoformat(), "revision": 2, "grid": "1"}
    dropped = acme.client.post(acme.page(visit, "/move"), in_grid, headers=HTMX)
    assert (dropped.status_code, dropped["HX-Trigger"]) == (204, "appointment-changed")
    cancelled = acme.client.post(acme.page(visit, "/cancel"), {"revision": 3}, headers=HTMX)
    assert cancelled["HX-Trigger"] == "appointment-changed"


def test_what_was_put_aside_is_tried_again(acme: Leads) -> None:
    visit = acme.visit(soon())
    acme.link(visit, acme.connect(acme.calendar()), state="parked", reason="The event is too large.")
    said = words(acme.client.post(acme.page(visit, "/retry"), follow=True))
    assert "Trying again now." in said
    assert EventLink.objects.get().state == EventLink.State.OWES_PUSH
    again = words(acme.client.post(acme.page(visit, "/retry"), headers=HTMX))
    assert "It was not waiting for a person any more; nothing was done." in again


# --- who may


CHANGES = {"/edit": {"title": "x", "revision": 1}, "/cancel": {"revision": 1}, "/retry": {},
           "/move": {"start": FAR.isoformat(), "revision": 1, "forced": "on"}}  # fmt: skip


def test_a_light_user_reads_and_changes_nothing(acme: Leads) -> None:
    visit = acme.visit(soon())
    acme.link(visit, acme.connect(acme.calendar()), state="parked", reason="Too large.")
    light = acme.light()
    page = light.get(acme.page(visit))
    assert "ann@example.com" in words(page) and "Booked for" in words(page)
    assert light.get(acme.page(visit, "/live")).status_code == 200
    for word in ("Reschedule", "Cancel appointment", "Edit title", "Retry"):
        assert word not in words(page)
    for rest, sent in CHANGES.items():
        assert light.post(acme.page(visit, rest), sent).status_code == 403, rest
    for rest in ("/reschedule", "/move", "/cancel"):
        assert light.get(acme.page(visit, rest)).status_code == 403, rest
    visit.refresh_from_db()
    assert (visit.state, visit.revision) == ("confirmed", 1)


@pytest.mark.parametrize("role", [Role.AGENCY_SUPER_ADMIN, Role.AGENCY_ADMIN, Role.COMPANY_ADMIN])
def test_each_other_role_may_change_it(acme: Leads, role: Role) -> None:
    visit = acme.visit(soon())
    company = acme.base.company
    reached = () if role.is_agency else (company,)
    who = browser_of(person(role, company.agency, *reached, email="who@acme.example"))
    assert "Reschedule" in words(who.get(acme.page(visit)))
    assert who.post(acme.page(visit, "/cancel"), {"revision": 1}).status_code == 302
    assert Change.objects.filter(field="state", by=role.label).exists()


def test_another_company_s_is_not_there(acme: Leads) -> None:
    other = leads("other")
    theirs = other.visit(soon(), name="Theirs")
    for address in (other.page(theirs), acme.page(theirs)):
        for rest in ("", "/live", "/reschedule", "/move", "/cancel"):
            answer = acme.client.get(address + rest)
            assert answer.status_code == 404 and "Theirs" not in words(answer), address + rest
        for rest, sent in CHANGES.items():
            assert acme.client.post(address + rest, sent).status_code == 404, address + rest
    assert acme.client.get(acme.url(f"appointments/{uuid4()}")).status_code == 404
    theirs.refresh_from_db()
    assert (theirs.state, theirs.revision) == ("confirmed", 1)


def test_a_stranger_is_sent_to_the_login_also_from_within_a_page(acme: Leads) -> None:
    visit = acme.visit(soon())
    answer = Client().get(acme.page(visit))
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={acme.page(visit)}")
    part = Client().get(acme.page(visit, "/live"), headers=HTMX)
    assert (part.status_code, part["HX-Redirect"]) == (401, "/login")


@pytest.mark.parametrize("rest", ["/edit", "/retry"])
def test_what_changes_is_never_done_by_a_link(acme: Leads, rest: str) -> None:
    visit = acme.visit(soon())
    assert acme.client.get(acme.page(visit, rest)).status_code == 405


# --- text of strangers


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def test_text_of_strangers_is_text(acme: Leads) -> None:
    visit = acme.visit(
        soon(), name=EVIL, email='"a&b"@example.com', phone='"><b>', source=EVIL, title=EVIL, place=EVIL,
        notes=EVIL, answers=EVIL, attention=EVIL, visitor_zone="../../etc",
    )  # fmt: skip
    visit.lead.referrer = "javascript:alert(3)"
    visit.lead.save()
    acme.link(visit, acme.connect(acme.calendar(EVIL)), state="parked", reason=EVIL)
    Change.objects.create(
        appointment=visit, at=FAR, revision=2, field=EVIL[:32], old=EVIL, new=EVIL, origin="calendar",
        by=EVIL, note=EVIL,
    )  # fmt: skip
    Module.objects.update(recipients=[EVIL])
    pages = [
        acme.client.get(acme.page(visit, rest)) for rest in ("", "/live?seen=1", "/reschedule", "/cancel")
    ]
    pages.append(acme.client.get(acme.page(visit, "/move"), {"start": soon(days=3).isoformat()}))
    pages.append(acme.client.post(acme.page(visit, "/edit"), {"title": EVIL, "place": EVIL, "revision": 7}))
    for page in pages:
        html = page.content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert 'href="javascript:' not in html
        assert "alert(1)" in html, "it is shown, as text"


# --- in a real browser


@pytest.fixture
def shown(transactional_db: None, live_server: Any, page: Any) -> Any:
    """A company, and a real browser logged in to it at `open(address)`."""

    class Shown:
        acme = leads()
        window = page

        def open(self, address: str) -> None:
            session = self.acme.client.cookies["sessionid"].value
            page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
            page.goto(live_server.url + address)

    return Shown()


def overflow(window: Any) -> int:
    """How many pixels one can scroll sideways."""
    root = "document.documentElement"
    return int(window.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


def stands_out(window: Any) -> list[str]:
    """What reaches beyond the panel it stands in."""
    script = """() => {
      const edge = document.querySelector(".visit.panel").getBoundingClientRect().right;
      return [...document.querySelectorAll(".visit.panel *")]
        .filter((node) => node.getClientRects().length && node.getBoundingClientRect().right > edge + 1)
        .map((node) => node.outerHTML.slice(0, 80));
    }"""
    return list(window.evaluate(script))


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 800, 1280])
def test_it_fits_its_width_with_and_without_a_history(shown: Any, width: int) -> None:
    acme, window = shown.acme, shown.window
    window.set_viewport_size({"width": width, "height": 800})
    empty, long = acme.visit(FAR), acme.visit(FAR + timedelta(days=1), name="W" * 120, notes="x" * 900)
    Change.objects.filter(appointment=empty).delete()
    Change.objects.create(
        appointment=long, at=FAR, revision=2, field="notes", old="y" * 400, new="z" * 400, origin="calendar",
        by="F" * 200, note="n" * 300,
    )  # fmt: skip
    for visit in (empty, long):
        for rest in ("", "/reschedule", "/cancel"):
            shown.open(acme.page(visit, rest))
            assert (overflow(window), stands_out(window)) == (0, []), (visit, rest)


@pytest.mark.browser
def test_an_open_page_follows_and_never_writes_over_what_somebody_types(shown: Any) -> None:
    acme, window = shown.acme, shown.window
    visit = acme.visit(FAR)

    def changed_on_the_calendar(**fields: str) -> None:
        amend(
            appointment_id=visit.pk,
            company_id=visit.company_id,
            changes=Wanted(**fields),  # type: ignore[arg-type]
            actor=from_calendar("Front desk"),
            now=timezone.now(),
        )

    shown.open(acme.page(visit))
    window.get_by_text("Edit title, place and notes").click()
    title, place = window.get_by_label("Title"), window.get_by_label("Place")
    changed_on_the_calendar(place="Room 2")
    window.locator(".news").get_by_text("Place set to “Room 2” by Front desk").wait_for()
    window.wait_for_function("document.getElementById('id_place').value === 'Room 2'")

    title.fill("My own title")
    changed_on_the_calendar(title="Their title")
    window.get_by_text("This was changed elsewhere while you were typing").wait_for()
    assert title.input_value() == "My own title"
    assert place.input_value() == "Room 2"
    window.get_by_role("button", name="Save").click()
    window.get_by_text("Title is now “Their title”; you wrote “My own title”.").wait_for()
    window.get_by_role("button", name="Save").click()
    window.get_by_text("Saved.").wait_for()
    visit.refresh_from_db()
    assert visit.title == "My own title"


@pytest.mark.browser
def test_rescheduling_step_by_step_and_back(shown: Any) -> None:
    acme, window = shown.acme, shown.window
    OpeningHours.objects.exclude(weekday=soon(days=3).weekday()).delete()
    visit = acme.visit(soon(days=3, hour=10))
    shown.open(acme.page(visit))
    window.get_by_role("link", name="Reschedule").click()
    window.get_by_role("link", name="14:00").first.click()
    window.get_by_role("heading", name="Move this appointment?").wait_for()
    window.get_by_role("link", name="Choose another time").click()
    window.get_by_role("link", name="Back to the appointment").click()
    window.get_by_role("link", name="Reschedule").click()
    window.get_by_role("link", name="15:00").first.click()
    window.get_by_role("button", name="Move", exact=True).click()
    window.get_by_text("Ann Lee is told by e-mail.").wait_for()
    visit.refresh_from_db()
    assert visit.start == soon(days=3, hour=15)
    assert window.url.endswith(acme.page(visit))
