"""Messages owed and sent: at most one per (appointment, revision, kind, recipient), by constraint."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from genie.store.models.appointment import Appointment
from genie.store.models.calendar import Incident
from genie.store.models.tenancy import Company


class Message(models.Model):
    """One e-mail owed: written in the transaction of its cause, sent by a job, repeated word for word."""

    class Kind(models.TextChoices):
        BOOKED = "booked", "booked"
        RESCHEDULED = "rescheduled", "rescheduled"
        CANCELLED = "cancelled", "cancelled"
        ATTENTION = "attention", "needs attention"
        ASKED = "asked", "question about a new time"
        KEPT = "kept", "the time stays"

    class Audience(models.TextChoices):
        CUSTOMER = "customer", "customer"
        COMPANY = "company", "company"

    class State(models.TextChoices):
        OWED = "owed", "waiting"
        SENT = "sent", "sent"
        DROPPED = "dropped", "not sent"  # overtaken by a later change, or the address was refused

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # the Message-ID's left part
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="messages")
    appointment = models.ForeignKey(Appointment, null=True, on_delete=models.CASCADE, related_name="messages")
    revision = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    audience = models.CharField(max_length=12, choices=Audience.choices)
    recipient = models.EmailField(max_length=254)
    details = models.JSONField(default=dict)  # all that the text says: `told`, `was`, reason (flows.notify)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OWED)
    reason = models.CharField(max_length=300, blank=True)
    not_before = models.DateTimeField()  # inbound moves settle before the customer is told
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)  # a worker is sending it, or died while it was
    held_by = models.ForeignKey(Incident, null=True, on_delete=models.SET_NULL, related_name="letters")
    """It is not sent before a person has decided about this."""
    may_have_arrived = models.BooleanField(default=False)  # true from the claim until proven otherwise
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], condition=Q(state="owed"), name="message_owed"),
            models.Index(fields=["appointment", "recipient"], name="message_told"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "revision", "kind", "recipient"], name="message_once"
            )
        ]
