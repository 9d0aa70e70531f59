"""Save a kind of appointment of a module: its name, duration and place, and settings of its own."""

from __future__ import annotations

from dataclasses import dataclass, fields

from django.db.models import Max
from django.db.transaction import atomic
from django.utils.text import slugify

from genie.core.names import name_from
from genie.flows.seat import lock_module
from genie.store.models import AppointmentKind, Module

MOST = 50
"""Kinds of one module: a longer list is none that a visitor chooses from."""
STEM_LIMIT = 55


class NameTaken(Exception):
    """Another kind of the module is called so; visitors could not tell them apart."""


class TooManyKinds(Exception):
    """The module has as many as it may; the message says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSettings:
    """Minutes unless said otherwise. None is the module's; at most one horizon is set."""

    name: str
    duration: int
    place_kind: AppointmentKind.PlaceKind = AppointmentKind.PlaceKind.ADDRESS
    place: str = ""
    between: int | None = None
    start_every: int | None = None
    capacity: int | None = None
    per_day: int | None = None
    how_soon: int | None = None
    horizon_days: int | None = None
    horizon_months: int | None = None

    def __post_init__(self) -> None:
        steps = (self.duration, self.capacity, self.start_every)
        if any(number is not None and number <= 0 for number in steps):
            raise ValueError("duration, capacity and steps are at least 1")
        if self.horizon_days is not None and self.horizon_months is not None:
            raise ValueError("the horizon is either days or months")


def save_kind(
    *, company_id: int, module_id: int, kind_id: int | None, settings: KindSettings, keep_own: bool = False
) -> AppointmentKind:
    """Add (`kind_id` None, after all others) or change one. Existing appointments stay as they are.

    A kind's address on the web is made from its name and stays when it is renamed. `keep_own`: the first kind
    of a module does not replace the module's own title, duration and place; these become a kind before it,
    unless it is called the same.

    Raises Module.DoesNotExist and AppointmentKind.DoesNotExist for what is not the company's, NameTaken,
    NotAName, TooManyKinds.
    """
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        module = lock_module(module_id)  # no booking reads half of the old and half of the new rules
        if kind_id is not None:
            return _fill(module.kinds.get(id=kind_id), settings)
        same = settings.name.strip().casefold() == module.title.strip().casefold()
        if keep_own and not same and not module.kinds.exists():
            own = KindSettings(name=module.title, duration=module.duration, place=module.place)
            _fill(_new(module), own)
        if module.kinds.count() >= MOST:
            raise TooManyKinds(
                f"Nothing was added, because this module has {MOST} kinds already. Delete some that are not "
                "offered any more, or add a module for what is different altogether."
            )
        return _fill(_new(module), settings)


def _new(module: Module) -> AppointmentKind:
    last = module.kinds.aggregate(last=Max("position"))["last"]
    return AppointmentKind(module=module, position=0 if last is None else last + 1)


def _fill(kind: AppointmentKind, settings: KindSettings) -> AppointmentKind:
    name = name_from(settings.name)
    others = AppointmentKind.objects.filter(module=kind.module_id).exclude(id=kind.id)
    if others.filter(name__iexact=name).exists():
        raise NameTaken(
            f"Another kind of this module is called “{name}”, so nothing was saved: visitors could not tell "
            "the two apart. Write a name that differs."
        )
    for field in fields(KindSettings):
        setattr(kind, field.name, getattr(settings, field.name))
    kind.name = name
    kind.slug = kind.slug or _free_slug(name, set(others.values_list("slug", flat=True)))
    kind.save()
    return kind


def _free_slug(name: str, taken: set[str]) -> str:
    stem = slugify(name)[:STEM_LIMIT].strip("-") or "kind"
    return next(slug for n in range(1, MOST + 2) if (slug := stem if n == 1 else f"{stem}-{n}") not in taken)
