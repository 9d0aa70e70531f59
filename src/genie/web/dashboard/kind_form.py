"""The form of a kind of appointment: each setting may be left to the module."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from genie.core.places import PlaceKind
from genie.flows.save_kind import KindSettings
from genie.store.models import AppointmentKind, Module
from genie.web.booking.answers import phone_of
from genie.web.booking.zones import country_of
from genie.web.dashboard.module_form import UNITS, YEAR, number

OWN = ("between", "start_every", "capacity", "per_day")
"""Numbers that are the module's while they are empty, under the names they have there."""

PLACES = {
    PlaceKind.ADDRESS: "Customers come to an address. Empty: the module’s place.",
    PlaceKind.PHONE: "The number customers call. Empty: you call them, and the page asks for their number.",
    PlaceKind.VIDEO: (
        "A link beginning with https://. Only those who have booked see it. Empty: you write a link into "
        "each appointment."
    ),
}


class KindForm(forms.Form):
    """Everything *Save* saves of a kind; what is empty is the module's, and each field says what that is."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="As customers read it, for example First visit."
    )
    duration = number("Duration", 1, 1440, help_text="How long it takes.")
    place_kind = forms.ChoiceField(
        label="Place",
        choices=AppointmentKind.PlaceKind.choices,
        error_messages={"invalid_choice": "Choose one of the three."},
    )
    place = forms.CharField(label="Address, number or link", max_length=250, required=False)
    between = number("Time between appointments", 0, 1440, required=False)
    start_every = number("Start times every", 1, 1440, required=False)
    capacity = number(
        "Appointments per time slot",
        1,
        1000,
        required=False,
        help_text="While one of these runs, so many at most, whatever their kind. 1 = nobody else.",
    )
    per_day = number(
        "Appointments per day",
        0,
        10_000,
        required=False,
        help_text="Of this kind. The module’s own limit counts all kinds together.",
    )
    how_soon = number("How soon", 0, YEAR, required=False)
    how_soon_unit = forms.ChoiceField(
        label="Unit of How soon", choices=[(u, u) for u in UNITS], required=False
    )
    horizon = number("How far in advance", 0, 1100, required=False)
    horizon_unit = forms.ChoiceField(
        label="Unit of How far in advance",
        choices=[("days", "days"), ("months", "calendar months")],
        required=False,
    )
    keep_own = forms.BooleanField(required=False)

    def __init__(self, *args: Any, module: Module, first: bool = False, **kwargs: Any) -> None:
        """`first`: the module has no kind yet, so that its own would not be offered beside this one."""
        super().__init__(*args, **kwargs)
        self.module = module
        for name, (figure, words) in as_the_module(module).items():
            field = self.fields[name]
            field.widget.attrs["placeholder"] = figure
            field.help_text = f"{field.help_text} Empty: {words}.".strip()
        if first:
            own = f"“{module.title}”, {module.duration} minutes"
            self.fields["keep_own"].label = f"Keep offering {own}, as another kind"
        else:
            del self.fields["keep_own"]

    @property
    def has_own(self) -> bool:
        """Is any setting not the module's, or wrong: then that part stands open."""
        return any(self[name].value() not in (None, "") for name in (*OWN, "how_soon", "horizon"))

    @property
    def places(self) -> list[tuple[str, str, str]]:
        """(value, its word, what to write in each case)."""
        return [(value, word, PLACES[PlaceKind(value)]) for value, word in AppointmentKind.PlaceKind.choices]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["how_soon_minutes"] = None
        if data.get("how_soon") is not None:
            data["how_soon_minutes"] = data["how_soon"] * UNITS[data.get("how_soon_unit") or "minutes"]
            if data["how_soon_minutes"] > YEAR:
                self.add_error("how_soon", "The notice can be 366 days at most. Write a smaller number.")
        months = data.get("horizon_unit") == "months"
        if months and data.get("horizon") is not None and not 1 <= data["horizon"] <= 36:
            self.add_error("horizon", "Write 1 to 36 calendar months, or choose days.")
        if data.get("place") and data.get("place_kind"):
            self._check_place(data["place_kind"], data)
        return data

    def _check_place(self, kind: str, data: dict[str, Any]) -> None:
        try:
            if kind == PlaceKind.VIDEO:
                URLValidator(schemes=["https"])(data["place"])
            elif kind == PlaceKind.PHONE:
                phone_of(data["place"], country_of(self.module.schedule.zone))
        except ValidationError:
            self.add_error("place", WRONG[PlaceKind(kind)])

    def settings(self) -> KindSettings:
        """The answers of a valid form."""
        data = self.cleaned_data
        months = data["horizon_unit"] == "months"
        plain = ("name", "duration", "place", *OWN)
        return KindSettings(
            **{name: data[name] for name in plain},
            place_kind=AppointmentKind.PlaceKind(data["place_kind"]),
            how_soon=data["how_soon_minutes"],
            horizon_days=None if months else data["horizon"],
            horizon_months=data["horizon"] if months else None,
        )


WRONG = {
    PlaceKind.VIDEO: (
        "This is no link that can be opened. Copy it whole from your video program: it begins with https://."
    ),
    PlaceKind.PHONE: (
        "This does not look like a phone number. Write it with the country code, for example "
        "+1 202 555 0123, or leave it empty if you call the customer."
    ),
}


def as_the_module(module: Module) -> dict[str, tuple[str, str]]:
    """What an empty field stands for, by its name: the number, and the same in words."""
    every = _many(module.start_every, "minutes") if module.start_every else "duration + time between"
    unit, soon = unit_of(module.how_soon)
    far, far_unit = module.horizon_days, "days"
    if module.horizon_months is not None:
        far, far_unit = module.horizon_months, "calendar months"
    return {
        "between": (f"{module.between}", f"as the module, {_many(module.between, 'minutes')}"),
        "start_every": (f"{module.start_every or ''}", f"as the module, {every}"),
        "capacity": (f"{module.capacity}", f"as the module, {module.capacity}"),
        "per_day": ("", "no limit of its own"),
        "how_soon": (f"{soon}", f"as the module, {_many(soon, unit)}"),
        "horizon": (f"{far}", f"as the module, {_many(far or 0, far_unit)}"),
    }


def _many(number: int, unit: str) -> str:
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"


def unit_of(minutes: int) -> tuple[str, int]:
    """The largest unit that says so many minutes in a whole number, and that number."""
    unit = next(u for u in ("days", "hours", "minutes") if minutes % UNITS[u] == 0) if minutes else "minutes"
    return unit, minutes // UNITS[unit]


def initial_of(kind: AppointmentKind | None, module: Module) -> dict[str, Any]:
    """The form's answers as they are stored; of a new kind those that most will want."""
    if kind is None:
        unit, _ = unit_of(module.how_soon)
        place = AppointmentKind.PlaceKind.ADDRESS
        horizon_unit = "days" if module.horizon_months is None else "months"
        return {
            "duration": module.duration,
            "place_kind": place,
            "how_soon_unit": unit,
            "horizon_unit": horizon_unit,
            "keep_own": True,
        }
    unit, soon = unit_of(module.how_soon if kind.how_soon is None else kind.how_soon)
    months = kind.horizon_months is not None or (
        kind.horizon_days is None and module.horizon_months is not None
    )
    return {
        **{name: getattr(kind, name) for name in ("name", "duration", "place_kind", "place", *OWN)},
        "how_soon": None if kind.how_soon is None else soon,
        "how_soon_unit": unit,
        "horizon": kind.horizon_days if kind.horizon_months is None else kind.horizon_months,
        "horizon_unit": "months" if months else "days",
    }
