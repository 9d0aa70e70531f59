"""Spans: a value that cannot be born wrong, merging, and the sweep over edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie.core.spans import Covered, Span, crowded, merge, micros, moment, overlaid, shared

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
stretches = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=25)


def test_a_span_is_aware_and_goes_forward():
    with pytest.raises(ValueError, match="aware"):
        Span(datetime(2026, 3, 2, 9), NINE)
    with pytest.raises(ValueError, match="ends after"):
        Span(NINE, NINE)
    with pytest.raises(ValueError, match="ends after"):
        Span(NINE, datetime(2026, 3, 2, 10, tzinfo=timezone(timedelta(hours=2))))


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(value):
    assert moment(micros(value)) == value


def test_touching_spans_become_one():
    hour = timedelta(hours=1)
    merged = merge([Span(NINE + hour, NINE + 2 * hour), Span(NINE, NINE + hour)])
    assert merged.stretches() == [(micros(NINE), micros(NINE + 2 * hour))]


@given(stretches)
def test_merging_covers_the_same_instants(given_stretches):
    merged = Covered.by(given_stretches)
    covered = {i for start, end in merged.stretches() for i in range(start, end)}
    assert covered == {i for start, end in given_stretches for i in range(start, end)}
    assert all(end < start for end, start in zip(merged.ends, merged.starts[1:], strict=False))


@given(stretches, st.integers(0, 60), st.integers(1, 20))
def test_between_finds_exactly_what_shares_time(given_stretches, start, length):
    merged = Covered.by(given_stretches)
    meets = [(s, e) for s, e in merged.stretches() if s < start + length and start < e]
    assert merged.between(start, start + length) == meets


@given(stretches, st.integers(1, 5))
def test_the_sweep_counts_what_runs_at_once(given_stretches, at_least):
    stretches_ = [(s, e) for s, e in given_stretches if s < e]
    crowd = crowded([s for s, _ in stretches_], [e for _, e in stretches_], at_least=at_least)
    assert all(start < end for start, end in crowd.stretches())
    assert covered(crowd) == {i for i in range(60) if sum(s <= i < e for s, e in stretches_) >= at_least}


@given(st.lists(stretches, max_size=3))
def test_overlaying_covers_the_same_instants_in_order(parts):
    found = overlaid(map(Covered.by, parts))
    assert covered(found) == {i for part in parts for i in covered(Covered.by(part))}
    assert all(start < end for start, end in found.stretches())
    assert list(found.starts) == sorted(found.starts)
    assert list(found.ends) == sorted(found.ends)


@given(stretches, stretches)
def test_what_is_shared_is_covered_by_both(one, other):
    both = overlaid([Covered.by(one), Covered.by(one[:3])])  # overlapping stretches are time as well
    found = shared(both, Covered.by(other))
    assert covered(found) == covered(both) & covered(Covered.by(other))


def covered(time: Covered) -> set[int]:
    return {i for start, end in time.stretches() for i in range(start, end)}
