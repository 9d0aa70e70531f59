"""What the sync did, counted by calendar and quarter of an hour: figures for people."""

from __future__ import annotations

from django.db import models

from genie.store.models.calendar import RemoteCalendar


class SyncCount(models.Model):
    """So many of one sort in one quarter of an hour; of changes, by how long they took (`core.lag.BOUNDS`).

    The calendar may go, and what was counted stays until it is added to `SyncTotal`.
    """

    class What(models.TextChoices):
        OUT = "out", "changes sent"
        IN = "in", "changes taken in"
        OUT_MS = "out_ms", "milliseconds that the changes sent took together"
        IN_MS = "in_ms", "milliseconds that the changes taken in took together"
        ASKED = "asked", "requests"
        THROTTLED = "throttled", "requests answered with: slow down"
        FAILED = "failed", "requests without an answer, or that failed there"

    calendar = models.ForeignKey(RemoteCalendar, null=True, on_delete=models.SET_NULL, related_name="counts")
    kind = models.CharField(max_length=20)  # the key's
    quarter = models.DateTimeField()  # when it began
    what = models.CharField(max_length=10, choices=What.choices)
    bucket = models.PositiveSmallIntegerField(default=0)  # of OUT and IN: below the bound of this number
    count = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["quarter"], name="sync_count_quarter")]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "quarter", "what", "bucket"], name="sync_count_once")
        ]


class SyncTotal(models.Model):
    """What was counted before the quarters that are still kept: so that sums never go back."""

    kind = models.CharField(max_length=20)
    what = models.CharField(max_length=10, choices=SyncCount.What.choices)
    bucket = models.PositiveSmallIntegerField(default=0)
    count = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "what", "bucket"], name="sync_total_once")]
