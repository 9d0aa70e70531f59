"""A Schedule Genie module: one kind of visit at one place, with its own page and settings."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from genie.store.models.schedule import Schedule
from genie.store.models.tenancy import Company


class Module(models.Model):
    """What a company enables under *Apps*. Minutes unless said otherwise; labels are PRODUCT.md's."""

    class ConflictRule(models.TextChoices):
        CALENDAR_WINS = "calendar_wins", "Calendar wins"
        DASHBOARD_WINS = "dashboard_wins", "Dashboard wins"

    class InboundRule(models.TextChoices):
        APPLY_AND_TELL = "apply_and_tell", "Apply and tell the customer"
        APPLY_SILENTLY = "apply_silently", "Apply silently"

    class UnreachableRule(models.TextChoices):
        KEEP_OFFERING = "keep_offering", "Keep offering from what was last read"
        OFFER_NOTHING = "offer_nothing", "Offer nothing"

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="modules")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60)
    enabled = models.BooleanField(default=True)
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, related_name="modules")
    title = models.CharField(max_length=120, default="Appointment", help_text="kind of visit, e.g. Tour")
    place = models.CharField(max_length=250, blank=True)

    duration = models.PositiveIntegerField(default=60)
    between = models.PositiveIntegerField(default=0)
    start_every = models.PositiveIntegerField(null=True, blank=True)
    capacity = models.PositiveSmallIntegerField(default=1)
    capacity_by_weekday = models.JSONField(default=dict, blank=True)  # {"mon": 3}
    per_day = models.PositiveSmallIntegerField(default=0)
    how_soon = models.PositiveIntegerField(default=60)
    horizon_days = models.PositiveSmallIntegerField(null=True, blank=True, default=60)
    horizon_months = models.PositiveSmallIntegerField(null=True, blank=True)

    conflict_rule = models.CharField(
        max_length=20, choices=ConflictRule.choices, default=ConflictRule.CALENDAR_WINS
    )
    inbound_rule = models.CharField(
        max_length=20, choices=InboundRule.choices, default=InboundRule.APPLY_AND_TELL
    )
    unreachable_rule = models.CharField(
        max_length=20, choices=UnreachableRule.choices, default=UnreachableRule.KEEP_OFFERING
    )
    mirror_age_hours = models.PositiveSmallIntegerField(default=24)
    tentative_blocks = models.BooleanField(default=True)

    tell_customer = models.BooleanField(default=True)
    recipients = models.JSONField(default=list, blank=True)  # e-mail addresses of the company's side
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "slug"], name="module_slug_once"),
            models.CheckConstraint(condition=Q(duration__gt=0), name="module_duration"),
            models.CheckConstraint(condition=Q(capacity__gt=0), name="module_capacity"),
        ]

    def __str__(self) -> str:
        return self.name
