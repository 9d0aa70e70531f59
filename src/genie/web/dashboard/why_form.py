"""Which time is asked about: what is booked, with whom, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from genie.core.hours import readings_of
from genie.core.saying import said_day, said_place
from genie.store.models import AppointmentKind, Company, Module, StaffMember
from genie.store.queries.appointments import modules_of
from genie.store.queries.staff import staff_of
from genie.web.dashboard.leads.forms import YEARS, SaneDate, TimeInput

Choice = tuple[Module, AppointmentKind | None]


class WhyForm(forms.Form):
    """`what` is a module's slug, or `<module>/<kind>`. Either `at`, an instant, or `date` and `time` as the
    clocks of the module's schedule show them. `readings` are the instants of a time that comes twice."""

    what = forms.ChoiceField(
        label="What is booked",
        error_messages={
            "invalid_choice": "There is nothing of that name here, or one of its kinds is meant."
        },
    )
    staff = forms.TypedChoiceField(
        label="With",
        required=False,
        coerce=int,
        empty_value=None,
        error_messages={"invalid_choice": "There is no such staff member here."},
    )
    date = SaneDate(label="Date", error_messages={"required": "Choose a date."})
    time = forms.TimeField(
        label="Time",
        widget=TimeInput(),
        input_formats=["%H:%M", "%H:%M:%S"],
        error_messages={
            "required": "Choose a time.",
            "invalid": "Write it as hours and minutes, like 09:30.",
        },
    )
    at = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, company: Company, **more: Any) -> None:
        super().__init__(data, **more)
        self.readings: list[datetime] = []
        modules = modules_of(company_id=company.pk).select_related("schedule").prefetch_related("kinds")
        grouped = [(module.name, list(_choices(module))) for module in modules]
        self.choices: dict[str, Choice] = {slug: one for _, rows in grouped for slug, _, one in rows}
        self.fields["what"].choices = [  # type: ignore[attr-defined]
            (name, [(slug, words) for slug, words, _ in rows]) for name, rows in grouped
        ]
        self.people = {one.pk: one for one in staff_of(company_id=company.pk)}
        people = [("", "Whoever is free"), *((str(pk), one.name) for pk, one in self.people.items())]
        self.fields["staff"].choices = people  # type: ignore[attr-defined]
        if data and data.get("at"):
            self.fields["date"].required = self.fields["time"].required = False

    @property
    def asked(self) -> Choice:
        return self.choices[self.cleaned_data["what"]]

    @property
    def person(self) -> StaffMember | None:
        return self.people.get(self.cleaned_data.get("staff") or 0)

    def clean_at(self) -> datetime | None:
        text = self.cleaned_data["at"]
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise forms.ValidationError("Say the instant with its offset, such as 2026-03-02T14:00:00Z.")
        if found.year not in YEARS:
            raise forms.ValidationError("Choose a time between the years 2000 and 2100.")
        return found.astimezone(UTC)

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not self.errors and not given["at"]:
            given["at"] = self._instant()
        return given

    def _instant(self) -> datetime | None:
        """What the wall time means; None, and an error that says so, unless it is one instant."""
        zone = ZoneInfo(self.asked[0].schedule.zone)
        wall = datetime.combine(self.cleaned_data["date"], self.cleaned_data["time"])
        found = readings_of(wall, zone)
        if len(found) == 1:
            return found[0]
        said = f"{wall:%H:%M} on {said_day(wall.replace(tzinfo=zone), zone.key)} in {said_place(zone.key)}"
        if found:
            self.readings = found
            self.add_error("time", f"{said} comes twice, as the clocks go back. Say which of the two.")
        else:
            self.add_error(
                "time",
                f"{said} does not exist: the clocks go forward over it. Choose an earlier or a later time.",
            )
        return None


def _choices(module: Module) -> list[tuple[str, str, Choice]]:
    """What of a module can be asked about: (value, words, meant). A module without kinds is its own."""
    kinds = list(module.kinds.all())
    found: list[tuple[str, str, Choice]] = []
    if not any(kind.enabled for kind in kinds):
        found.append((module.slug, f"{module.title}, {module.duration} minutes", (module, None)))
    for kind in kinds:
        words = f"{kind.name}, {kind.duration} minutes{'' if kind.enabled else ' (switched off)'}"
        found.append((f"{module.slug}/{kind.slug}", words, (module, kind)))
    return found
