"""**Connection health**: the calendars read for busy time, how old that is, and what it blocks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.web.tenants import Tenant, client_of, tenant

from genie.store.models import AvailabilityCalendar, Module, RemoteCalendar, RemoteKey, Schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    acme = tenant("Acme")
    AvailabilityCalendar.objects.all().delete()
    reads(acme, "Ann’s own")
    return acme


def reads(acme: Tenant, name: str, schedule: Schedule | None = None) -> RemoteCalendar:
    """A calendar of its own key, read a moment ago."""
    now = timezone.now()
    key = RemoteKey.objects.create(
        company=acme.company,
        kind="memory",
        identity=name,
        label=f"{name}@acme.example",
        secret=b"",
        created_at=now,
    )
    calendar = RemoteCalendar.objects.create(
        key=key,
        remote_id=name,
        name=name,
        read_at=now,
        full_read_at=now,
        window_start=now - timedelta(days=1),
        window_end=now + timedelta(days=90),
    )
    AvailabilityCalendar.objects.create(
        schedule=schedule or acme.schedule, calendar=calendar, added_at=now - timedelta(days=1)
    )
    return calendar


def part_of(acme: Tenant, calendar: str = "Ann’s own") -> str:
    """What the page says of a calendar that is read."""
    page = client_of(acme.admin).get(f"/company/{acme.slug}/health").content.decode()
    number = RemoteCalendar.objects.get(name=calendar).pk
    _, _, rest = page.partition(f'id="read-{number}"')
    return " ".join(rest.partition("</section>")[0].split())


def test_one_that_is_read_in_time(acme: Tenant) -> None:
    said = part_of(acme)
    assert "<strong>Good.</strong> Read in time." in said
    assert f"<dt>Blocks</dt><dd>times of “{acme.module.name}”</dd>" in said
    assert f"/company/{acme.slug}/schedules/{acme.schedule.pk}" in said
    assert "Re-authorize" not in said and "not yet" not in said


def test_one_whose_schedule_nobody_uses_blocks_nothing(acme: Tenant) -> None:
    idle = Schedule.objects.create(company=acme.company, name="Idle", zone="UTC")
    reads(acme, "Bert", idle)
    assert "nothing: no module uses its schedule" in part_of(acme, "Bert")


@pytest.mark.parametrize(
    ("of", "fields", "state", "words"),
    [
        ("key", {"state": "needs_reauthorization"}, "Needs a person", "has ended: it is not read until"),
        ("calendar", {"state": "parked", "trouble": "It was deleted."}, "Needs a person", "It was deleted."),
        ("calendar", {"attempts": 2, "trouble": "It is slow."}, "Late", "It is slow."),
        ("calendar", {"read_at": None}, "Late", "Not read yet."),
        ("calendar", {"read_at": timezone.now() - timedelta(hours=3)}, "Late", "Not read for 3 h."),
    ],
)
def test_one_that_is_not_read(acme: Tenant, of: str, fields: dict[str, Any], state: str, words: str) -> None:
    rows = {"key": RemoteKey, "calendar": RemoteCalendar}[of].objects.all()  # type: ignore[attr-defined]
    rows.update(**fields)
    said = part_of(acme)
    assert f"<strong>{state}.</strong>" in said and words in said
    key = RemoteCalendar.objects.get(name="Ann’s own").key_id
    assert (f"/company/{acme.slug}/keys/{key}/reauthorize" in said) is (of == "key")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("offer_nothing", "Nothing is offered by “{name}” until it is read again."),
        ("keep_offering", "Times of “{name}” go on being offered by what was read last."),
    ],
)
def test_what_becomes_of_the_times(acme: Tenant, rule: str, words: str) -> None:
    Module.objects.filter(pk=acme.module.pk).update(unreachable_rule=rule, mirror_age_hours=2)
    said = words.format(name=acme.module.name)
    RemoteCalendar.objects.update(read_at=timezone.now() - timedelta(hours=1))
    assert said not in part_of(acme)
    RemoteCalendar.objects.update(read_at=timezone.now() - timedelta(hours=3))
    assert said in part_of(acme)


def test_a_public_calendar_is_asked_every_quarter_of_an_hour_and_late_after_two(acme: Tenant) -> None:
    RemoteKey.objects.filter(label__startswith="Ann").update(kind="ics")
    for minutes, state in ((25, "Good"), (31, "Late")):
        RemoteCalendar.objects.update(read_at=timezone.now() - timedelta(minutes=minutes))
        assert f"<strong>{state}.</strong>" in part_of(acme)


def test_another_companys_are_not_shown_and_many_ask_no_more_than_one(acme: Tenant) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/company/{acme.slug}/health").status_code == 200
        return len(queries)

    client = client_of(acme.admin)
    client.get(f"/company/{acme.slug}/health")
    one = asked()
    for number in range(5):
        reads(acme, f"Calendar {number}")
    other = tenant("Other", acme.company.agency)
    reads(other, "Secret plans")
    assert asked() == one
    assert "Secret plans" not in client.get(f"/company/{acme.slug}/health").content.decode()
