"""Windows that slide: how often, how long to wait, and how operators write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie.core.limits import Limit, limits_of, longest, wait

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def ago(*minutes: float) -> list[datetime]:
    return [NOW - m * MINUTE for m in minutes]


@pytest.mark.parametrize(
    ("earlier", "left"),
    [
        ([], None),
        (ago(1, 2), None),
        (ago(1, 2, 3), 7),
        (ago(3, 1, 2), 7),
        (ago(1, 2, 9.5), 0.5),
        (ago(1, 2, 10), None),
        (ago(1, 2, 11), None),
        (ago(0, 0, 0), 10),
        (ago(1, 2, 3, 4, 5), 7),
    ],
)
def test_three_in_ten_minutes(earlier, left):
    limits = [Limit(3, 10 * MINUTE)]
    assert wait(earlier, limits, NOW) == (None if left is None else left * MINUTE)


def test_the_longest_wait_of_several_counts():
    limits = limits_of(["2/10m", "4/1d"])
    assert wait(ago(1), limits, NOW) is None
    assert wait(ago(1, 2), limits, NOW) == 8 * MINUTE
    assert wait(ago(1, 60, 120, 180), limits, NOW) == DAY - 180 * MINUTE
    assert longest(limits) == DAY
    assert longest([]) == timedelta(0)


@given(
    st.lists(st.integers(0, 200), max_size=40),
    st.integers(1, 6),
    st.integers(1, 90),
)
def test_who_waits_as_told_never_does_more_than_allowed(gaps, times, minutes):
    limits = [Limit(times, minutes * MINUTE)]
    done: list[datetime] = []
    now = NOW
    for gap in gaps:
        now += gap * MINUTE / 4
        left = wait(done, limits, now)
        if left is not None:
            assert left > timedelta(0)
            assert wait(done, limits, now + left - timedelta(microseconds=1)) is not None
            now += left
            assert wait(done, limits, now) is None
        done.append(now)
    for moment in done:
        assert sum(moment - limits[0].within < other <= moment for other in done) <= times


def test_how_it_is_written():
    assert limits_of(["10/10m", "30/1d", "5/2h"]) == (
        Limit(10, 10 * MINUTE),
        Limit(30, DAY),
        Limit(5, timedelta(hours=2)),
    )
    assert limits_of(["off"]) == ()


@pytest.mark.parametrize(
    "rule", ["10", "10/10", "10/m", "0/10m", "10/0m", "-1/1d", "10/10s", "10/60d", "off/1d", "1e3/1d", ""]
)
def test_what_is_no_limit(rule):
    with pytest.raises(ValueError, match=r"no limit|at least once"):
        limits_of([rule])


def test_off_beside_a_rule_is_no_rule():
    with pytest.raises(ValueError, match="off"):
        limits_of(["off", "10/1d"])
