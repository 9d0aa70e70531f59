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
        ASK_THE_CUSTOMER = "ask_the_customer", "Ask the customer to accept the new time"
        PUT_IT_BACK = "put_it_back", "Put it back"

    class UnreachableRule(models.TextChoices):
        KEEP_OFFERING = "keep_offering", "Keep offering from what was last read"
        OFFER_NOTHING = "offer_nothing", "Offer nothing"

    class Assignment(models.TextChoices):
        WHOEVER_IS_FREE = "whoever_is_free", "Whoever is free"
        VISITOR_CHOOSES = "visitor_chooses", "The visitor chooses"

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
    assignment = models.CharField(
        max_length=20, choices=Assignment.choices, default=Assignment.WHOEVER_IS_FREE
    )  # of the team's members, where there are any

    external_url = models.URLField(max_length=500, blank=True)  # rule 10: answers in place of rules 1 to 6
    external_secret = models.BinaryField(null=True, editable=False)  # sealed; signs what is asked
    external_wait_ms = models.PositiveIntegerField(default=1500)
    external_trouble = models.CharField(max_length=300, blank=True)  # why the local rules served last
    external_failed_at = models.DateTimeField(null=True)

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

    @property
    def tells_of_inbound(self) -> bool:
        """Is the customer told of what was changed on the calendar and applied here?"""
        telling = (self.InboundRule.APPLY_AND_TELL, self.InboundRule.ASK_THE_CUSTOMER)
        return self.inbound_rule in telling


class AppointmentKind(models.Model):
    """One of several kinds of visit of a module, with its own settings where they are not the module's.

    A module without any offers one kind: its own title, duration and place. An empty number is the module's;
    the two horizons are taken together. Minutes unless said otherwise.
    """

    class PlaceKind(models.TextChoices):
        ADDRESS = "address", "An address"
        PHONE = "phone", "By phone"
        VIDEO = "video", "A video link"

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="kinds")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    duration = models.PositiveIntegerField()
    place_kind = models.CharField(max_length=10, choices=PlaceKind.choices, default=PlaceKind.ADDRESS)
    place = models.CharField(max_length=250, blank=True)  # address, number to call, or https link

    between = models.PositiveIntegerField(null=True, blank=True)
    start_every = models.PositiveIntegerField(null=True, blank=True)
    capacity = models.PositiveSmallIntegerField(null=True, blank=True)
    per_day = models.PositiveSmallIntegerField(null=True, blank=True)  # of this kind; 0 = no limit
    how_soon = models.PositiveIntegerField(null=True, blank=True)
    horizon_days = models.PositiveSmallIntegerField(null=True, blank=True)
    horizon_months = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["module", "slug"], name="appointment_kind_slug_once"),
            models.CheckConstraint(condition=Q(duration__gt=0), name="appointment_kind_duration"),
            models.CheckConstraint(
                condition=Q(capacity__isnull=True) | Q(capacity__gt=0), name="appointment_kind_capacity"
            ),
        ]

    def __str__(self) -> str:
        return self.name
