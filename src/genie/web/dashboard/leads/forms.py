"""What the Leads pages are asked for, and what is typed into them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from genie.core.event import NOTES_LIMIT, PLACE_LIMIT, TITLE_LIMIT
from genie.core.hours import MIDNIGHT, instant_of
from genie.core.saying import zone_of
from genie.core.spans import moment
from genie.store.models import Appointment, Company
from genie.store.queries.appointments import SORTS, LeadsWanted, Showing, modules_of
from genie.store.queries.staff import staff_of

SHOWING = [
    (Showing.LIVE, "Confirmed"),
    (Showing.CANCELLED, "Cancelled"),
    (Showing.ATTENTION, "Needs attention"),
    (Showing.ALL, "All"),
]
YEARS = range(2000, 2101)
"""A year outside of these is a slip of the finger, and far from where dates end."""
LONGEST_FEED = timedelta(days=100)


def midnight(day: date, zone: str) -> datetime:
    """Where a local date begins, as an instant."""
    return at_wall(datetime.combine(day, MIDNIGHT), zone)


def at_wall(wall: datetime, zone: str) -> datetime:
    """A wall time of a zone as an instant; in the hour that comes twice, the first."""
    return moment(instant_of(wall.date(), wall.time(), ZoneInfo(zone) if zone_of(zone) else ZoneInfo("UTC")))


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **attrs: Any) -> None:
        super().__init__(format="%Y-%m-%d", attrs=attrs)


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, **attrs: Any) -> None:
        super().__init__(format="%H:%M", attrs=attrs)


class SaneDate(forms.DateField):
    widget = DateInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day and day.year not in YEARS:
            raise forms.ValidationError("Choose a date between the years 2000 and 2100.")
        return day


class InstantField(forms.CharField):
    """A date (its first instant), a wall time, or a time with its offset from UTC, in ISO 8601."""

    def __init__(self, *, zone: str = "UTC", **kwargs: Any) -> None:
        super().__init__(max_length=40, **kwargs)
        self.zone = zone

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        except ValueError:
            raise forms.ValidationError(
                "This is not a date or time such as 2026-03-02 or 2026-03-02T09:00."
            ) from None
        if found.year not in YEARS:
            raise forms.ValidationError("Choose a time between the years 2000 and 2100.")
        return found.astimezone(UTC) if found.tzinfo else at_wall(found, self.zone)


class CalendarFilter(forms.Form):
    """Which appointments the calendar shows."""

    module = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    staff = forms.TypedChoiceField(label="With", required=False, coerce=int, empty_value=None)
    state = forms.ChoiceField(required=False, choices=SHOWING, initial=Showing.LIVE)

    def __init__(self, data: Any, *, company: Company) -> None:
        super().__init__(data)
        self.company = company
        self.modules = list(modules_of(company_id=company.pk))
        choices = [("", "All modules"), *((str(m.pk), m.name) for m in self.modules)]
        self.fields["module"].choices = choices  # type: ignore[attr-defined]
        self.people = list(staff_of(company_id=company.pk))
        if self.people:
            choices = [("", "Everybody"), *((str(one.pk), one.name) for one in self.people)]
            self.fields["staff"].choices = choices  # type: ignore[attr-defined]
        else:  # a company without staff members is not asked about them
            del self.fields["staff"]

    def chosen(self, name: str, otherwise: Any = None) -> Any:
        """The value of a field; where it was not or wrongly given, `otherwise`."""
        return otherwise if name in self.errors else self.cleaned_data.get(name) or otherwise

    @property
    def module_id(self) -> int | None:
        found: int | None = self.chosen("module")
        return found

    @property
    def staff_id(self) -> int | None:
        found: int | None = self.chosen("staff")
        return found

    @property
    def showing(self) -> Showing:
        return Showing(self.chosen("state", Showing.LIVE))


class CalendarPage(CalendarFilter):
    """The calendar's address: filter, view, and a date within what is shown."""

    VIEWS = ("month", "week", "day", "agenda")

    date = SaneDate(required=False)
    view = forms.ChoiceField(required=False, choices=[(v, v) for v in VIEWS])


class FeedSpan(CalendarFilter):
    """What the calendar grid asks for: at most 100 days."""

    start = InstantField()
    end = InstantField()
    look = forms.BooleanField(required=False)

    def __init__(self, data: Any, *, company: Company) -> None:
        super().__init__(data, company=company)
        for name in ("start", "end"):
            field = self.fields[name]
            assert isinstance(field, InstantField)
            field.zone = company.zone

    def clean(self) -> dict[str, Any] | None:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and end <= start:
            self.add_error("end", "The end must be after the start.")
        elif start and end and end - start > LONGEST_FEED + timedelta(hours=1):
            self.add_error("end", "Ask for at most 100 days at once.")
        return super().clean()


class LeadsFilter(CalendarFilter):
    """What of the Leads list is shown, and in which order. A wrong value is said and left out."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, e-mail or phone"}),
    )
    first = SaneDate(label="From", required=False)
    last = SaneDate(label="To", required=False)
    sort = forms.ChoiceField(
        required=False,
        choices=[(sign + name, name) for name in SORTS for sign in ("", "-")],
        widget=forms.HiddenInput,
    )

    field_order = ("q", "module", "staff", "state", "first", "last", "sort")

    def __init__(self, data: Any, *, company: Company) -> None:
        super().__init__(data, company=company)
        states = [choice for choice in SHOWING if choice[0] != Showing.ALL]
        self.fields["state"].choices = [("", "All states"), *states]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last and last < first:
            self.add_error("last", "This is before the first date. Choose a later one.")
        return super().clean()

    @property
    def showing(self) -> Showing:
        return Showing(self.chosen("state", Showing.ALL))

    @property
    def order(self) -> str:
        return str(self.chosen("sort", "-booked"))

    def wanted(self) -> LeadsWanted:
        """The question for the tables; dates are local dates of the company, both included."""
        first, last = self.chosen("first"), self.chosen("last")
        zone = self.company.zone
        return LeadsWanted(
            search=self.chosen("q", ""),
            module_id=self.module_id,
            staff_id=self.staff_id,
            showing=self.showing,
            first=midnight(first, zone) if first else None,
            until=midnight(last + timedelta(days=1), zone) if last else None,
            sort=self.order,
        )


class EditForm(forms.Form):
    """What an appointment says; `revision` is the one the person saw."""

    title = forms.CharField(max_length=TITLE_LIMIT)
    place = forms.CharField(max_length=PLACE_LIMIT, required=False)
    notes = forms.CharField(max_length=NOTES_LIMIT, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    revision = forms.IntegerField(widget=forms.HiddenInput)

    @classmethod
    def of(cls, appointment: Appointment) -> EditForm:
        names = ("title", "place", "notes", "revision")
        return cls(initial={name: getattr(appointment, name) for name in names})


class MoveForm(forms.Form):
    """A new time: an instant, a wall time of the company's zone, or date and time in the appointment's."""

    start = InstantField(required=False)
    wall = InstantField(required=False)
    date = SaneDate(required=False)
    time = forms.TimeField(required=False, widget=TimeInput(), input_formats=["%H:%M", "%H:%M:%S"])

    def __init__(self, data: Any = None, *, appointment: Appointment) -> None:
        super().__init__(data)
        self.appointment = appointment
        field = self.fields["wall"]
        assert isinstance(field, InstantField)
        field.zone = appointment.company.zone

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        start = given.get("start") or given.get("wall")
        if not start and given.get("date") and given.get("time"):
            start = at_wall(datetime.combine(given["date"], given["time"]), self.appointment.zone)
        if not start and not self.errors:
            raise forms.ValidationError("Choose a date and a time.")
        return {**given, "start": start}


class SureForm(forms.Form):
    """That a person means it, of the appointment as they saw it."""

    revision = forms.IntegerField()
    forced = forms.BooleanField(required=False)
