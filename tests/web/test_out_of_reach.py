"""Rule 9 on the pages: a calendar not read for too long is said on the module's and the schedule's page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.web.tenants import Tenant, client_of, tenant

from genie.flows.report_silence import report_silence
from genie.store.models import Connection, Message, Module, RemoteCalendar, Schedule, StaffMember, TeamMember

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    acme = tenant("Acme")
    RemoteCalendar.objects.update(read_at=timezone.now())
    return acme


@pytest.fixture
def client(acme: Tenant) -> Client:
    return client_of(acme.admin)


def module_page(acme: Tenant) -> str:
    return f"/company/{acme.slug}/apps/{acme.module.slug}"


def schedule_page(acme: Tenant) -> str:
    return f"/company/{acme.slug}/schedules/{acme.schedule.pk}"


def silent_for(hours: float) -> None:
    RemoteCalendar.objects.update(read_at=timezone.now() - timedelta(hours=hours))


def rule(acme: Tenant, rule: str, hours: int = 24) -> None:
    Module.objects.filter(pk=acme.module.pk).update(unreachable_rule=rule, mirror_age_hours=hours)


@pytest.mark.parametrize("page", [module_page, schedule_page])
@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ("keep_offering", "Times go on being offered"),
        ("offer_nothing", "<strong>Nothing is offered</strong>"),
    ],
)
def test_both_pages_say_what_becomes_of_the_times(acme, client, page, chosen, words) -> None:
    rule(acme, chosen)
    silent_for(23)
    assert words not in client.get(page(acme)).content.decode()
    silent_for(25)
    shown = client.get(page(acme)).content.decode()
    assert words in shown
    assert "Acme desk was last read" in shown


def test_the_schedule_page_names_the_module(acme: Tenant, client: Client) -> None:
    rule(acme, "offer_nothing", hours=1)
    silent_for(2)
    assert "by Acme office" in client.get(schedule_page(acme)).content.decode()


def test_a_calendar_of_somebody_of_the_team_counts_as_well(acme: Tenant, client: Client) -> None:
    own = Schedule.objects.create(company=acme.company, name="Sam's", zone="UTC")
    acme.schedule.availability_calendars.update(schedule=own)
    Connection.objects.update(state="ended")
    silent_for(30)
    assert "Times go on" not in client.get(module_page(acme)).content.decode()
    StaffMember.objects.filter(pk=acme.staff.pk).update(schedule=own)
    TeamMember.objects.create(module=acme.module, staff=acme.staff)
    assert "Times go on" in client.get(module_page(acme)).content.decode()
    assert "by Acme office" in client.get(f"/company/{acme.slug}/schedules/{own.pk}").content.decode()


def test_one_that_was_never_read_is_said_to_be_so(acme: Tenant, client: Client) -> None:
    RemoteCalendar.objects.update(read_at=None)
    rule(acme, "offer_nothing")
    assert "Acme desk was not read yet" in client.get(module_page(acme)).content.decode()


# --- the letter


def letters(acme: Tenant) -> list[str]:
    found = Message.objects.filter(company=acme.company, kind="attention").order_by("created_at")
    return [letter.details["reason"] for letter in found]


def report(acme: Tenant, *, gone: bool = False) -> None:
    calendar = RemoteCalendar.objects.select_related("key__company").get(pk=acme.calendar.pk)
    report_silence(calendar=calendar, why="It does not answer.", gone=gone, now=timezone.now())


def test_admins_are_told_once_when_the_mirror_is_as_old_as_the_module_says(acme: Tenant) -> None:
    Connection.objects.update(state="ended")
    rule(acme, "offer_nothing", hours=6)
    silent_for(5)
    report(acme)
    assert letters(acme) == []
    silent_for(7)
    report(acme)
    report(acme)
    (reason,) = letters(acme)
    assert "nothing is offered by “Acme office” once it has not been read for 6 hours." in reason
    assert "remove it from the schedule" in reason
    assert Message.objects.get(kind="attention").details["path"] == schedule_page(acme)


def test_the_letter_says_what_goes_on_being_offered(acme: Tenant) -> None:
    silent_for(1)
    report(acme, gone=True)
    (reason,) = letters(acme)
    assert "Times go on being offered" in reason
    assert "appointments wait here" in reason


def test_one_that_was_never_read_is_told_from_the_day_it_was_added(acme: Tenant) -> None:
    Connection.objects.update(state="ended")
    RemoteCalendar.objects.update(read_at=None)
    acme.schedule.availability_calendars.update(added_at=timezone.now() - timedelta(hours=20))
    report(acme)
    assert letters(acme) == []
    acme.schedule.availability_calendars.update(added_at=timezone.now() - timedelta(hours=25))
    report(acme)
    assert len(letters(acme)) == 1
