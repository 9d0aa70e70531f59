"""Save a Schedule Genie module's settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.transaction import atomic

from genie.flows.seat import lock_module
from genie.store.models import Module, Schedule
from genie.store.sealed import seal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSettings:
    """What *Save* on the module page saves. Minutes unless said otherwise; exactly one horizon is set."""

    name: str
    schedule_id: int
    title: str
    place: str = ""
    duration: int
    between: int = 0
    start_every: int | None = None
    capacity: int = 1
    capacity_by_weekday: dict[str, int] = field(default_factory=dict)
    per_day: int = 0
    how_soon: int = 60
    horizon_days: int | None = 60
    horizon_months: int | None = None
    tentative_blocks: bool = True
    unreachable_rule: str = Module.UnreachableRule.KEEP_OFFERING
    mirror_age_hours: int = 24
    external_url: str = ""
    """Who is asked for free times in place of the opening hours; "" for nobody: then its secret goes too."""
    external_secret: str = ""
    """A new one; "" keeps what is there."""
    external_wait_ms: int = 1500
    tell_customer: bool = True
    recipients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (
            self.duration <= 0
            or self.capacity <= 0
            or (self.start_every is not None and self.start_every <= 0)
        ):
            raise ValueError("duration, capacity and steps are at least 1")
        if (self.horizon_days is None) == (self.horizon_months is None):
            raise ValueError("the horizon is either days or months")


def save_module(*, company_id: int, module_id: int, settings: ModuleSettings) -> Module:
    """Change a module of the company. Existing appointments stay as they are.

    Raises Module.DoesNotExist or Schedule.DoesNotExist for what is not the company's.
    """
    with atomic():
        Module.objects.only("id").get(id=module_id, company_id=company_id)
        module = lock_module(module_id)  # no booking reads half of the old and half of the new rules
        return fill(module, settings)


def fill(module: Module, settings: ModuleSettings) -> Module:
    """Put the settings into the module and save it; Schedule.DoesNotExist unless the company's."""
    Schedule.objects.only("id").get(id=settings.schedule_id, company_id=module.company_id)
    if module.external_url != settings.external_url:
        module.external_trouble, module.external_failed_at = "", None
    for name in ModuleSettings.__dataclass_fields__:
        if name != "external_secret":
            setattr(module, name, getattr(settings, name))
    if settings.external_secret:
        module.external_secret = seal({"secret": settings.external_secret})
    if not settings.external_url:
        module.external_secret = None
    module.recipients = list(settings.recipients)
    module.save()
    return module
