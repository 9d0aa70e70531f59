"""Windows names of zones, both ways."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from genie.providers.zone_names import iana, windows


@pytest.mark.parametrize("name", sorted(WINDOWS_TO_OLSON))
def test_each_windows_name_leads_to_a_zone_and_back_to_the_same_clocks(name):
    there = iana(name)
    back = iana(windows(there, 2026))
    for month in range(1, 13):
        moment = datetime(2026, month, 15, 12, tzinfo=UTC)
        assert moment.astimezone(ZoneInfo(there)).utcoffset() == moment.astimezone(ZoneInfo(back)).utcoffset()


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("Europe/Vienna", "W. Europe Standard Time"),
        ("America/Detroit", "Eastern Standard Time"),
        ("America/New_York", "Eastern Standard Time"),
        ("Asia/Kolkata", "India Standard Time"),
        ("Pacific/Apia", "Samoa Standard Time"),
        ("UTC", "UTC"),
        ("Etc/UTC", "UTC"),
        ("", ""),
        ("Mars/Olympus", ""),
    ],
)
def test_a_place_is_called_by_a_name_people_there_know(zone, name):
    assert windows(zone, 2026) == name


def test_hardly_a_zone_has_no_windows_name():
    without = {zone for zone in available_timezones() if not windows(zone, 2026)}
    assert without <= {"Antarctica/Troll"}  # two hours of summer time, nowhere else
