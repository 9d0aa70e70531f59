"""Public holidays by country and region, through the library itself."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from genie.core.public_holidays import (
    PublicDay,
    UnknownRegion,
    countries,
    country_meant,
    country_name,
    edition,
    not_worked,
    public_days,
    regions,
    renamed,
)


def on(country: str, region: str, year: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in public_days(country, region, year):
        found.setdefault(one.name, []).append(f"{one.date:%m-%d}{one.note and ' ' + one.note}")
    return found


def test_a_regions_days_are_the_countrys_and_its_own() -> None:
    whole, bavaria = on("DE", "", 2026), on("DE", "BY", 2026)
    assert bavaria.items() > whole.items()
    assert bavaria["Epiphany"] == ["01-06"]
    assert "Epiphany" not in whole


def test_a_day_and_the_date_it_is_kept_on_have_one_name() -> None:
    assert on("US", "", 2026)["Independence Day"] == ["07-03 observed", "07-04"]
    assert on("GB", "ENG", 2026)["Boxing Day"] == ["12-26", "12-28 observed"]


def test_a_date_that_is_not_sure_yet_says_so_and_keeps_its_name() -> None:
    far = {one.note for one in public_days("AE", "", 2029) if one.name == "Eid al-Fitr"}
    assert far == {"estimated"}


def test_a_day_becomes_a_holiday_of_one_year() -> None:
    day = PublicDay(date(2026, 7, 3), "Independence Day", "observed")
    holiday = day.as_holiday()
    assert holiday.title == "Independence Day (observed)"
    assert [holiday.date_in(year) for year in (2025, 2026)] == [None, date(2026, 7, 3)]


@pytest.mark.parametrize(
    ("country", "region"), [("ZZ", ""), ("", ""), ("US", "ZZ"), ("usa", ""), ("HolidayBase", "")]
)
def test_what_is_no_country_or_region_is_refused(country: str, region: str) -> None:
    with pytest.raises(UnknownRegion):
        public_days(country, region, 2026)


def test_every_country_and_region_answers_in_letters_that_fit_our_columns() -> None:
    for country in countries():
        public_days(country, "", 2027)
        for region in regions(country):
            assert len(region) <= 20
            days = public_days(country, region, 2027)
            assert all(one.date.year == 2027 and 0 < len(one.title) <= 120 for one in days), (country, region)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Germany", "DE"),
        (" united  STATES ", "US"),
        ("usa", "US"),
        ("UK", "GB"),
        ("United Kingdom", "GB"),
        ("Switz", "CH"),
        ("nz", "NZ"),
        ("United", None),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_a_country_is_found_by_what_people_call_it(typed: str, code: str | None) -> None:
    assert country_meant(typed) == code


def test_countries_and_regions_are_listed_by_name() -> None:
    names = list(countries().values())
    assert names == sorted(names, key=str.casefold)
    assert len(names) > 200
    assert regions("US")["CA"] == "California"
    assert regions("SG") == {}
    assert country_name("DE") == "Germany"
    assert country_name("ZZ") == "ZZ"


def test_days_that_are_worked_do_not_close() -> None:
    kept = not_worked(public_days("US", "", 2026), ["Independence Day", "Thanksgiving Day"])
    assert {one.name for one in kept} == set(on("US", "", 2026)) - {"Independence Day", "Thanksgiving Day"}


def test_a_name_that_another_edition_changed_is_followed_by_its_date() -> None:
    before = [PublicDay(date(2026, 9, 7), "Labour Day"), PublicDay(date(2026, 12, 25), "Christmas Day")]
    after = [PublicDay(date(2026, 9, 7), "Labor Day"), PublicDay(date(2026, 12, 25), "Christmas Day")]
    assert renamed(["Labour Day", "Christmas Day"], before=before, after=after) == [
        "Labor Day",
        "Christmas Day",
    ]
    assert renamed(["Labour Day"], before=before, after=after[1:]) == ["Labour Day"]


def test_importing_the_rules_or_asking_for_names_does_not_load_the_library() -> None:
    asked = (
        "import sys; import genie.core.availability, genie.core.public_holidays as p; "
        "p.country_name('DE'); p.edition(); print('holidays' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd="src"
    )
    assert told.stdout.strip() == "False"
    assert edition()
