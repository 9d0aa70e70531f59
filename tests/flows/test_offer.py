"""Offering slots from the tables: whose busy time counts, whose does not, and how many queries it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.booking_scene import MONDAY, NOW, Shop, busy, ny, shop
from tests.team_scene import member

from genie.core.availability import Rules
from genie.flows.offer import is_offered, rules_of, slots
from genie.store.models import AppointmentKind, BusyTime, DateOverride, Hold, Module, RemoteObject, TimeOff
from genie.store.prepared import ask

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


def test_a_hold_takes_a_seat_until_it_expires_but_not_from_its_holder(acme):
    hold(acme, "2026-03-02T09:00", visitor="ann")
    hold(acme, "2026-03-02T10:00", visitor="bob", expires_at=NOW)
    hold(shop("other"), "2026-03-02T11:00", visitor="ann")
    assert offered(acme) == ["Mon 10:00", "Mon 11:00"]
    assert offered(acme, holder="ann") == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]
    assert offered(acme, holder="bob") == ["Mon 10:00", "Mon 11:00"]
    Module.objects.update(capacity=2)
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


def test_a_kind_has_its_own_settings_where_it_says_so(acme):
    Module.objects.update(between=30, start_every=15, how_soon=60)
    kind = kind_of(acme, duration=120)
    assert rules_of(acme.module, kind) == Rules(
        120, between=0, start_every=None, how_soon=0, horizon_days=60, kind=kind.pk
    )
    assert offered(acme, kind=kind) == ["Mon 09:00", "Mon 09:15", "Mon 09:30", "Mon 09:45", "Mon 10:00"]
    kind.start_every, kind.horizon_months, kind.between = 60, 1, 0
    assert offered(acme, kind=kind) == ["Mon 09:00", "Mon 10:00"]
    assert offered(acme, date(2026, 4, 2), kind=kind) == []
    assert offered(acme, date(2026, 4, 2)) != []


def test_all_count_against_the_capacity_and_a_kind_may_allow_less(acme):
    Module.objects.update(capacity=3)
    group, private = kind_of(acme, "group"), kind_of(acme, "private", capacity=1)
    acme.put("2026-03-02T09:00", kind=group)
    acme.put("2026-03-02T10:00", kind=private)
    assert offered(acme, kind=group) == ["Mon 09:00", "Mon 11:00"]
    assert offered(acme, kind=private) == ["Mon 11:00"]
    assert offered(acme) == ["Mon 09:00", "Mon 11:00"]


def test_each_keeps_the_time_free_that_its_own_kind_says(acme):
    tidy = kind_of(acme, "tidy", between=60)
    acme.put("2026-03-02T09:00", kind=tidy)
    assert offered(acme) == ["Mon 11:00"]
    hold(acme, "2026-03-03T09:00", visitor="ann", kind=tidy)
    assert offered(acme, MONDAY + timedelta(1)) == ["Tue 11:00"]


def test_a_kinds_limit_per_day_counts_that_kind_and_the_modules_counts_all(acme):
    Module.objects.update(per_day=3, capacity=5)
    rare = kind_of(acme, "rare", per_day=1)
    acme.put("2026-03-02T09:00", kind=rare)
    acme.put("2026-03-03T09:00")
    assert offered(acme, kind=rare) == []
    assert offered(acme) != []
    assert offered(acme, MONDAY + timedelta(1), kind=rare) != []
    acme.put("2026-03-02T09:00")
    hold(acme, "2026-03-02T09:00", visitor="ann", kind=rare)
    assert offered(acme) == []


def test_the_event_of_an_appointment_moved_far_away_frees_its_old_time_before_it_is_read_again(acme):
    calendar = acme.calendar()
    acme.tie(acme.put("2026-03-24T09:00"), acme.links(calendar))
    busy(calendar, "2026-03-02T09:00", remote_id="ours.ics")
    assert offered(acme) == ["Mon 09:00", "Mon 10:00", "Mon 11:00"]


def test_an_event_longer_than_everything_blocks_from_end_to_end(acme):
    calendar = acme.reads(acme.calendar())
    busy(calendar, "2026-02-01T09:00", minutes=60 * 24 * 60)
    busy(calendar, "2026-06-01T09:00")
    assert offered(acme, MONDAY, MONDAY + timedelta(27)) == []
    assert offered(acme, date(2026, 4, 2)) != []


def test_it_is_one_query_whatever_there_is(acme):
    Module.objects.update(unreachable_rule="offer_nothing")

    def queries() -> int:
        module = Module.objects.select_related("schedule").get(id=acme.module.id)
        with CaptureQueriesContext(connection) as seen:
            slots(module=module, first=MONDAY, last=MONDAY + timedelta(60), now=NOW)
        return len(seen)

    assert queries() == 1
    for number in range(5):
        calendar = acme.reads(acme.calendar(f"c{number}"))
        kind = kind_of(acme, f"kind{number}")
        for day in range(1, 9):
            busy(calendar, f"2026-03-0{day}T10:00")
            acme.put(f"2026-03-0{day}T09:00", kind=kind)
    assert queries() == 1
    for name in ("Ann", "Bob", "Cem"):
        member(acme, name)
    assert queries() == 1


UNCOUNTED = """
SELECT pg_clear_relation_stats('public', c.relname), (
    SELECT count(pg_clear_attribute_stats('public', c.relname, a.attname, false)::text)
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
)
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE 'store_busytime'::regclass IN (c.oid, i.indrelid)
"""
"""As after the first fill. What PostgreSQL noted of other tests' rows, few as they were, is no case of its
own: it counts anew before a table is large."""


def test_busy_time_is_read_from_one_end_of_an_index_range_to_the_other(acme):
    """Among 20,000, of two calendars, however few calendars there are, before they are counted and after."""
    BusyTime.objects.bulk_create(
        BusyTime(calendar=calendar, remote_id=f"{n}", start=at, end=at + timedelta(hours=1), kind="busy")
        for calendar in (acme.reads(acme.calendar("room")), acme.calendar("nobody's"))
        for n in range(10_000)
        for at in (NOW + timedelta(hours=2.5 * (n - 3_500)),)
    )
    for statistics in (UNCOUNTED, "ANALYZE store_busytime"):
        with connection.cursor() as cursor:
            cursor.execute(statistics)
        plan = plan_of(lambda: offered(acme, MONDAY, MONDAY + timedelta(60)))
        (scan,) = [
            node for node in plan if node.get("Alias") == "b" and node["Parent Relationship"] == "Inner"
        ]
        assert scan["Node Type"] in ("Index Only Scan", "Index Scan")
        assert scan["Index Name"] == "busy_time_span"
        for bound in ('"end" >', '"end" <=', "start <"):
            assert bound in scan["Index Cond"]
        assert not [node for node in plan if "Seq Scan" in node["Node Type"] and "busytime" in str(node)]


def plan_of(work: Callable[[], object]) -> list[dict[str, Any]]:
    """The nodes of the plan that the statement of `work` is run by."""
    seen: list[tuple[str, Any]] = []

    def watch(run: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        seen.append((sql, values))
        return run(sql, values, many, context)

    with connection.execute_wrapper(watch):
        work()
    sql, values = next((sql, values) for sql, values in seen if "looked_at" in sql)
    ((plans,),) = ask(f"EXPLAIN (FORMAT JSON, GENERIC_PLAN) {sql}", values)  # as it is planned once
    nodes, left = [], [plans[0]["Plan"]]
    while left:
        nodes.append(left.pop())
        left += nodes[-1].get("Plans", [])
    return nodes


def hold(acme: Shop, start: str, *, visitor: str, **changes: Any) -> Hold:
    values = {"visitor": visitor, "expires_at": NOW + timedelta(minutes=10), **changes}
    return Hold.objects.create(
        module=acme.module, start=ny(start), end=ny(start) + timedelta(hours=1), **values
    )


def kind_of(acme: Shop, slug: str = "kind", **settings: Any) -> AppointmentKind:
    values = {"name": slug, "slug": slug, "duration": 60, **settings}
    return AppointmentKind.objects.create(module=acme.module, **values)
