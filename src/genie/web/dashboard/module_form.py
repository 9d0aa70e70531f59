"""The module page's form: labels of PRODUCT.md, and what each answer may be."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from genie.core.errors import AddressRefused
from genie.flows.save_module import ModuleSettings
from genie.flows.wired import provider_settings
from genie.providers.addresses import checked_url
from genie.store.models import Company, Module, Schedule
from genie.store.models.schedule import WEEKDAYS

DAY_NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
UNITS = {"minutes": 1, "hours": 60, "days": 1440}
YEAR = 366 * 1440
"""Minutes: the longest minimum notice."""
MOST_RECIPIENTS = 20


def number(
    label: str, low: int, high: int, *, help_text: str = "", required: bool = True
) -> forms.IntegerField:
    """A whole number; the message says the range instead of two half-answers."""
    said = f"Write a whole number from {low} to {high:,}."
    return forms.IntegerField(
        label=label,
        min_value=low,
        max_value=high,
        required=required,
        help_text=help_text,
        error_messages={"invalid": said, "min_value": said, "max_value": said, "required": said},
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


EXTERNAL = ("external_url", "external_secret", "external_wait_ms")


class ModuleForm(forms.Form):
    """Everything *Save* saves. `initial_of` fills it from a module, `settings` turns it into one."""

    name = forms.CharField(
        label="Name of this module",
        max_length=120,
        help_text="Seen by your team, for example the location: Main office.",
    )
    title = forms.CharField(
        label="Kind of visit",
        max_length=120,
        help_text="Seen by customers, for example Tour or Consultation.",
    )
    place = forms.CharField(
        label="Place",
        max_length=250,
        required=False,
        help_text="Where the visit takes place, as customers read it.",
    )
    schedule = forms.ModelChoiceField(
        label="Availability schedule",
        queryset=Schedule.objects.none(),
        empty_label=None,
        help_text="The opening hours, holidays and busy calendars slots are made from.",
        error_messages={"invalid_choice": "This schedule is not there any more. Choose another one."},
    )
    duration = number("Duration", 1, 1440, help_text="How long a visit takes.")
    between = number(
        "Time between appointments", 0, 1440, help_text="Kept free after each visit, to tidy up or travel."
    )
    start_every = number(
        "Start times every",
        1,
        1440,
        required=False,
        help_text="Leave empty for duration + time between: one visit after the other.",
    )
    capacity = number(
        "Appointments per time slot", 1, 1000, help_text="How many customers may choose the same time."
    )
    per_day = number("Appointments per day", 0, 10_000, help_text="0 = no limit.")
    how_soon = number("How soon", 0, YEAR, help_text="The least notice you need before a visit starts.")
    how_soon_unit = forms.ChoiceField(label="Unit of How soon", choices=[(u, u) for u in UNITS])
    horizon = number("How far in advance", 0, 1100, help_text="The last day offered, counted from today.")
    horizon_unit = forms.ChoiceField(
        label="Unit of How far in advance", choices=[("days", "days"), ("months", "calendar months")]
    )
    tentative_blocks = forms.BooleanField(
        label="Tentative events, and invitations that nobody answered yet, take time as well", required=False
    )
    unreachable_rule = forms.ChoiceField(
        label="If a calendar cannot be reached",
        choices=Module.UnreachableRule.choices,
        help_text="What it said last counts for the hours named here, then this rule. Admins are told.",
    )
    mirror_age_hours = number("What was read last counts for", 1, 720)
    external_url = forms.CharField(
        label="Address that answers for free times",
        max_length=500,
        required=False,
        help_text="It begins with https://. Empty: nobody is asked.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    external_secret = forms.CharField(
        label="Secret for its signature",
        min_length=16,
        max_length=200,
        required=False,
        help_text="At least 16 characters, known to both sides. It is not shown again; empty keeps it.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    external_wait_ms = number(
        "Wait for an answer", 200, 3000, help_text="A visitor waits meanwhile. Then the rules above serve."
    )
    tell_customer = forms.BooleanField(
        label="Send the customer an e-mail when the appointment is booked, moved or cancelled",
        required=False,
    )
    recipients = forms.CharField(
        label="Tell these people of your team",
        required=False,
        max_length=4000,
        help_text="E-mail addresses, one a line. They hear of each booking, move and cancellation.",
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        schedule = self.fields["schedule"]
        assert isinstance(schedule, forms.ModelChoiceField)
        schedule.queryset = Schedule.objects.filter(company=company).order_by("name")
        for day, words in zip(WEEKDAYS, DAY_NAMES, strict=True):
            self.fields[f"capacity_{day}"] = number(words, 1, 1000, required=False)

    @property
    def weekday_fields(self) -> list[forms.BoundField]:
        return [self[f"capacity_{day}"] for day in WEEKDAYS]

    @property
    def differs_by_weekday(self) -> bool:
        """Is any weekday filled in, or wrong: then the part stands open."""
        return any(bound.value() or bound.errors for bound in self.weekday_fields)

    @property
    def asks_another(self) -> bool:
        """Is another system asked for free times, or is something of that wrong."""
        return any(self[name].errors for name in EXTERNAL) or bool(self["external_url"].value())

    def clean_recipients(self) -> tuple[str, ...]:
        lines = self.cleaned_data["recipients"].replace(",", "\n").replace(";", "\n").split("\n")
        addresses = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
        if len(addresses) > MOST_RECIPIENTS:
            raise ValidationError(f"Write at most {MOST_RECIPIENTS} addresses.")
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError:
                raise ValidationError(
                    f"“{address[:80]}” is not an e-mail address. Write one a line, like desk@example.com."
                ) from None
        return tuple(addresses)

    def clean_external_url(self) -> str:
        typed = str(self.cleaned_data["external_url"]).strip()
        try:
            return checked_url(typed, provider_settings()) if typed else ""
        except (AddressRefused, ValueError):
            raise ValidationError(
                "This is no address that can be asked. Write one that begins with https://."
            ) from None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        known = self.initial.get("external_known")
        if data.get("external_url") and not (data.get("external_secret") or known):
            self.add_error("external_secret", "Write a secret of at least 16 characters for the signature.")
        if data.get("how_soon") is not None and data.get("how_soon_unit"):
            data["how_soon_minutes"] = data["how_soon"] * UNITS[data["how_soon_unit"]]
            if data["how_soon_minutes"] > YEAR:
                self.add_error("how_soon", "The notice can be 366 days at most. Write a smaller number.")
        months = data.get("horizon_unit") == "months"
        if months and data.get("horizon") is not None and not 1 <= data["horizon"] <= 36:
            self.add_error("horizon", "Write 1 to 36 calendar months, or choose days.")
        return data

    def settings(self) -> ModuleSettings:
        """The answers of a valid form."""
        data = self.cleaned_data
        months = data["horizon_unit"] == "months"
        weekdays = {day: data[f"capacity_{day}"] for day in WEEKDAYS if data[f"capacity_{day}"]}
        plain = ("name", "title", "place", "duration", "between", "start_every", "capacity", "per_day")
        return ModuleSettings(
            **{name: data[name] for name in plain},
            schedule_id=data["schedule"].pk,
            capacity_by_weekday=weekdays,
            how_soon=data["how_soon_minutes"],
            horizon_days=None if months else data["horizon"],
            horizon_months=data["horizon"] if months else None,
            tentative_blocks=data["tentative_blocks"],
            unreachable_rule=data["unreachable_rule"],
            mirror_age_hours=data["mirror_age_hours"],
            external_url=data["external_url"],
            external_secret=data["external_secret"],
            external_wait_ms=data["external_wait_ms"],
            tell_customer=data["tell_customer"],
            recipients=data["recipients"],
        )


def initial_of(module: Module) -> dict[str, Any]:
    """The form's answers as they are stored."""
    unit = next(u for u in ("days", "hours", "minutes") if module.how_soon % UNITS[u] == 0)
    unit = unit if module.how_soon else "minutes"
    plain = ("name", "title", "place", "duration", "between", "start_every", "capacity", "per_day")
    return {
        **{name: getattr(module, name) for name in plain},
        "schedule": module.schedule_id,
        "how_soon": module.how_soon // UNITS[unit],
        "how_soon_unit": unit,
        "horizon": module.horizon_months if module.horizon_months is not None else module.horizon_days,
        "horizon_unit": "months" if module.horizon_months is not None else "days",
        "tentative_blocks": module.tentative_blocks,
        "unreachable_rule": module.unreachable_rule,
        "mirror_age_hours": module.mirror_age_hours,
        "external_url": module.external_url,
        "external_known": module.external_secret is not None,
        "external_wait_ms": module.external_wait_ms,
        "tell_customer": module.tell_customer,
        "recipients": "\n".join(module.recipients),
        **{f"capacity_{day}": module.capacity_by_weekday.get(day) for day in WEEKDAYS},
    }
