"""Which time zone a typed word means."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from genie.core.zones import known_zones, zone_meant, zones_like


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("  America/New York ", "America/New_York"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("", None),
        ("localtime", None),
        ("Factory", None),
        ("../etc/passwd", None),
        ("Louisville", None),  # two names hold it
        ("Atlantis", None),
    ],
)
def test_a_zone_is_known_by_its_name_or_a_city_that_only_one_has(typed, zone):
    assert zone_meant(typed) == zone


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("Berlni", "Europe/Berlin"),
        ("Europe/Berlni", "Europe/Berlin"),
        ("US/New_York", "America/New_York"),
        ("Amercia/Chicago", "America/Chicago"),
    ],
)
def test_what_somebody_may_have_meant(typed, first):
    assert zones_like(typed)[0] == first
    assert len(zones_like(typed)) <= 3


def test_nothing_is_like_nonsense():
    assert zones_like("qqqqqqqqq") == []


def test_each_known_zone_can_be_used():
    for name in known_zones():
        ZoneInfo(name)
    assert "America/New_York" in known_zones()
