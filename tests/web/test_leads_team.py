"""Leads pages of a company whose visits are with somebody."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from tests.leads_scene import Leads, leads, soon
from tests.reading import words
from tests.staff_scene import person, team

from genie.core.saying import said_span
from genie.store.models import AvailabilityCalendar, BusyTime, StaffMember

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Leads:
    return leads()


@pytest.fixture
def maria(acme: Leads) -> StaffMember:
    """Maria and Ben: each with a visit; a third is with nobody in particular."""
    maria, ben = team(acme.base.module, "Maria", "Ben")
    acme.visit(soon(), name="Ann Lee", staff=maria)
    acme.visit(soon(), name="Bob Hill", staff=ben)
    acme.visit(soon(hour=14), name="Cy Fox")
    return maria


def feed(acme: Leads, **asked: object) -> list[dict[str, str]]:
    span = {"start": soon(days=0).date().isoformat(), "end": soon(days=9).date().isoformat()}
    answer = acme.client.get(acme.url("leads/calendar.json"), {**span, **asked})
    assert answer.status_code == 200
    found: list[dict[str, str]] = answer.json()["appointments"]
    return found


def test_the_calendar_says_with_whom_and_shows_one_person(acme: Leads, maria: StaffMember) -> None:
    kinds = {block["customer"]: block["kind"] for block in feed(acme)}
    assert kinds == {
        "Ann Lee": "Maria · Appointment",
        "Bob Hill": "Ben · Appointment",
        "Cy Fox": "Appointment",
    }
    assert [block["customer"] for block in feed(acme, staff=maria.pk)] == ["Ann Lee"]
    asked = {"date": soon().date().isoformat(), "staff": maria.pk}
    page = acme.client.get(acme.url("leads/calendar"), asked)
    read = words(page)
    assert "with Maria" in read
    assert "Bob Hill" not in read
    assert f"staff={maria.pk}&amp;state" in page.content.decode(), "other weeks keep the filter"
    assert "Everybody" in read


def test_a_person_who_is_none_of_the_companys_is_refused_or_left_out(acme: Leads, maria: StaffMember) -> None:
    stranger = person(leads("rival").base.company, "Rob")
    span = {"start": "2026-03-02", "end": "2026-03-09", "staff": stranger.pk}
    assert acme.client.get(acme.url("leads/calendar.json"), span).status_code == 400
    page = acme.client.get(acme.url("leads/list"), {"staff": stranger.pk})
    assert "Ann Lee" in words(page)
    assert "Rob" not in words(page)


def test_the_list_filters_sorts_and_exports_by_person(acme: Leads, maria: StaffMember) -> None:
    whole = acme.client.get(acme.url("leads/list"))
    assert 'data-label="With"' in whole.content.decode()
    one = words(acme.client.get(acme.url("leads/list"), {"staff": maria.pk}))
    assert "1 booking found" in one
    assert "Ann Lee" in one and "Bob Hill" not in one
    sorted_ = words(acme.client.get(acme.url("leads/list"), {"sort": "with"}))
    assert sorted_.index("Bob Hill") < sorted_.index("Ann Lee"), "Ben before Maria"
    exported = acme.client.get(acme.url("leads/list.csv"), {"staff": maria.pk})
    text = b"".join(exported).decode("utf-8-sig")  # type: ignore[call-overload]
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["Customer"], row["With"]) == ("Ann Lee", "Maria")


def test_a_company_without_people_is_not_asked_about_them(acme: Leads) -> None:
    acme.visit(soon())
    for path in ("leads/calendar", "leads/list"):
        page = acme.client.get(acme.url(path), {"staff": "7"}).content.decode()
        assert 'id="id_staff"' not in page
        assert 'data-label="With"' not in page
    assert [block["kind"] for block in feed(acme)] == ["Appointment"]


def test_the_appointment_says_with_whom_on_each_of_its_pages(acme: Leads, maria: StaffMember) -> None:
    visit = maria.appointments.get()
    for rest in ("", "/reschedule", "/cancel"):
        assert "With Maria" in words(acme.client.get(acme.page(visit, rest)))
    asked = {"start": (visit.start + timedelta(hours=1)).isoformat()}
    assert "With Maria" in words(acme.client.get(acme.page(visit, "/move"), asked))
    maria.active = False
    maria.save()
    assert "With Maria (switched off)" in words(acme.client.get(acme.page(visit)))


def test_the_team_s_next_appointments_are_said_as_everywhere(acme: Leads, maria: StaffMember) -> None:
    visit = maria.appointments.get()
    said = said_span(visit.start, visit.end, maria.schedule.zone, now=timezone.now())
    for path in ("team", f"team/{maria.pk}"):
        assert said in words(acme.client.get(acme.url(path)))


def test_who_is_told_of_a_move_names_the_person_once(acme: Leads, maria: StaffMember) -> None:
    module, visit = acme.base.module, maria.appointments.get()
    module.recipients = ["desk@acme.example", maria.email.upper()]
    module.save()
    read = words(acme.client.get(acme.page(visit, "/cancel")))
    assert f"desk@acme.example, {maria.email.upper()} are told by e-mail." in read
    module.recipients = []
    module.save()
    assert f"{maria.email} is told by e-mail." in words(acme.client.get(acme.page(visit, "/cancel")))


def test_free_times_to_move_to_are_the_persons(acme: Leads, maria: StaffMember) -> None:
    """Maria has no hours at all; the module has."""
    visit = maria.appointments.get()
    maria.schedule.hours.all().delete()
    read = words(acme.client.get(acme.page(visit, "/reschedule")))
    assert "Nothing is free from" in read


def test_a_visit_is_handed_over_from_its_page(acme: Leads, maria: StaffMember) -> None:
    """Who is free stands beside each name; what breaks a rule is said before it is done."""
    ben = StaffMember.objects.get(name="Ben")
    visit = acme.visit(soon(hour=15), name="Di Roe", staff=maria)
    taken = maria.appointments.get(lead__name="Ann Lee")
    page = acme.page(visit, "/hand-over")
    assert page in acme.client.get(acme.page(visit)).content.decode()
    assert "Ben Free at this time" in words(acme.client.get(page))
    there = acme.page(taken, "/hand-over")
    assert "Free at this time" not in words(acme.client.get(there))
    question = words(acme.client.get(page, {"staff": ben.pk}))
    assert "From Maria To Ben" in question
    assert f"{maria.email}, {ben.email} are told by e-mail" in question
    sent = {"staff": ben.pk, "revision": 1}
    done = acme.client.post(page, sent, follow=True)
    assert "Handed over to Ben." in words(done)
    assert "Handed over from Maria to Ben" in words(done)
    visit.refresh_from_db()
    assert visit.staff == ben
    broken = acme.client.post(there, sent)
    assert broken.status_code == 409
    assert "The booking rules do not offer this time with Ben." in words(broken)
    acme.client.post(there, {**sent, "forced": "on"})
    taken.refresh_from_db()
    assert (taken.staff, taken.lane) == (ben, None)
    late = acme.client.post(page, {"staff": maria.pk, "revision": 1})
    assert "Somebody was faster" in words(late)


def test_nobody_takes_a_visit_who_is_not_of_the_team(acme: Leads, maria: StaffMember) -> None:
    visit = maria.appointments.get()
    stranger = person(leads("rival").base.company, "Rob")
    page = acme.page(visit, "/hand-over")
    for staff in (str(stranger.pk), "x", "\0", str(maria.pk)):
        answer = acme.client.post(page, {"staff": staff, "revision": 1})
        assert answer.status_code == 409
        assert "Nothing was handed over." in words(answer)
    assert acme.light().get(page).status_code == 403
    StaffMember.objects.filter(name="Ben").update(active=False)
    assert page not in acme.client.get(acme.page(visit)).content.decode()
    assert "Nobody else of the team" in words(acme.client.get(page))


def test_busy_time_is_that_of_the_person_asked_for(acme: Leads, maria: StaffMember) -> None:
    """Maria has a calendar of her own, the module's serves Ben; each reads one of their own as well."""
    ben = StaffMember.objects.get(name="Ben")
    work, hers = acme.calendar("Work"), acme.calendar("Hers")
    for staff, calendar in ((maria, hers), (None, work)):
        linked = acme.connect(calendar)
        linked.staff = staff
        linked.save()
    private = acme.calendar("Private")
    AvailabilityCalendar.objects.create(schedule=ben.schedule, calendar=private, added_at=soon())
    for hour, calendar in enumerate((work, hers, private), start=11):
        start = soon(hour=hour)
        BusyTime.objects.create(
            calendar=calendar, remote_id="x", start=start, end=start + timedelta(hours=1), kind="busy"
        )

    def hours(**asked: object) -> list[int]:
        span = {"start": soon(days=0).date().isoformat(), "end": soon(days=9).date().isoformat()}
        answer = acme.client.get(acme.url("leads/calendar.json"), {**span, **asked}).json()
        spans = [
            (datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"])) for b in answer["busy"]
        ]
        return [hour for low, high in spans for hour in range(low.hour, high.hour)]

    assert hours() == [11, 12, 13]
    assert hours(staff=maria.pk) == [12]
    assert hours(staff=ben.pk) == [11, 13]
    maria.teams.all().delete()
    assert hours(staff=maria.pk) == []
