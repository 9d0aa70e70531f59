"""The slot rules: the worked cases, single rules, and agreement with a minute-by-minute reference."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core import reference

from genie.core.availability import Rules, Seats, Taken, offered, offered_instants
from genie.core.holidays import LAST, Holiday
from genie.core.hours import Hours, LocalDates, instant_of, readings_of
from genie.core.spans import MINUTE, Covered, Span, merge, micros, moment
from genie.worker.management.commands.vectors import trouble_with

CASES = json.loads((Path(__file__).parent / "slot_vectors.json").read_text())["cases"]
MADRID = ZoneInfo("Europe/Madrid")
NEW_YORK = ZoneInfo("America/New_York")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
MONDAY = date(2026, 3, 2)
WHOLE_DAY = [(time(), time())]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_worked_case(case):
    assert trouble_with(case) == ""


def walls(starts, zone):
    return [f"{start.astimezone(zone):%H:%M}" for start in starts]


def on(day, ranges, *, zone=MADRID, rules=None, now=LONG_AGO, weekly=None, overrides=None, **rest):
    """The wall times offered on one date that is open in `ranges` ("09:00-12:00 …")."""
    hours = Hours(zone, weekly or {day.weekday(): ranges_of(ranges)}, overrides or {})
    rules = rules or Rules(60)
    return walls(offered(hours=hours, rules=rules, first=day, last=day, now=now, **rest), zone)


def ranges_of(text):
    pairs = [pair.split("-") for pair in text.split()]
    return [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in pairs]


def at(text, zone=MADRID):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def hour_from(text, zone=MADRID, minutes=60):
    return Span(at(text, zone), at(text, zone) + timedelta(minutes=minutes))


def booked(spans, *, between=0):
    return Taken(seats=Seats.of(spans, between=between))


def test_ranges_that_touch_share_one_grid():
    assert on(MONDAY, "09:00-10:30 10:30-12:00") == ["09:00", "10:00", "11:00"]
    assert on(MONDAY, "09:00-10:30 10:35-12:00") == ["09:00", "10:35"]


def test_ranges_that_touch_over_midnight_share_one_grid():
    weekly = {0: ranges_of("22:30-00:00"), 1: ranges_of("00:00-02:00")}
    assert on(MONDAY, "", weekly=weekly) == ["22:30", "23:30"]
    assert on(MONDAY + timedelta(1), "", weekly=weekly) == ["00:30"]


def test_a_range_that_ends_in_the_gap_touches_one_that_begins_after_it():
    sunday = date(2026, 3, 8)  # 02:00 to 03:00 do not exist in New York
    rules = Rules(45)
    assert on(sunday, "01:00-02:00 03:00-04:00", zone=NEW_YORK, rules=rules) == ["01:00", "01:45"]
    assert walls(
        offered(
            hours=Hours(NEW_YORK, {6: ranges_of("02:15-02:45 03:00-04:00")}),
            rules=rules,
            first=sunday,
            last=sunday,
            now=LONG_AGO,
        ),
        NEW_YORK,
    ) == ["03:00"]


def test_open_around_the_clock_begins_anew_each_day():
    always = dict.fromkeys(range(7), WHOLE_DAY)
    rules = Rules(100)
    assert on(MONDAY, "", weekly=always, rules=rules)[:2] == ["00:00", "01:40"]
    whole = offered(
        hours=Hours(MADRID, always),
        rules=rules,
        first=MONDAY - timedelta(20),
        last=MONDAY + timedelta(20),
        now=LONG_AGO,
    )
    alone = offered(hours=Hours(MADRID, always), rules=rules, first=MONDAY, last=MONDAY, now=LONG_AGO)
    assert [s for s in whole if s.astimezone(MADRID).date() == MONDAY] == alone


def test_an_opening_of_a_week_or_more_begins_anew_at_midnight_from_its_eighth_date():
    always = dict.fromkeys(range(7), WHOLE_DAY)
    day_before = MONDAY - timedelta(1)
    overrides = {day_before: ranges_of("09:00-15:00"), MONDAY: ranges_of("09:00-00:00")}
    starts = [
        on(MONDAY + timedelta(n), "", weekly=always, rules=Rules(70), overrides=overrides)[0]
        for n in range(9)
    ]
    # 70 minutes do not divide a day: the grid of Monday 09:00 drifts, until it is let go
    assert starts == ["09:00", "00:10", "00:40", "00:00", "00:30", "01:00", "00:20", "00:00", "00:00"]


def test_minimum_notice_is_inclusive():
    now = at("2026-03-02T09:00")
    assert on(MONDAY, "09:00-12:00", rules=Rules(60, how_soon=60), now=now) == ["10:00", "11:00"]
    assert on(MONDAY, "09:00-12:00", rules=Rules(60), now=now) == ["09:00", "10:00", "11:00"]
    later = now + timedelta(microseconds=1)
    assert on(MONDAY, "09:00-12:00", rules=Rules(60, how_soon=60), now=later) == ["11:00"]


def test_the_last_date_of_the_horizon_is_included():
    now = at("2026-02-27T23:59")
    assert on(MONDAY, "09:00-10:00", rules=Rules(60, horizon_days=3), now=now) == ["09:00"]
    assert on(MONDAY, "09:00-10:00", rules=Rules(60, horizon_days=2), now=now) == []
    assert on(MONDAY, "09:00-10:00", rules=Rules(60, horizon_days=0), now=now) == []


def test_the_horizon_counts_from_the_schedules_today():
    late_in_utc = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # already Monday in Madrid
    assert on(MONDAY, "09:00-10:00", rules=Rules(60, horizon_days=0), now=late_in_utc) == ["09:00"]


@pytest.mark.parametrize(
    ("today", "months", "last"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 5, 31), 18, date(2027, 11, 30)),
        (date(2026, 5, 31), 0, date(2026, 5, 31)),
    ],
)
def test_months_are_clamped(today, months, last):
    assert Rules(60, horizon_months=months).last_date(today) == last


def test_per_day_counts_by_the_local_date_of_the_start():
    rules = Rules(60, capacity=5, per_day=1)
    friday, saturday = date(2026, 3, 6), date(2026, 3, 7)
    night = booked([hour_from("2026-03-06T23:00")])
    assert on(friday, "22:00-02:00", rules=rules, taken=night) == []
    weekly = {4: ranges_of("22:00-02:00")}
    assert on(saturday, "", weekly=weekly, rules=rules, taken=night) == ["00:00", "01:00"]


def test_a_seat_takes_a_place_of_its_date():
    taken = booked([hour_from("2026-03-02T09:00")])
    assert on(MONDAY, "09:00-11:00", taken=taken) == ["10:00"]
    assert on(MONDAY, "09:00-11:00", taken=taken, rules=Rules(60, per_day=1)) == []


def test_capacity_counts_what_runs_at_once_not_what_there_is():
    one_after_another = booked([hour_from(f"2026-03-02T{h}:00") for h in ("09", "10")])
    rules = Rules(120, start_every=60, capacity=2)
    assert on(MONDAY, "09:00-11:00", rules=rules, taken=one_after_another) == ["09:00"]
    together = booked([hour_from("2026-03-02T09:00"), hour_from("2026-03-02T09:30")])
    assert on(MONDAY, "09:00-11:00", rules=rules, taken=together) == []


def test_time_between_of_an_earlier_appointment_counts():
    rules = Rules(60, between=30, start_every=30)
    taken = booked([hour_from("2026-03-02T09:00")], between=30)
    assert on(MONDAY, "09:00-12:00", rules=rules, taken=taken) == ["10:30", "11:00"]


def test_an_appointment_made_longer_by_its_owner_counts_in_full():
    taken = booked([hour_from("2026-03-02T09:00", minutes=150)])
    assert on(MONDAY, "09:00-13:00", taken=taken) == ["12:00"]


def test_busy_time_that_only_touches_does_not_block():
    busy = Taken(blocked=[merge([hour_from("2026-03-02T08:00"), hour_from("2026-03-02T10:00")])])
    assert on(MONDAY, "09:00-12:00", taken=busy) == ["09:00", "11:00"]


def test_capacity_zero_on_a_weekday_offers_nothing():
    assert on(MONDAY, "09:00-12:00", rules=Rules(60, capacity_by_weekday={0: 0})) == []
    assert on(MONDAY, "09:00-10:00", rules=Rules(60, capacity_by_weekday={1: 0})) == ["09:00"]


def test_capacity_of_the_weekday_is_that_of_the_start():
    weekly = {4: ranges_of("22:00-02:00")}
    taken = booked([hour_from("2026-03-06T23:00"), hour_from("2026-03-07T00:00")])
    rules = Rules(60, capacity=1, capacity_by_weekday={5: 2})
    assert on(date(2026, 3, 6), "", weekly=weekly, rules=rules, taken=taken) == ["22:00"]
    assert on(date(2026, 3, 7), "", weekly=weekly, rules=rules, taken=taken) == ["00:00", "01:00"]


def test_a_holiday_closes_its_date_and_only_that():
    weekly = {4: ranges_of("22:00-02:00")}
    saturday_off = [Holiday("Off", 3, day=7)]
    friday, saturday = date(2026, 3, 6), date(2026, 3, 7)
    assert on(friday, "", weekly=weekly, holidays=saturday_off) == ["22:00", "23:00"]
    assert on(saturday, "", weekly=weekly, holidays=saturday_off) == []
    # what an appointment occupies may not reach into it either
    rules = Rules(60, between=15, start_every=60)
    assert on(friday, "", weekly=weekly, holidays=saturday_off, rules=rules) == ["22:00"]


def test_an_override_replaces_what_opens_on_its_date():
    weekly = {4: ranges_of("22:00-02:00"), 5: ranges_of("10:00-12:00")}
    saturday = date(2026, 3, 7)
    assert on(saturday, "", weekly=weekly, overrides={saturday: []}) == ["00:00", "01:00"]
    assert on(saturday, "", weekly=weekly, overrides={saturday: ranges_of("15:00-16:00")}) == [
        "00:00",
        "01:00",
        "15:00",
    ]
    assert on(saturday, "", weekly=weekly, overrides={saturday - timedelta(1): []}) == ["10:00", "11:00"]


def test_a_month_at_once_is_its_dates_one_by_one():
    hours = Hours(NEW_YORK, {w: ranges_of("22:00-03:00 09:00-12:00") for w in range(7)})
    rules = Rules(45, between=10, per_day=7)
    taken = Taken(
        blocked=[merge([hour_from("2026-03-07T23:00", NEW_YORK), hour_from("2026-03-10T09:20", NEW_YORK)])],
        seats=Seats.of([hour_from("2026-03-08T10:00", NEW_YORK)]),
    )
    ask = {"hours": hours, "rules": rules, "taken": taken, "now": LONG_AGO}
    days = [date(2026, 3, 1) + timedelta(n) for n in range(31)]
    single = [start for day in days for start in offered(first=day, last=day, **ask)]
    assert offered(first=days[0], last=days[-1], **ask) == single


# ── agreement with the reference ────────────────────────────────────────────


@cache
def transitions(name: str) -> tuple[datetime, ...]:
    """The zone's next two changes of clock after the start of 2026, to the minute; none for many zones."""
    zone, found = ZoneInfo(name), []
    moment_, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
    while moment_ < end and len(found) < 2:
        later = moment_ + timedelta(days=1)
        if later.astimezone(zone).utcoffset() != moment_.astimezone(zone).utcoffset():
            low, high = moment_, later
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) // 2
                middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
                middle = max(middle, low + timedelta(minutes=1))
                if middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset():
                    low = middle
                else:
                    high = middle
            found.append(high)
        moment_ = later
    return tuple(found)


@cache
def kinds_of_change() -> tuple[str, ...]:
    """A zone for each different thing that clocks do, those that change them first named."""
    return tuple(
        {behaviour(name): name for name in sorted(available_timezones()) if transitions(name)}.values()
    )


ODD = [
    ("America/St_Johns", datetime(2010, 11, 7, 2, 31, tzinfo=UTC)),  # 00:01 back to 23:01: the eve returns
    ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),  # a whole date left out
    ("America/Havana", datetime(2026, 11, 1, 5, 0, tzinfo=UTC)),  # 01:00 back to 00:00
    ("America/Sao_Paulo", datetime(2017, 10, 15, 3, 0, tzinfo=UTC)),  # midnight itself does not exist
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, 0, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),  # two hours at once
    ("Asia/Pyongyang", datetime(2018, 5, 4, 15, 0, tzinfo=UTC)),  # half an hour, from 23:30 to midnight
]


def behaviour(name: str) -> tuple:
    """What the clocks of a zone do from 2026 on: equal for zones that differ in name only."""
    zone = ZoneInfo(name)
    around = [
        (change, *((change + timedelta(minutes=n)).astimezone(zone).utcoffset() for n in (-1, 0)))
        for change in transitions(name)
    ]
    return (datetime(2026, 1, 1, tzinfo=UTC).astimezone(zone).utcoffset(), *around)


def around_a_change(name: str, change: datetime) -> dict:
    zone = ZoneInfo(name)
    day = change.astimezone(zone).date()
    tomorrow = day + timedelta(1)
    return {
        "hours": Hours(zone, dict.fromkeys(range(7), ranges_of("23:10-02:30 00:40-01:20 02:45-05:00"))),
        "rules": Rules(30, between=5, per_day=40),
        "first": day - timedelta(1),
        "last": tomorrow,
        "now": change - timedelta(days=12),
        "holidays": [Holiday("part", tomorrow.month, day=tomorrow.day, start=time(1, 40), end=time(3, 20))],
        "blocked": [(change + timedelta(minutes=100), change + timedelta(minutes=115))],
        "seats": [reference.Seat(change - timedelta(minutes=50), change - timedelta(minutes=20), 5)],
    }


def test_every_zone_at_its_next_two_changes_of_clock_agrees_with_the_reference():
    quiet = (datetime(2026, 6, 10, 3, 0, tzinfo=UTC),)  # most zones do not change their clocks any more
    names = sorted(available_timezones() - {"localtime", "Factory"})
    assert len(names) > 550
    expected: dict[tuple, list[datetime]] = {}
    for name in names:
        for change in transitions(name) or quiet:
            world = around_a_change(name, change)
            key = (behaviour(name), change)
            if key not in expected:
                expected[key] = reference.offered(**world)
            assert instants(world) == expected[key], name
    assert len(expected) > 60


@pytest.mark.parametrize(("name", "change"), ODD, ids=[f"{n}-{c:%Y}" for n, c in ODD])
def test_odd_changes_of_clock_agree_with_the_reference(name, change):
    world = around_a_change(name, change)
    assert instants(world) == reference.offered(**world)


@pytest.mark.parametrize(("name", "change"), ODD, ids=[f"{n}-{c:%Y}" for n, c in ODD])
def test_local_dates_follow_the_clocks(name, change):
    zone = ZoneInfo(name)
    day = change.astimezone(zone).date()
    dates = LocalDates.of(zone, first=day - timedelta(3), last=day + timedelta(3))
    for minutes in range(-1500, 1500):
        instant = change + timedelta(minutes=minutes)
        assert dates.date_of(micros(instant)) == instant.astimezone(zone).date()


@pytest.mark.parametrize(("name", "change"), ODD, ids=[f"{n}-{c:%Y}" for n, c in ODD])
def test_instants_are_told_by_local_date(name, change):
    zone = ZoneInfo(name)
    day = change.astimezone(zone).date()
    first, last = day - timedelta(1), day
    times = [change + timedelta(minutes=7 * n) for n in range(-500, 500)]
    expected = {}
    for at in times:
        on = at.astimezone(zone).date()
        if first <= on <= last:
            expected.setdefault(on, []).append(micros(at))
    found = LocalDates.of(zone, first=first, last=last).by_date(
        [micros(at) for at in times], first=first, last=last
    )
    assert found == expected


@pytest.mark.parametrize(
    ("zone", "wall", "instant"),
    [
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z"),
        ("Australia/Lord_Howe", "2026-10-04T02:10", "2026-10-03T15:30:00Z"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z"),
        ("Asia/Kathmandu", "2026-05-05T09:00", "2026-05-05T03:15:00Z"),
    ],
)
def test_wall_time_becomes_an_instant(zone, wall, instant):
    value = datetime.fromisoformat(wall)
    assert moment(instant_of(value.date(), value.time(), ZoneInfo(zone))) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    ("zone", "wall", "instants"),
    [
        ("America/New_York", "2026-03-08T02:30", []),
        ("America/New_York", "2026-03-08T03:00", ["2026-03-08T07:00:00Z"]),
        ("America/New_York", "2026-11-01T01:30", ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"]),
        ("Australia/Lord_Howe", "2026-04-05T01:45", ["2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"]),
        ("Pacific/Apia", "2011-12-30T12:00", []),  # a date that was left out
    ],
)
def test_a_wall_time_is_read_as_none_one_or_two_instants(zone, wall, instants):
    found = readings_of(datetime.fromisoformat(wall), ZoneInfo(zone))
    assert found == [datetime.fromisoformat(one) for one in instants]


def test_places_left_are_those_that_can_be_added_one_by_one():
    seats = Seats([0, 60], [60, 120], [0, 0], [0, 2])
    assert seats.places(3, 0, 60) == 2
    assert seats.places(3, 60, 120) == 1  # what runs there allows two at once
    assert seats.places(3, 0, 120) == 1
    assert seats.places(1, 0, 60) == seats.places(0, 200, 300) == 0
    assert Seats().places(5, 0, 60) == 5


@st.composite
def worlds(draw):
    """A schedule, rules and what is taken, around a change of clock where the zone has one."""
    name = draw(st.sampled_from(sorted({*kinds_of_change(), "UTC", "Asia/Kathmandu", "Asia/Tokyo"})))
    zone = ZoneInfo(name)
    changes = transitions(name) or (datetime(2026, 6, 10, 3, 0, tzinfo=UTC),)
    centre = draw(st.sampled_from(changes))
    day = centre.astimezone(zone).date() + timedelta(draw(st.integers(-2, 2)))
    wall = st.builds(time, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 50]))
    odd = st.lists(st.tuples(wall, wall), max_size=3)
    ranges = st.one_of(st.sampled_from([ranges_of("08:00-18:00"), ranges_of("22:00-05:00"), WHOLE_DAY]), odd)
    weekly = draw(st.fixed_dictionaries(dict.fromkeys(range(7), ranges)))
    near = st.integers(-2, 4).map(lambda days: day + timedelta(days))
    overrides = draw(st.dictionaries(near, ranges, max_size=2))
    holidays = [
        draw(
            st.one_of(
                near.map(lambda d: Holiday("fixed", d.month, day=d.day)),
                st.builds(
                    lambda d, hour: Holiday("part", d.month, day=d.day, start=time(hour)),
                    near,
                    st.integers(0, 23),
                ),
                st.builds(
                    lambda d, hour: Holiday("part", d.month, day=d.day, end=time(hour, 20)),
                    near,
                    st.integers(0, 23),
                ),
                near.map(
                    lambda d: Holiday("nth", d.month, weekday=d.weekday(), week=min((d.day + 6) // 7, 5))
                ),
                near.map(lambda d: Holiday("last", d.month, weekday=d.weekday(), week=LAST)),
            )
        )
        for _ in range(draw(st.integers(0, 1)))
    ]
    kind = draw(st.sampled_from([0, 1, 2]))
    rules = Rules(
        duration=draw(st.sampled_from([10, 30, 45, 60, 90])),
        between=draw(st.sampled_from([0, 0, 10, 30])),
        start_every=draw(st.sampled_from([None, None, 10, 15, 60, 75])),
        capacity=draw(st.sampled_from([1, 2, 3, 3])),
        capacity_by_weekday=draw(st.dictionaries(st.integers(0, 6), st.integers(0, 3), max_size=1)),
        per_day=draw(st.sampled_from([0, 0, 0, 0, 3])),
        how_soon=draw(st.sampled_from([0, 60, 1440])),
        horizon_days=draw(st.sampled_from([None, None, None, 5])),
        horizon_months=draw(st.sampled_from([None, None, None, 0])),
        kind=kind,
        own_capacity=draw(st.sampled_from([0, 0, 1, 2])),
        own_per_day=draw(st.sampled_from([0, 0, 0, 2])) if kind else 0,
    )
    morning = datetime.combine(day, time(6), zone).astimezone(UTC)
    start = st.integers(-100, 250).map(lambda n: morning + timedelta(minutes=10 * n))
    length = st.integers(1, 40).map(lambda n: timedelta(minutes=5 * n))
    stretch = st.tuples(start, length).map(lambda pair: (pair[0], pair[0] + pair[1]))
    seats = st.builds(
        lambda span, between, kind, most: reference.Seat(*span, between, kind, most),
        stretch,
        st.sampled_from([0, 0, 10, 30]),
        st.integers(0, 2),
        st.sampled_from([0, 0, 1, 2, 3]),
    )
    return {
        "hours": Hours(zone, weekly, overrides),
        "rules": rules,
        "holidays": holidays,
        "first": day,
        "last": day + timedelta(draw(st.integers(0, 2))),
        "now": morning - timedelta(minutes=draw(st.sampled_from([-400, 100, 1_500, 4_000, 7_200, 8_000]))),
        "blocked": draw(st.lists(stretch, max_size=4)),
        "seats": draw(st.lists(seats, max_size=8)),
        "zone": draw(st.sampled_from([None, None, NEW_YORK, ZoneInfo("Pacific/Auckland")])),
    }


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_agrees_with_the_minute_by_minute_reference(world):
    expected = reference.offered(**world)
    assert instants(world) == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_seats_in_any_order_and_busy_time_in_any_parts_are_the_same(world):
    turned = {**world, "seats": world["seats"][::-1], "blocked": world["blocked"][::-1]}
    halves = [(s, s + (e - s) / 2) for s, e in world["blocked"]] + [
        (s + (e - s) / 2, e) for s, e in world["blocked"]
    ]
    assert instants(turned) == instants({**world, "blocked": halves}) == instants(world)


def instants(world):
    """What the rules offer in a world of the reference, as datetimes."""
    world = dict(world)
    blocked, seats = world.pop("blocked", ()), world.pop("seats", ())
    taken = Taken(
        # each by itself, as they come from several calendars
        blocked=[Covered.by([(micros(s), micros(e))]) for s, e in blocked],
        seats=Seats(
            [micros(seat.start) for seat in seats],
            [micros(seat.end) + seat.between * MINUTE for seat in seats],
            [seat.kind for seat in seats],
            [seat.most for seat in seats],
        ),
    )
    return [moment(instant) for instant in offered_instants(**world, taken=taken)]
