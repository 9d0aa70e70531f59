"""Offering slots of a team: each by their own schedule, calendars and appointments; whoever is free."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.booking_scene import MONDAY, NOW, Shop, busy, ny
from tests.team_scene import joins, member, team_shop, twin

from genie.flows.offer import free_staff, is_offered, slots
from genie.store.models import (
    AvailabilityCalendar,
    Connection,
    Hold,
    Holiday,
    Module,
    OpeningHours,
    RemoteCalendar,
    StaffMember,
    TimeOff,
)

Team = tuple[Shop, list[StaffMember]]
ALL = ["09:00", "10:00", "11:00"]


@pytest.fixture
def acme(db: None) -> Team:
    return team_shop("Ann", "Bob")


def offered(shop: Shop, staff: StaffMember | None = None, day=MONDAY, **rest) -> list[str]:
    module = Module.objects.select_related("schedule").get(id=shop.module.id)
    found = slots(module=module, first=day, last=day, now=NOW, staff=staff, **rest)
    return [f"{start.astimezone(ZoneInfo('America/New_York')):%H:%M}" for start in found]


def free(shop: Shop, start: str, **rest) -> list[int]:
    module = Module.objects.select_related("schedule").get(id=shop.module.id)
    return free_staff(module=module, start=ny(start), now=NOW, **rest)


def link(shop: Shop, calendar: RemoteCalendar, staff: StaffMember | None) -> Connection:
    return Connection.objects.create(module=shop.module, staff=staff, calendar=calendar, linked_at=NOW)


def test_offered_is_what_any_of_them_offers_and_each_by_name(acme: Team) -> None:
    shop, (ann, bob) = acme
    OpeningHours.objects.filter(schedule=ann.schedule).update(closes=time(10))
    OpeningHours.objects.filter(schedule=bob.schedule).update(opens=time(10, 30))
    assert offered(shop) == ["09:00", "10:30"]
    assert offered(shop, ann) == ["09:00"]
    assert offered(shop, bob) == ["10:30"]
    assert free(shop, "2026-03-02T09:00") == [ann.id]
    assert free(shop, "2026-03-02T11:00") == []


def test_their_schedules_count_and_the_modules_own_hours_do_not(acme: Team) -> None:
    shop, (ann, bob) = acme
    OpeningHours.objects.filter(schedule=shop.schedule).delete()
    Holiday.objects.create(schedule=ann.schedule, title="Feast", month=3, day=2)
    TimeOff.objects.create(schedule=bob.schedule, start=ny("2026-03-02T09:00"), end=ny("2026-03-02T10:15"))
    assert offered(shop, ann) == []
    assert offered(shop, bob) == offered(shop) == ["11:00"]


def test_free_is_said_in_the_teams_order(acme: Team) -> None:
    shop, (ann, bob) = acme
    shop.module.team.filter(staff=ann).update(position=9)
    assert free(shop, "2026-03-02T10:00") == [bob.id, ann.id]


def test_appointments_count_for_whom_they_are_with(acme: Team) -> None:
    shop, (ann, bob) = acme
    shop.put("2026-03-02T09:00", staff=ann)
    assert offered(shop, ann) == ["10:00", "11:00"]
    assert offered(shop, bob) == offered(shop) == ALL
    assert free(shop, "2026-03-02T09:00") == [bob.id]
    shop.put("2026-03-02T09:00", staff=bob)
    assert offered(shop) == ["10:00", "11:00"]


def test_one_without_a_person_counts_for_each(acme: Team) -> None:
    shop, people = acme
    shop.put("2026-03-02T09:00")
    assert all(offered(shop, one) == ["10:00", "11:00"] for one in [*people, None])


def test_appointments_and_holds_in_another_module_block_whatever_the_capacity(acme: Team) -> None:
    shop, (ann, bob) = acme
    other = twin(shop, between=30)
    joins(ann, other.module)
    Module.objects.update(capacity=5)
    other.put("2026-03-02T09:00", staff=ann)  # with the half hour that its module keeps free
    shop.put("2026-03-02T11:00", staff=ann)
    assert offered(shop, ann) == ["11:00"]
    assert offered(shop, bob) == ALL
    Hold.objects.create(
        module=other.module,
        staff=bob,
        start=ny("2026-03-02T09:00"),
        end=ny("2026-03-02T10:00"),
        visitor="somebody",
        expires_at=NOW + timedelta(minutes=5),
    )
    assert offered(shop, bob) == ["11:00"]
    assert offered(shop, bob, holder="somebody") == ALL


def test_the_one_being_moved_takes_no_time_anywhere(acme: Team) -> None:
    shop, (ann, _) = acme
    other = twin(shop)
    joins(ann, other.module)
    moved = other.put("2026-03-02T09:00", staff=ann)
    assert offered(shop, ann) == ["10:00", "11:00"]
    assert offered(shop, ann, ignoring=moved.id) == ALL


def test_limits_per_day_are_each_persons_by_the_date_where_they_are(db: None) -> None:
    shop, _ = team_shop(per_day=1)
    ann, bob = member(shop, "Ann"), member(shop, "Bob", zone="Asia/Tokyo")
    shop.put("2026-03-02T09:00", staff=ann)
    assert offered(shop, ann) == []
    tokyo = offered(shop, bob)  # 9 to 12 in Tokyo of Monday evening in New York
    assert tokyo == ["19:00", "20:00", "21:00"]
    assert offered(shop) == tokyo
    shop.put("2026-03-02T07:00", staff=bob)  # Monday 21:00 in Tokyo: the date before
    assert offered(shop, bob) == tokyo
    shop.put("2026-03-02T13:00", staff=bob)  # Tuesday 03:00 in Tokyo
    assert offered(shop, bob) == []


def test_dates_and_horizon_are_those_of_the_modules_schedule(db: None) -> None:
    shop, _ = team_shop(horizon_days=1)
    bob = member(shop, "Bob", zone="Asia/Tokyo")
    assert offered(shop, bob) == ["19:00", "20:00", "21:00"]  # NOW is Sunday: Monday is the last date
    assert offered(shop, bob, MONDAY + timedelta(1)) == []


def test_each_is_kept_busy_by_their_own_calendars(acme: Team) -> None:
    shop, (ann, bob) = acme
    room, desk = shop.calendar("room"), shop.calendar("ann's")
    AvailabilityCalendar.objects.create(schedule=ann.schedule, calendar=room, added_at=NOW)
    link(shop, desk, ann)
    busy(room, "2026-03-02T09:00")
    busy(desk, "2026-03-02T10:00")
    assert offered(shop, ann) == ["11:00"]
    assert offered(shop, bob) == ALL


def test_the_modules_calendar_keeps_those_busy_who_have_none(acme: Team) -> None:
    shop, (ann, bob) = acme
    common, own = shop.calendar("common"), shop.calendar("ann's")
    link(shop, common, None)
    link(shop, own, ann)
    busy(common, "2026-03-02T09:00")
    assert offered(shop, ann) == ALL
    assert offered(shop, bob) == ["10:00", "11:00"]
    Connection.objects.filter(staff=ann).update(state="ended", ended_at=NOW)
    assert offered(shop, ann) == ["10:00", "11:00"]


def test_a_colleagues_visit_on_the_common_calendar_keeps_nobody_else_busy(acme: Team) -> None:
    shop, (ann, bob) = acme
    common = shop.calendar("common")
    shop.tie(shop.put("2026-03-02T09:00", staff=ann), link(shop, common, None))
    busy(common, "2026-03-02T09:00", remote_id="ours.ics")
    assert offered(shop, ann) == ["10:00", "11:00"]
    assert offered(shop, bob) == ALL


def test_whose_calendar_was_not_read_for_long_is_passed_over(acme: Team) -> None:
    shop, (ann, bob) = acme
    Module.objects.update(unreachable_rule="offer_nothing")
    link(shop, shop.calendar("ann's", read_at=NOW - timedelta(hours=25)), ann)
    assert offered(shop, ann) == []
    assert offered(shop, bob) == offered(shop) == ALL


def test_who_is_switched_off_or_not_of_the_team_is_not_offered(acme: Team) -> None:
    shop, (ann, bob) = acme
    elsewhere = twin(shop)
    StaffMember.objects.filter(id=ann.id).update(active=False)
    assert offered(shop, ann) == []
    assert free(shop, "2026-03-02T09:00") == [bob.id]
    assert offered(elsewhere, bob) == []
    assert free(elsewhere, "2026-03-02T09:00") == []


def test_without_an_active_member_the_module_serves_itself(acme: Team) -> None:
    shop, _ = acme
    StaffMember.objects.update(active=False)
    OpeningHours.objects.filter(schedule=shop.schedule).update(closes=time(10))
    assert offered(shop) == ["09:00"]
    assert free(shop, "2026-03-02T09:00") == []
    module = Module.objects.select_related("schedule").get(id=shop.module.id)
    assert is_offered(module=module, start=ny("2026-03-02T09:00"), now=NOW)
