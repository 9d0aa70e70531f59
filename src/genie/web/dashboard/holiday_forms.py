"""Forms of a schedule's holidays: one that is typed in, and the public ones of a country or region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from genie.core.holidays import MONTHS, WEEKDAYS, WEEKS, Holiday
from genie.core.public_holidays import PublicDay, countries, country_meant, country_name, public_days, regions
from genie.web.dashboard.module_form import number
from genie.web.dashboard.schedule_forms import time_field

ON_A_DATE, ON_A_WEEKDAY = "date", "weekday"
FARTHEST = 20
"""Years ahead that a holiday of one year only may be."""
SHORTEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
"""The most days of the months that have not 31."""


def months(label: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, choices=list(enumerate(MONTHS, 1)), coerce=int, required=False)


class HolidayForm(forms.Form):
    """A fixed date or the nth weekday of a month; every year or one; the whole day or a part of it."""

    title = forms.CharField(
        label="Title", max_length=120, help_text="Seen by your team, for example Christmas."
    )
    by = forms.ChoiceField(
        label="When",
        choices=[(ON_A_DATE, "On a date"), (ON_A_WEEKDAY, "On a weekday of a month")],
        error_messages={"invalid_choice": "Choose one of the two."},
    )
    day = number("Day", 1, 31, required=False)
    month = months("Month")
    week = forms.TypedChoiceField(label="Which", choices=list(WEEKS.items()), coerce=int, required=False)
    weekday = forms.TypedChoiceField(
        label="Weekday", choices=list(enumerate(WEEKDAYS)), coerce=int, required=False
    )
    weekday_month = months("Month of the weekday")
    year = forms.IntegerField(
        label="Only in the year",
        required=False,
        help_text="Empty = every year.",
        error_messages={"invalid": "Write a year like 2027, or leave it empty for every year."},
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    start = time_field("Closed from", "Empty = from the start of the day.")
    end = time_field("Closed to", "Empty = to the end of the day.")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("by") == ON_A_DATE:
            self._check_date(data)
        self._check_year(data)
        start, end = data.get("start"), data.get("end")
        if start and end and end <= start:
            self.add_error("end", "The end is not after the start. Choose a later time, or leave it empty.")
        if not self.errors and data["year"] and self.holiday().date_in(data["year"]) is None:
            wrong = "day" if data["by"] == ON_A_DATE else "week"
            self.add_error(wrong, f"There is no such day in {data['year']}. Choose another day or year.")
        return data

    def _check_date(self, data: dict[str, Any]) -> None:
        day, month = data.get("day"), data.get("month")
        if not month:
            self.add_error("month", "Choose a month.")
        elif day is None and "day" not in self.errors:
            self.add_error("day", "Write the day of the month, for example 25.")
        elif day and day > SHORTEST.get(month, 31):
            self.add_error(
                "day", f"{MONTHS[month - 1]} has {SHORTEST[month]} days at most. Write a smaller day."
            )

    def _check_year(self, data: dict[str, Any]) -> None:
        year = data.get("year")
        if year is not None and not self.today.year <= year <= self.today.year + FARTHEST:
            latest = self.today.year + FARTHEST
            self.add_error("year", f"Write a year from {self.today.year} to {latest}, or leave it empty.")

    def holiday(self) -> Holiday:
        """The answers of a valid form."""
        data = self.cleaned_data
        plain = {name: data[name] for name in ("title", "year", "start", "end")}
        if data["by"] == ON_A_DATE:
            return Holiday(month=data["month"], day=data["day"], **plain)
        # what a select does not send is its first choice
        weekday, week = data["weekday"] or 0, data["week"] or 1
        return Holiday(month=data["weekday_month"] or 1, weekday=weekday, week=week, **plain)


def initial_of(holiday: Holiday | None, today: date) -> dict[str, Any]:
    """The form's answers as they are stored; of a new one a date of this month."""
    if holiday is None:
        return {"by": ON_A_DATE, "month": today.month, "weekday_month": today.month}
    by_weekday = holiday.week is not None
    return {
        "title": holiday.title,
        "by": ON_A_WEEKDAY if by_weekday else ON_A_DATE,
        "day": holiday.day,
        "month": holiday.month,
        "week": holiday.week,
        "weekday": holiday.weekday,
        "weekday_month": holiday.month,
        "year": holiday.year,
        "start": holiday.start,
        "end": holiday.end,
    }


@dataclass(frozen=True, slots=True)
class PublicName:
    """A public holiday by its name: its next dates, each with what is special about it; is it worked?"""

    name: str
    days: Sequence[PublicDay]
    worked: bool


@dataclass
class PublicChoice:
    """Which country and region, and which of their days are worked all the same."""

    typed: str = ""
    country: str = ""
    region: str = ""
    regions: dict[str, str] = field(default_factory=dict)
    names: list[PublicName] = field(default_factory=list)
    problem: str = ""

    @property
    def name(self) -> str:
        """*United States, Vermont*."""
        return place_name(self.country, self.region)

    @classmethod
    def asked(cls, data: QueryDict, now: date) -> PublicChoice:
        """From `country` (a name or code) and `region` of an address or a sent form."""
        typed, region = data.get("country", "").strip()[:100], data.get("region", "")
        code = country_meant(typed)
        if code is None:
            return cls(typed=typed, problem=UNKNOWN if typed else "")
        return cls.of(code, region if region in regions(code) else "", data.getlist("worked"), now)

    @classmethod
    def of(cls, country: str, region: str, worked: Sequence[str], today: date) -> PublicChoice:
        names: dict[str, list[PublicDay]] = {}
        for one in next_days(country, region, today):
            names.setdefault(one.name, []).append(one)
        return cls(
            typed=country_name(country),
            country=country,
            region=region,
            regions=dict(regions(country)),
            names=[PublicName(name, days, name in worked) for name, days in names.items()],
        )

    def left_out(self, data: QueryDict, before: Sequence[str] = ()) -> list[str]:
        """The names that were ticked, and those of `before` that this year does not show."""
        shown = {one.name for one in self.names}
        ticked = [name for name in data.getlist("worked") if name in shown]
        return [*ticked, *(name for name in before if name not in shown)]


UNKNOWN = (
    "No country of this name has public holidays here, so there is nothing to show. Type its English name "
    "and choose from the list, for example Germany."
)


def next_days(country: str, region: str, today: date) -> list[PublicDay]:
    """The public holidays of twelve months from today."""
    last = a_year_from(today)
    years = range(today.year, last.year + 1)
    return [one for year in years for one in public_days(country, region, year) if today <= one.date < last]


def a_year_from(today: date) -> date:
    """The same date a year later; of 29 February the next day."""
    try:
        return today.replace(year=today.year + 1)
    except ValueError:
        return (today + timedelta(days=1)).replace(year=today.year + 1)


def place_name(country: str, region: str) -> str:
    return (
        f"{country_name(country)}, {regions(country).get(region, region)}"
        if region
        else country_name(country)
    )


def country_choices() -> list[str]:
    return list(countries().values())
