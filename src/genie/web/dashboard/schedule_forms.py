"""Forms of an availability schedule: weekly hours, dates with other hours, time off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from genie.core.hours import instant_of
from genie.core.spans import moment
from genie.core.week import DayRange
from genie.core.zones import known_zones, zone_meant
from genie.store.models import OpeningHours
from genie.web.dashboard.module_form import DAY_NAMES

MOST_RANGES = 12
"""Ranges of one weekday."""


class ScheduleForm(forms.Form):
    """Name and zone; the weekly hours are a `Week`."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="Seen by your team, for example Office hours."
    )
    zone = forms.CharField(
        label="Time zone",
        max_length=64,
        help_text="Type a city to search, for example New York. Opening hours are said in this zone.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_zone(self) -> str:
        zone = zone_meant(self.cleaned_data["zone"])
        if zone is not None:
            return zone
        raise ValidationError(
            "This is no time zone we know, so the opening hours could not be placed. "
            "Type the nearest large city and choose from the list, for example America/New_York."
        )


@dataclass
class Row:
    """One range of a weekday as typed; both empty = no range."""

    opens: str = ""
    closes: str = ""
    problem: str = ""

    @property
    def past_midnight(self) -> bool:
        return bool(self.opens and self.closes) and self.closes <= self.opens

    @property
    def whole_day(self) -> bool:
        return self.opens == self.closes == "00:00"

    def read(self, weekday: int) -> DayRange | None:
        """The range, or None and `problem` says why (or nothing, for an empty row)."""
        if not self.opens and not self.closes:
            return None
        if not self.opens or not self.closes:
            self.problem = "Write both times, or remove the row."
            return None
        opens, closes = as_time(self.opens), as_time(self.closes)
        if opens is None or closes is None:
            self.problem = "Write times as hours and minutes, like 09:30."
            return None
        if opens == closes and opens != time():
            self.problem = "Opens and closes at the same time. For the whole day write 00:00 to 00:00."
            return None
        return DayRange(weekday, opens, closes)


@dataclass
class Week:
    """Weekly hours on their way between the page and the flow."""

    days: list[list[Row]] = field(default_factory=lambda: [[] for _ in range(7)])
    ranges: list[DayRange] = field(default_factory=list)
    problems: bool = False

    @classmethod
    def of(cls, hours: Iterable[OpeningHours | DayRange]) -> Week:
        week = cls()
        for one in hours:
            week.days[one.weekday].append(Row(f"{one.opens:%H:%M}", f"{one.closes:%H:%M}"))
        return week

    @classmethod
    def typed(cls, data: QueryDict) -> Week:
        """From `opens-0`, `closes-0` … of a posted page: one pair per row, 0 = Monday."""
        week = cls()
        for weekday in range(7):
            pairs = zip(data.getlist(f"opens-{weekday}"), data.getlist(f"closes-{weekday}"), strict=False)
            for opens, closes in pairs:
                row = Row(opens.strip()[:8], closes.strip()[:8])
                one = row.read(weekday)
                if one:
                    week.ranges.append(one)
                if one or row.problem:
                    week.days[weekday].append(row)
            if len(week.days[weekday]) > MOST_RANGES:
                week.days[weekday][-1].problem = f"Write at most {MOST_RANGES} ranges a day."
        week.problems = any(row.problem for rows in week.days for row in rows)
        return week

    @property
    def shown(self) -> list[tuple[int, str, list[Row]]]:
        """(weekday, its name, rows and one empty row to fill in without script)."""
        return [
            (n, name, [*rows, Row()]) for n, (name, rows) in enumerate(zip(DAY_NAMES, self.days, strict=True))
        ]


def as_time(text: str) -> time | None:
    """A wall time like 09:30 (seconds are cut); None if it is none."""
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        return None


def date_field(label: str, *, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=required,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Write a date like 2026-12-24.", "required": "Choose a date."},
    )


def time_field(label: str, help_text: str = "") -> forms.TimeField:
    return forms.TimeField(
        label=label,
        required=False,
        help_text=help_text,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": "Write a time like 09:30."},
    )


class DateHoursForm(forms.Form):
    """One date with other hours than its weekday; no time at all = closed."""

    day = date_field("Date")
    opens = time_field("Opens", "Leave both times empty for closed all day.")
    closes = time_field("Closes")
    opens_again = time_field("Opens again")
    closes_again = time_field("Closes again")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for opens, closes in (("opens", "closes"), ("opens_again", "closes_again")):
            given = [data.get(opens), data.get(closes)]
            if given.count(None) == 1 and not (self.errors.get(opens) or self.errors.get(closes)):
                self.add_error(closes if given[1] is None else opens, "Write both times, or neither.")
            elif given[0] is not None and given[0] == given[1] != time():
                self.add_error(
                    closes, "Opens and closes at the same time. For the whole day write 00:00 to 00:00."
                )
        return data

    def ranges(self) -> list[tuple[time, time]]:
        data = self.cleaned_data
        pairs = ((data["opens"], data["closes"]), (data["opens_again"], data["closes_again"]))
        return [(opens, closes) for opens, closes in pairs if opens is not None]


class TimeOffForm(forms.Form):
    """Whole days or a part of one, in the schedule's zone."""

    title = forms.CharField(label="Title", max_length=120, required=False)
    first = date_field("From")
    first_time = time_field("From, time", "Empty = from the start of the day.")
    last = date_field("To", required=False)
    last_time = time_field("To, time", "Empty = to the end of the day. Without a date: the same day.")

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        data["start"], data["end"] = span_of(data, self.zone)
        if data["end"] <= data["start"]:
            self.add_error("last", "The end is not after the start. Choose a later date or time.")
        elif data["end"] - data["start"] > timedelta(days=3 * 366):
            self.add_error("last", "Time off can last three years at most. Choose an earlier end.")
        return data


def span_of(data: Mapping[str, Any], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Start and end as instants. A day ends where the next one begins."""
    first: date = data["first"]
    last: date = data["last"] or first
    start = instant_of(first, data["first_time"] or time(), zone)
    if data["last_time"]:
        return moment(start), moment(instant_of(last, data["last_time"], zone))
    return moment(start), moment(instant_of(last + timedelta(days=1), time(), zone))


def today_in(zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone) if zone in known_zones() else UTC).date()
