"""Offering slots from the tables: whose busy time counts, whose does not, and how many queries it takes."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.booking_scene import MONDAY, NOW, Shop, busy, ny, shop

from genie.flows.offer import is_offered, slots
from genie.store.models import DateOverride, Module, RemoteObject, TimeOff

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def acme(db: None) -> Shop:
    return shop()


def offered(acme: Shop, day=MONDAY, last=None, now=NOW, **rest) -> list[str]:
    module = Module.objects.select_related("schedule").get(id=acme.module.id)
    found = slots(module=module, first=day, last=last or day, now=now, **rest)
    return [f"{start.astimezone(NEW_YORK):%a %H:%M}" for start in found]


def test_weekly_hours_become_slots(acme):
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


def test_all_settings_of_the_module_count(acme):
    Module.objects.update(duration=30, between=10, start_every=20, per_day=1, horizon_days=1)
    assert offered(acme)[:2] == ["Mon 09:00", "Mon 09:20"]
    assert offered(acme, MONDAY + timedelta(1)) == []  # past the horizon
    acme.put("2026-03-02T11:00")
    assert offered(acme) == []  # the date's limit
    Module.objects.update(per_day=0, capacity_by_weekday={"mon": 2}, start_every=60, between=0, duration=60)
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


def test_how_soon(acme):
    Module.objects.update(how_soon=26 * 60)
    assert offered(acme, now=ny("2026-03-01T08:00")) == ["Mon 10:00", "Mon 11:00"]


def test_overrides_replace_a_date(acme):
    DateOverride.objects.create(schedule=acme.schedule, date=MONDAY)
    sunday = MONDAY + timedelta(6)
    DateOverride.objects.create(schedule=acme.schedule, date=sunday, opens=time(15), closes=time(17))
    assert offered(acme) == []
    assert offered(acme, sunday) == ["Sun 15:00", "Sun 16:00"]


def test_time_off_of_the_schedule_only(acme):
    other = shop("other")
    for schedule, hour in ((acme.schedule, "09"), (other.schedule, "10")):
        TimeOff.objects.create(
            schedule=schedule, start=ny(f"2026-03-02T{hour}:30"), end=ny(f"2026-03-02T{hour}:45")
        )
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]


def test_live_appointments_count_and_cancelled_do_not(acme):
    acme.put("2026-03-02T09:00")
    acme.put("2026-03-02T10:00", state="cancelled")
    shop("other").put("2026-03-02T11:00")
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]


def test_the_appointment_being_moved_takes_no_seat(acme):
    moved = acme.put("2026-03-02T09:00", minutes=90)
    assert offered(acme) == ["Mon 11:00"]
    assert offered(acme, ignoring=moved.id) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]
    assert is_offered(module=acme.module, start=ny("2026-03-02T10:00"), now=NOW, ignoring=moved.id)
    assert not is_offered(module=acme.module, start=ny("2026-03-02T10:00"), now=NOW)
    assert not is_offered(module=acme.module, start=ny("2026-03-02T11:30"), now=NOW)


def test_busy_time_of_availability_and_linked_calendars_blocks(acme):
    busy(acme.reads(acme.calendar("room")), "2026-03-02T09:30", minutes=10)
    linked = acme.calendar("desk")
    acme.links(linked)
    busy(linked, "2026-03-02T11:59", minutes=1)
    busy(acme.calendar("nobody's"), "2026-03-02T10:00")
    assert offered(acme) == ["Mon 10:00"]


def test_an_unlinked_calendar_does_not_block(acme):
    calendar = acme.calendar("desk")
    tied = acme.links(calendar)
    busy(calendar, "2026-03-02T09:00")
    type(tied).objects.update(state="ended", ended_at=NOW)
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


@pytest.mark.parametrize("kind", ["tentative", "unanswered"])
def test_uncertain_time_blocks_by_the_modules_rule(acme, kind):
    busy(acme.reads(acme.calendar()), "2026-03-02T09:00", kind=kind)
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]
    Module.objects.update(tentative_blocks=False)
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


def test_out_of_office_blocks_whatever_the_rule(acme):
    Module.objects.update(tentative_blocks=False)
    busy(acme.reads(acme.calendar()), "2026-03-02T09:00", kind="out_of_office")
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]


def test_our_own_event_does_not_count_twice(acme):
    Module.objects.update(capacity=2)
    calendar = acme.calendar()
    acme.tie(acme.put("2026-03-02T09:00"), acme.links(calendar))
    busy(calendar, "2026-03-02T09:00", remote_id="ours.ics")
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


def test_the_event_of_a_cancelled_appointment_frees_its_time_before_it_is_deleted(acme):
    calendar = acme.calendar()
    acme.tie(acme.put("2026-03-02T09:00", state="cancelled"), acme.links(calendar), state="owes_push")
    busy(calendar, "2026-03-02T09:00", remote_id="ours.ics")
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


def test_the_same_event_seen_in_another_calendar_is_still_ours(acme):
    Module.objects.update(capacity=2)
    acme.tie(acme.put("2026-03-02T09:00"), acme.links(acme.calendar()))
    shared = acme.reads(acme.calendar("shared"))
    RemoteObject.objects.create(calendar=shared, remote_id="copy.ics", uid="ours", etag="1")
    busy(shared, "2026-03-02T09:00", remote_id="copy.ics")
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


def test_an_event_of_an_ended_link_is_a_foreign_event(acme):
    calendar = acme.calendar()
    acme.tie(acme.put("2026-03-02T09:00", state="cancelled"), acme.links(calendar), state="ended")
    busy(calendar, "2026-03-02T09:00", remote_id="ours.ics")
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]


def test_events_of_another_module_do_count(acme):
    values = {"schedule": acme.schedule, "created_at": NOW, "name": "Second", "slug": "second"}
    second = Module.objects.create(company=acme.company, **values)
    calendar = acme.reads(acme.calendar())
    acme.tie(acme.put("2026-03-02T09:00", module=second), acme.links(calendar, second))
    busy(calendar, "2026-03-02T09:00", remote_id="ours.ics")
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]


def test_of_our_event_made_a_series_only_our_occurrence_is_ours(acme):
    Module.objects.update(capacity=2)
    calendar = acme.calendar()
    acme.tie(acme.put("2026-03-02T09:00"), acme.links(calendar))
    for day in ("02", "03"):
        busy(calendar, f"2026-03-{day}T09:00", remote_id="ours.ics")
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]
    assert offered(acme, MONDAY + timedelta(1)) == ["Tue 10:00", "Tue 11:00"]


@pytest.mark.parametrize("tie", ["reads", "links"])
def test_a_mirror_too_old_is_trusted_by_the_modules_rule(acme, tie):
    calendar = acme.calendar(read_at=NOW - timedelta(hours=25), state="parked")
    getattr(acme, tie)(calendar)
    busy(calendar, "2026-03-02T09:00")
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]
    Module.objects.update(unreachable_rule="offer_nothing")
    assert offered(acme) == []
    Module.objects.update(mirror_age_hours=26)
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]


def test_a_calendar_never_read_is_too_old(acme):
    Module.objects.update(unreachable_rule="offer_nothing")
    acme.reads(acme.calendar(read_at=None))
    assert offered(acme) == []


def test_the_number_of_queries_does_not_grow(acme):
    Module.objects.update(unreachable_rule="offer_nothing")

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            offered(acme, MONDAY, MONDAY + timedelta(60))
        return len(seen)

    few = queries()
    for number in range(5):
        calendar = acme.reads(acme.calendar(f"c{number}"))
        for day in range(1, 9):
            busy(calendar, f"2026-03-0{day}T10:00")
            acme.put(f"2026-03-0{day}T09:00")
    assert queries() == few <= 9
