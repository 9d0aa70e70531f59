"""Seats of a slot: nobody's limit is passed, and as many lanes as run at once are enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from genie.core import lanes

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
spans = st.tuples(st.integers(0, 20), st.integers(1, 8)).map(lambda given: (given[0], given[0] + given[1]))
limited = st.lists(st.tuples(spans, st.none() | st.integers(1, 4)), max_size=7)


def at(minute: int) -> datetime:
    return NINE + timedelta(minutes=minute)


@given(spans, st.integers(1, 5), limited)
def test_there_is_room_where_no_minute_passes_a_limit(new, most, others):
    def allowed(minute: int) -> bool:
        here = [own for (start, end), own in others if start <= minute < end]
        return all(limit is None or 1 + len(here) <= limit for limit in [most, *here])

    asked = [(at(start), at(end), own) for (start, end), own in others]
    found = lanes.has_room(at(new[0]), at(new[1]), most=most, others=asked)
    assert found == all(allowed(minute) for minute in range(*new))


@given(st.lists(spans, min_size=1, max_size=12))
def test_as_many_lanes_as_run_at_once_are_enough(given_spans):
    named = {number: (at(start), at(end)) for number, (start, end) in enumerate(given_spans)}
    count = lanes.most_at_once(named.values())
    given_lanes = lanes.assign(named, count)
    assert set(given_lanes.values()) <= set(range(count))
    for one, (start, end) in named.items():
        for other, (began, ended) in named.items():
            assert one == other or given_lanes[one] != given_lanes[other] or end <= began or ended <= start


def test_a_private_visit_meets_no_group_and_no_group_it():
    group, private = (at(0), at(60), None), (at(0), at(60), 1)
    assert lanes.has_room(at(0), at(60), most=10, others=[group] * 9)
    assert not lanes.has_room(at(0), at(60), most=10, others=[group] * 10)
    assert not lanes.has_room(at(30), at(90), most=10, others=[private])
    assert lanes.has_room(at(60), at(90), most=10, others=[private]), "touching is not meeting"
    assert not lanes.has_room(at(30), at(90), most=1, others=[group])
