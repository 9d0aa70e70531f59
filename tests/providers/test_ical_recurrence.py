"""Rules against dateutil, which steps through them from the start, and against themselves from anywhere."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from genie.core.errors import Malformed
from genie.providers.ical import recurrence
from genie.providers.ical.recurrence import FAR, NEVER, Exhausted, last_of, occurrences, rate_of
from genie.providers.ical.rules import rule_of

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
UNTIL = ("20280315", "20280315T101500", "20280315T091500Z")


def ours(rule: str, first: datetime, last: datetime, since: datetime | None = None) -> list[datetime]:
    return list(occurrences(rule, first, last, zone=BERLIN, since=since))


class Beyond(Exception):
    """More days were tried than there are to the end of the span."""


class Counted(tuple[int, ...]):
    """The months of a rule, which dateutil asks for once for each day it tries: it would try days to the end
    of all calendars for a rule that never occurs."""

    left: int

    def __contains__(self, month: object) -> bool:
        self.left -= 1
        if self.left < 0:
            raise Beyond
        return super().__contains__(month)


def theirs(rule: str, first: datetime, last: datetime) -> list[datetime]:
    """dateutil's, which wants UNTIL as wall time here."""
    text = rule.replace("UNTIL=20280315T091500Z", "UNTIL=20280315T101500")
    text = text + "T235959" if text.endswith("UNTIL=20280315") else text
    made = rrulestr(text, dtstart=first)
    if (
        made._bymonth or "YEARLY" not in text
    ):  # without months, `1MO` of a year would become one of each month
        counted = Counted(made._bymonth or range(1, 13))
        counted.left = (last - first).days + 800
        made._bymonth = counted
    elif not ours(rule, first, last):
        reject()
    found = []
    with contextlib.suppress(Beyond):
        for moment in takewhile(lambda moment: moment <= last, made):
            found.append(moment)
    return found


def joined(values: list[object]) -> str:
    return ",".join(map(str, values))


def some(values: st.SearchStrategy[object], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=most, unique=True).map(joined)


def signed(most: int) -> st.SearchStrategy[int]:
    return st.integers(-most, most).filter(bool)


def part(name: str, values: st.SearchStrategy[str], *, one_in: int) -> st.SearchStrategy[str]:
    """`;NAME=value`, or nothing."""
    there = values.map(lambda value: f";{name}={value}")
    return st.integers(1, one_in).flatmap(lambda lot: there if lot == 1 else st.just(""))


def rules(freq: str) -> st.SearchStrategy[str]:
    """A rule of this frequency, with any of the parts that RFC 5545 allows there."""
    plain = st.sampled_from(DAYS)
    counted = st.tuples(signed(5), plain).map(lambda pair: f"{pair[0]}{pair[1]}")
    by_month = freq in ("MONTHLY", "YEARLY")
    parts = [
        part("INTERVAL", st.integers(1, 5).map(str), one_in=2),
        part("WKST", plain, one_in=2),
        part("BYMONTH", some(st.integers(1, 12)), one_in=3),
        part("BYDAY", some(plain) | some(counted) if by_month else some(plain), one_in=2),
        part("BYHOUR", some(st.integers(0, 23)), one_in=6),
        part("BYMINUTE", some(st.integers(0, 59)), one_in=6),
        part("BYSETPOS", some(signed(6)), one_in=4),
        st.one_of(
            st.just(""),
            st.integers(1, 90).map(lambda count: f";COUNT={count}"),
            st.sampled_from(UNTIL).map(lambda until: f";UNTIL={until}"),
        ),
    ]
    if freq != "WEEKLY":
        parts.insert(3, part("BYMONTHDAY", some(signed(31)), one_in=3))
    if freq == "YEARLY":
        parts.insert(3, part("BYYEARDAY", some(signed(366)), one_in=6))
        parts.insert(3, part("BYWEEKNO", some(signed(53)), one_in=6))
    return st.tuples(*parts).map(lambda said: f"FREQ={freq}{''.join(said)}")


def begins(draw: st.DrawFn, rule: str) -> datetime:
    day = draw(st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)))
    first = day.replace(hour=10, minute=15, second=0, microsecond=0)
    if "WEEKLY" in rule and "BYSETPOS" in rule:  # a week that is whole; see DIFFERENCES
        start = rule_of(rule, first).week_start
        first -= timedelta(days=(first.weekday() - start) % 7)
    return first


DIFFERENCES = """
What dateutil does otherwise, and why we do not (docs/times.md):
- BYWEEKNO without BYDAY: dateutil takes all seven days of the week, RFC 5545 the event's own weekday.
- BYSETPOS with WEEKLY: in the first week dateutil counts from the event's start, RFC 5545 in the whole week.
- BYYEARDAY or BYWEEKNO with BYDAY that counts (a combination that RFC 5545 forbids).
"""


def is_told_apart(rule: str) -> bool:
    if "BYSETPOS" in rule and not any(by in rule.replace("BYSETPOS", "") for by in ("BY",)):
        return True  # dateutil refuses it: there is no set to count in
    counted = any(character in rule.partition("BYDAY=")[2].partition(";")[0] for character in "0123456789")
    return ("BYWEEKNO" in rule and "BYDAY=" not in rule) or (
        counted and ("BYWEEKNO" in rule or "BYYEARDAY" in rule)
    )


@pytest.mark.parametrize("freq", ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(data=st.data())
def test_a_rule_occurs_as_dateutil_says_seen_from_anywhere(freq, data):
    rule = data.draw(rules(freq))
    assume(not is_told_apart(rule))
    first = begins(data.draw, rule)
    last = first + timedelta(days=data.draw(st.integers(400, 3_000)))
    expected = theirs(rule, first, last)
    assert ours(rule, first, last) == expected
    since = first + timedelta(days=data.draw(st.integers(0, 3_000)), minutes=data.draw(st.integers(-90, 90)))
    assert ours(rule, first, last, since) == [moment for moment in expected if moment >= since]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_each_period_gives_as_many_as_its_rate_says(data):
    """The rate carries COUNT over any number of years, so one wrong period would shift everything after."""
    rule = data.draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]).flatmap(rules))
    first = begins(data.draw, rule)
    made = rule_of(rule, first)
    rate = rate_of(made)
    assume(rate)
    for number in range(1, 60):
        assert len(recurrence.moments_of(made, recurrence.begin_of(made, first, number))) == rate


@pytest.mark.parametrize(
    ("rule", "final"),
    [
        ("FREQ=DAILY;COUNT=1", "2026-11-02"),
        ("FREQ=DAILY;COUNT=10000", "2054-03-19"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=3001", "2046-01-01"),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=1200", "2126-10-25"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=3", "2036-02-29"),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=8", "2027-12-31"),
    ],
)
def test_count_ends_where_counting_from_the_start_ends(rule, final):
    first = datetime(2026, 11, 2, 9)
    assert f"{last_of(rule, first):%Y-%m-%d}" == final
    assert list(rrulestr(rule, dtstart=first))[-1] == last_of(rule, first)


def test_an_old_rule_with_a_count_costs_no_more_than_a_young_one():
    """Ten thousand weeks of COUNT are a division, not ten thousand steps."""
    begun = time.process_time()
    for number in range(300):
        first = datetime(1960, 1, 1, 9, number % 60)
        rule = f"FREQ=WEEKLY;COUNT={9_000 + number}"
        assert len(ours(rule, first, datetime(2027, 1, 1), datetime(2026, 11, 1))) in (8, 9)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTHDAY=31;BYMONTH=4",
        "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    ],
)
@pytest.mark.parametrize("end", ["", ";COUNT=3", ";UNTIL=20300101"])
def test_a_rule_that_never_occurs_is_soon_over(rule, end):
    begun = time.process_time()
    assert ours(rule + end, datetime(2020, 1, 1, 9), datetime(2027, 1, 1), datetime(2026, 11, 1)) == []
    assert time.process_time() - begun < 2


def test_counting_has_an_end():
    assert last_of("FREQ=DAILY;COUNT=0", datetime(2020, 1, 1)) == NEVER
    assert last_of("FREQ=DAILY;COUNT=9000000", datetime(2020, 1, 1)) == FAR
    assert last_of("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", datetime(2020, 1, 1)) == FAR
    with pytest.raises(Exhausted):
        last_of("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", datetime(1500, 1, 1))


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "nonsense",
        "FREQ",
        "FREQ=SOMETIMES",
        "INTERVAL=2",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=1440",
        "FREQ=HOURLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;COUNT=x",
        "FREQ=DAILY;COUNT=-3",
        "FREQ=DAILY;COUNT=²",
        "FREQ=DAILY;UNTIL=20269999T000000",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYDAY=MO,XX",
        "FREQ=MONTHLY;BYDAY=60MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;RSCALE=CHINESE",
        "FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=FORWARD",
        "FREQ=DAILY;X-MINE=1",
        "FREQ=DAILY;WKST=XX",
        "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=" + ",".join(map(str, range(60)))
        + ";BYSECOND=0,30",
        "FREQ=DAILY;" + "BYMONTH=1;" * 1000,
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_malformed(rule):
    with pytest.raises(Malformed, match=r"\.$"):
        ours(rule, datetime(2026, 1, 1, 9), datetime(2026, 12, 1))


def test_the_weekday_of_a_week_is_the_events_own():
    found = ours("FREQ=YEARLY;BYWEEKNO=20", datetime(2026, 1, 7, 9), datetime(2028, 12, 1))
    assert [f"{moment:%a %G-%V}" for moment in found] == ["Wed 2026-20", "Wed 2027-20", "Wed 2028-20"]


def test_positions_count_in_the_whole_first_week():
    wednesday = datetime(2026, 11, 4, 9)
    found = ours("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", wednesday, datetime(2026, 11, 20))
    assert [moment.day for moment in found] == [9, 16]
