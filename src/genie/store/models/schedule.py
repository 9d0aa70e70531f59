"""When a business is open: weekly hours in one zone, overrides, time off, calendars read for busy time."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from genie.store.models.tenancy import Company

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Schedule(models.Model):
    """An availability schedule: opening hours as wall time in one IANA zone."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="schedules")
    name = models.CharField(max_length=120)
    zone = models.CharField(max_length=64, help_text="IANA time zone")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "name"], name="schedule_name_once")]

    def __str__(self) -> str:
        return self.name


class OpeningHours(models.Model):
    """One range of one weekday (0 = Monday). A closing time not after the opening one is on the next day."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField()
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="opening_weekday"),
            models.UniqueConstraint(fields=["schedule", "weekday", "opens"], name="opening_once"),
        ]


class DateOverride(models.Model):
    """Replaces the weekly hours of one local date; no range at all (`opens` empty) means closed."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="overrides")
    date = models.DateField()
    opens = models.TimeField(null=True, blank=True)
    closes = models.TimeField(null=True, blank=True)

    class Meta:
        ordering = ["date", "opens"]


class TimeOff(models.Model):
    """A span in which nothing is offered: instants, half-open."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="time_off")
    title = models.CharField(max_length=120, blank=True)
    start = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        ordering = ["start"]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="time_off_forward")]


class AvailabilityCalendar(models.Model):
    """A remote calendar read for busy time only, never written."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="availability_calendars")
    calendar = models.ForeignKey(
        "store.RemoteCalendar", on_delete=models.CASCADE, related_name="availability_of"
    )
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["schedule", "calendar"], name="availability_calendar_once")
        ]
