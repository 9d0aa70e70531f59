"""Why a time is not offered: each rule is named, and only those that are broken."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from tests.booking_scene import MONDAY, NOW, Shop, busy, ny, shop
from tests.team_scene import joins, member, twin

from genie.flows.why_not import why_not
from genie.store.models import (
    AppointmentKind,
    AvailabilityCalendar,
    DateOverride,
    Hold,
    Holiday,
    Module,
    PublicHolidays,
    TimeOff,
)


@pytest.fixture
def acme(db: None) -> Shop:
    return shop()


def said(acme: Shop, start: str = "2026-03-02T10:00", *, minutes: int = 60, **more: Any) -> list[str]:
    module = Module.objects.select_related("schedule").get(id=acme.module.id)
    at = ny(start)
    return why_not(module=module, start=at, end=at + timedelta(minutes=minutes), now=NOW, **more)


def kind_of(acme: Shop, **settings: Any) -> AppointmentKind:
    values = {"name": "Private", "slug": "private", "duration": 60, **settings}
    return AppointmentKind.objects.create(module=acme.module, **values)


def hold(acme: Shop, start: str = "2026-03-02T10:00", **changes: Any) -> Hold:
    values = {
        "module": acme.module,
        "visitor": "somebody",
        "expires_at": NOW + timedelta(minutes=9),
        **changes,
    }
    return Hold.objects.create(start=ny(start), end=ny(start) + timedelta(hours=1), **values)


def test_nothing_is_said_of_what_is_offered(acme: Shop) -> None:
    assert said(acme) == []


def test_what_has_passed_or_is_too_soon_or_too_far(acme: Shop) -> None:
    Module.objects.update(how_soon=2 * 24 * 60, horizon_days=5)
    assert said(acme) == [
        "It is sooner than the minimum notice of 2 days: nothing starts before Tue 3 Mar, 07:00."
    ]
    assert said(acme, "2026-02-27T10:00") == ["This time has passed."]
    assert said(acme, "2026-03-09T10:00") == [
        "It is further ahead than the 5 days that can be booked: the last date is Fri 6 Mar."
    ]


def test_outside_the_hours_or_between_two_starts(acme: Shop) -> None:
    assert said(acme, "2026-03-02T12:00") == [
        "It is outside the opening hours (Mon 2 Mar: open 09:00–12:00)."
    ]
    assert said(acme, "2026-03-08T10:00") == ["It is outside the opening hours (Sun 8 Mar: closed)."]
    assert said(acme, "2026-03-02T10:20") == ["Visits start every 1 hour; 10:20 is between two starts."]


def test_a_holiday_is_named_its_own_or_public_whole_or_in_part(acme: Shop) -> None:
    Holiday.objects.create(schedule=acme.schedule, title="Stocktaking", month=3, day=2, start=time(10, 30))
    assert said(acme) == ["It meets a holiday (Stocktaking)."]
    assert said(acme, "2026-03-02T09:00") == []
    PublicHolidays.objects.create(schedule=acme.schedule, country="US")
    Module.objects.update(horizon_days=None)
    assert said(acme, "2026-11-26T11:00") == ["It meets a holiday (Thanksgiving Day)."]
    DateOverride.objects.create(schedule=acme.schedule, date=MONDAY, opens=time(9), closes=time(12))
    assert said(acme) == []


def test_time_off_and_the_calendar_that_is_busy_are_named(acme: Shop) -> None:
    TimeOff.objects.create(
        schedule=acme.schedule,
        title="Dentist",
        start=ny("2026-03-02T10:30"),
        end=ny("2026-03-02T10:45"),
    )
    busy(acme.reads(acme.calendar("room", name="Meeting room")), "2026-03-02T10:00")
    busy(acme.reads(acme.calendar("free", name="Free then")), "2026-03-02T11:00")
    assert said(acme) == [
        "It meets time off (Dentist).",
        "The calendar Meeting room is busy then: an event, Mon 2 Mar, 10:00–11:00.",
    ]


def test_the_policy_about_an_event_is_said(acme: Shop) -> None:
    room = acme.reads(acme.calendar("room", name="Room"))
    busy(room, "2026-03-02T10:00", kind="tentative")
    busy(room, "2026-03-02T10:00", kind="out_of_office", all_day=True)
    assert said(acme) == [
        "The calendar Room is busy then: an all-day event, Mon 2 Mar, 10:00–11:00, marked out of office.",
        "The calendar Room is busy then: an event, Mon 2 Mar, 10:00–11:00, marked tentative, "
        "and Main office counts tentative events as busy.",
    ]


def test_the_time_kept_free_before_and_after_is_told_apart_from_the_visit(acme: Shop) -> None:
    Module.objects.update(between=30, start_every=30)
    acme.put("2026-03-02T09:00")
    assert said(acme, "2026-03-02T10:00") == [
        "The 30 minutes kept free after another appointment (Mon 2 Mar, 09:00–10:00) reach into it."
    ]
    acme.put("2026-03-03T11:00")
    assert said(acme, "2026-03-03T10:00") == [
        "The 30 minutes kept free after it would meet another appointment (Tue 3 Mar, 11:00–12:00)."
    ]


def test_our_own_event_is_no_reason(acme: Shop) -> None:
    calendar = acme.calendar()
    moved = acme.put("2026-03-02T10:00")
    acme.tie(moved, acme.links(calendar))
    busy(calendar, "2026-03-02T10:00", remote_id="ours.ics")
    assert said(acme) == ["Another appointment takes this time (Mon 2 Mar, 10:00–11:00)."]
    assert said(acme, ignoring=moved.id) == []


def test_full_by_appointments_or_by_somebody_who_is_booking(acme: Shop) -> None:
    Module.objects.update(capacity=2, between=30, start_every=60)
    acme.put("2026-03-02T09:00")  # with the half hour after it
    assert said(acme) == []
    hold(acme)
    assert said(acme) == ["Somebody is booking that time at this moment; it is kept for some minutes."]
    assert said(acme, holder="somebody") == []
    acme.put("2026-03-02T10:00")
    assert said(acme, holder="somebody") == ["All 2 places are taken then."]


def test_what_a_kind_allows_beside_it(acme: Shop) -> None:
    Module.objects.update(capacity=5)
    private = kind_of(acme, capacity=1)
    acme.put("2026-03-02T10:00", kind=private)
    assert said(acme) == ["An appointment that takes no more beside it runs then."]
    acme.put("2026-03-03T10:00")
    assert said(acme, "2026-03-03T10:00", kind=private) == [
        "Another appointment takes this time (Tue 3 Mar, 10:00–11:00)."
    ]


def test_no_place_on_a_weekday(acme: Shop) -> None:
    Module.objects.update(capacity_by_weekday={"mon": 0})
    assert said(acme) == ["No place is given on that weekday."]


def test_the_limits_of_a_date_are_told_apart(acme: Shop) -> None:
    Module.objects.update(per_day=2, capacity=5)
    rare = kind_of(acme, per_day=1)
    hold(acme, "2026-03-02T09:00", kind=rare)
    assert said(acme, kind=rare) == ["The limit of 1 a day of Private is reached on Mon 2 Mar."]
    assert said(acme) == []
    acme.put("2026-03-02T09:00")
    assert said(acme) == ["The limit of 2 appointments a day is reached on Mon 2 Mar."]


def test_a_calendar_out_of_reach(acme: Shop) -> None:
    Module.objects.update(unreachable_rule="offer_nothing")
    acme.reads(acme.calendar(read_at=NOW - timedelta(hours=30)))
    assert said(acme) == [
        "The calendar desk was not read since Sat 28 Feb, 01:00. After 1 day Main office offers nothing."
    ]


def test_of_a_team_each_persons_reasons_are_said_or_those_of_the_one_asked_for(acme: Shop) -> None:
    ann, bob = member(acme, "Ann"), member(acme, "Bob")
    TimeOff.objects.create(schedule=ann.schedule, start=ny("2026-03-02T10:00"), end=ny("2026-03-02T11:00"))
    assert said(acme) == []  # Bob is free
    other = twin(acme)
    joins(bob, other.module)
    other.put("2026-03-02T10:30", staff=bob)
    assert said(acme) == ["Ann: It meets time off.", "Bob: There is an appointment in twin then."]
    assert said(acme, staff=bob) == ["There is an appointment in twin then."]
    desk = acme.calendar("ann's", name="Ann's own")
    AvailabilityCalendar.objects.create(schedule=ann.schedule, calendar=desk, added_at=NOW)
    busy(desk, "2026-03-02T09:00")
    assert said(acme, "2026-03-02T09:00", staff=ann) == [
        "The calendar Ann's own is busy then: an event, Mon 2 Mar, 09:00–10:00."
    ]
    assert said(acme, "2026-03-02T09:00", staff=bob) == []


def test_who_left_the_team_is_named(acme: Shop) -> None:
    ann, _ = member(acme, "Ann"), member(acme, "Bob")
    acme.module.team.filter(staff=ann).delete()
    assert said(acme, staff=ann) == ["Ann is not in the team of Main office, or is switched off."]


def test_each_reason_is_said_at_once(acme: Shop) -> None:
    acme.put("2026-03-02T11:30")
    Holiday.objects.create(schedule=acme.schedule, title="Feast", month=3, day=2)
    assert said(acme, "2026-03-02T11:30") == [
        "It is outside the opening hours (Mon 2 Mar: open 09:00–12:00).",
        "It meets a holiday (Feast).",
        "Another appointment takes this time (Mon 2 Mar, 11:30–12:30).",
    ]
