"""Starts that another system offers: what is left of them by notice, horizon and seats."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from genie.core.availability import Rules, Seats
from genie.core.spans import Covered, Span, micros, moment
from genie.core.vouched import vouched_instants

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
MONDAY = date(2026, 3, 2)
UTC_ZONE = ZoneInfo("UTC")


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def left(
    starts: list[datetime], rules: Rules, *taken: tuple[datetime, datetime], **more: object
) -> list[str]:
    values = {
        "first": MONDAY,
        "last": date(2026, 3, 31),
        "now": NOW,
        "zone": UTC_ZONE,
        "hours_zone": UTC_ZONE,
    }
    found = vouched_instants(
        starts=[micros(start) for start in starts],
        rules=rules,
        seats=Seats.of([Span(*one) for one in taken], between=rules.between),
        **(values | more),  # type: ignore[arg-type]
    )
    return [f"{moment(one):%d %H:%M}" for one in found]


def test_opening_hours_and_grid_do_not_count() -> None:
    assert left([at(3, 7, day=8), at(23, 59)], Rules(duration=60)) == ["02 23:59", "08 03:07"]


def test_notice_and_horizon_count() -> None:
    rules = Rules(duration=60, how_soon=120, horizon_days=1)
    starts = [at(7), at(9, 59), at(10), at(23, day=3), at(0, day=4)]
    assert left(starts, rules) == ["02 10:00", "03 23:00"]


def test_only_the_dates_asked_for_in_the_zone_of_the_module() -> None:
    new_york = ZoneInfo("America/New_York")
    rules = Rules(duration=60)
    assert left([at(4, 59, day=3), at(5, day=3)], rules, zone=new_york, last=MONDAY) == ["03 04:59"]


def test_seats_count_with_the_time_kept_free() -> None:
    rules = Rules(duration=60, between=30)
    starts = [at(8, 30), at(9), at(10), at(11, 15), at(11, 30)]
    assert left(starts, rules, (at(10), at(11))) == ["02 08:30", "02 11:30"]
    assert left([at(10)], Rules(duration=60, capacity=2), (at(10), at(11))) == ["02 10:00"]


def test_a_weekday_without_a_seat_offers_nothing() -> None:
    assert left([at(10), at(10, day=3)], Rules(duration=60, capacity_by_weekday={0: 0})) == ["03 10:00"]


def test_what_goes_on_standing_in_the_way() -> None:
    blocked = [
        Covered.by([(micros(at(10)), micros(at(11)))]),
        Covered.by([(micros(at(10, 30)), micros(at(12)))]),
    ]
    assert left([at(9), at(9, 1), at(11, 59), at(12)], Rules(duration=60), blocked=blocked) == [
        "02 09:00",
        "02 12:00",
    ]


def test_each_once_in_order() -> None:
    assert left([at(12), at(10), at(12)], Rules(duration=60)) == ["02 10:00", "02 12:00"]


def test_many_starts_beside_many_seats_cost_little() -> None:
    import time

    seats = [(at(8) + timedelta(minutes=2 * n), at(8) + timedelta(minutes=2 * n + 1)) for n in range(3_000)]
    starts = [at(8) + timedelta(minutes=n) for n in range(5_000)]
    begun = time.process_time()
    left(starts, Rules(duration=1), *seats)
    assert time.process_time() - begun < 0.5
