"""Booked visits, who booked them, and everything that ever changed about them."""

from __future__ import annotations

import secrets
import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from genie.core.appointment import LIVE, State
from genie.store.models.module import AppointmentKind, Module
from genie.store.models.staff import StaffMember
from genie.store.models.tenancy import Company, User


def new_manage_token() -> str:
    return secrets.token_urlsafe(24)


class Lead(models.Model):
    """The person who booked, and how they came."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="leads")
    name = models.CharField(max_length=120)
    email = models.EmailField(max_length=254)
    phone = models.CharField(max_length=32, blank=True)  # E.164 where it could be read as a number
    source = models.CharField(max_length=120, blank=True)  # utm_source
    medium = models.CharField(max_length=120, blank=True)  # utm_medium
    campaign = models.CharField(max_length=120, blank=True)  # utm_campaign
    referrer = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


def _lane_free(owner: str, name: str, where: Q) -> ExclusionConstraint:
    """No two live appointments of one `owner` have one lane at one time."""
    return ExclusionConstraint(
        name=name,
        expressions=[
            # btree_gist is not in the embedded PostgreSQL, so equality is said with ranges
            (Func(F(owner), F(owner), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
            (Func(F("lane"), F("lane"), Value("[]"), function="int4range"), RangeOperators.OVERLAPS),
            (Func(F("start"), F("end"), function="tstzrange"), RangeOperators.OVERLAPS),
        ],
        condition=Q(state__in=[s.value for s in LIVE], lane__isnull=False) & where,
        deferrable=models.Deferrable.DEFERRED,
    )


class Appointment(models.Model):
    """A booked visit. `revision` grows with each change of a field that flows, and as a question to the
    customer begins or ends; what is owed refers to it.

    `lane` is the seat taken in the slot: 0 … capacity − 1. Two live appointments of one module, or of one
    staff member in whatever modules, never share a lane at one time (constraints below). None: the calendar's
    owner put it where no lane was free; flagged in `attention`, counted by the slot rules, not held by the
    constraint.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="appointments")
    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="appointments")
    kind = models.ForeignKey(
        AppointmentKind, null=True, on_delete=models.SET_NULL, related_name="appointments"
    )
    kind_name = models.CharField(max_length=120, blank=True, default="")  # of a kind that was deleted
    staff = models.ForeignKey(StaffMember, null=True, on_delete=models.PROTECT, related_name="appointments")
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="appointments")
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in State])
    start = models.DateTimeField()
    end = models.DateTimeField()
    zone = models.CharField(max_length=64, help_text="IANA zone the time is said in (the schedule's)")
    visitor_zone = models.CharField(max_length=64, blank=True)
    lane = models.PositiveSmallIntegerField(null=True)
    title = models.CharField(max_length=250)
    place = models.CharField(max_length=500, blank=True)
    notes = models.TextField(max_length=5000, blank=True)
    answers = models.TextField(max_length=5000, blank=True, help_text="what the customer wrote when booking")
    attention = models.CharField(max_length=300, blank=True, help_text="why a person should look, in words")
    revision = models.PositiveIntegerField(default=1)
    manage_token = models.CharField(max_length=43, default=new_manage_token, unique=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["start"]
        indexes = [
            models.Index(fields=["module", "start"], name="appointment_module_start"),
            models.Index(fields=["company", "start"], name="appointment_company_start"),
            models.Index(
                fields=["staff", "start"], condition=Q(staff__isnull=False), name="appointment_staff_start"
            ),
            # what is ahead, however much is behind: slots ask for it
            models.Index(fields=["module", "end"], name="appointment_module_end"),
            models.Index(
                fields=["staff", "end"], condition=Q(staff__isnull=False), name="appointment_staff_end"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="appointment_forward"),
            _lane_free("module", "appointment_lane_free", Q(staff__isnull=True)),
            _lane_free("staff", "appointment_staff_lane_free", Q(staff__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.start:%Y-%m-%d %H:%M}"

    @property
    def what(self) -> str:
        """The kind of visit, as customers read it; the title may be the calendar owner's own words."""
        return self.kind.name if self.kind else self.kind_name or self.module.title


class Hold(models.Model):
    """A slot that a visitor is filling in: it takes a seat like an appointment, until it expires."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="holds")
    kind = models.ForeignKey(AppointmentKind, null=True, on_delete=models.CASCADE, related_name="+")
    staff = models.ForeignKey(StaffMember, null=True, on_delete=models.CASCADE, related_name="holds")
    start = models.DateTimeField()
    end = models.DateTimeField()
    visitor = models.CharField(max_length=64)  # keyed hash of the browser's own cookie
    address = models.CharField(max_length=64, blank=True)  # keyed hash of the network address
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["module", "end", "start"], name="hold_span"),
            models.Index(fields=["staff", "end"], condition=Q(staff__isnull=False), name="hold_staff"),
            models.Index(fields=["expires_at"], name="hold_expires"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="hold_forward"),
            models.UniqueConstraint(fields=["module", "visitor"], name="hold_one_each"),
        ]

    @property
    def what(self) -> str:
        """The kind of visit, as customers read it."""
        return self.kind.name if self.kind else self.module.title


class Change(models.Model):
    """One line of an appointment's history: which field, from what, to what, who or what did it."""

    class Origin(models.TextChoices):
        PERSON = "person", "person"
        CUSTOMER = "customer", "customer"
        CALENDAR = "calendar", "calendar"
        SYSTEM = "system", "system"

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="history")
    at = models.DateTimeField()
    revision = models.PositiveIntegerField()
    field = models.CharField(max_length=32)  # booked, when, title, place, notes, state, attention …
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    by = models.CharField(max_length=200, blank=True, help_text="who, in words: a name, a calendar")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lost = models.BooleanField(default=False, help_text="the value `new` lost a conflict and was not taken")
    restores = models.OneToOneField(  # the lost line whose value this took up: each at most once
        "self", null=True, on_delete=models.SET_NULL, related_name="restored_by"
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
