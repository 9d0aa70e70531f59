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


class Holiday(models.Model):
    """A day of every year, or of one only, on which nothing is offered, wholly or in part.

    Either `day` (1-31) of `month`, or `weekday` (0 = Monday) with `week` (1-5, or -1 for the last). The part
    of a day is wall time of the schedule's zone: closed from `start` (empty: from the date's beginning) to
    `end` (empty: to its end).
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="holidays")
    title = models.CharField(max_length=120)
    month = models.PositiveSmallIntegerField()
    day = models.PositiveSmallIntegerField(null=True, blank=True)
    weekday = models.PositiveSmallIntegerField(null=True, blank=True)
    week = models.SmallIntegerField(null=True, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    start = models.TimeField(null=True, blank=True)
    end = models.TimeField(null=True, blank=True)

    class Meta:
        ordering = ["month", "day", "week", "weekday", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(month__gte=1, month__lte=12), name="holiday_month"),
            models.CheckConstraint(
                condition=Q(day__isnull=False, weekday__isnull=True, week__isnull=True)
                | Q(day__isnull=True, weekday__isnull=False, week__isnull=False),
                name="holiday_day_or_weekday",
            ),
            models.CheckConstraint(
                condition=Q(start__isnull=True) | Q(end__isnull=True) | Q(end__gt=F("start")),
                name="holiday_part",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class PublicHolidays(models.Model):
    """A country's or region's public holidays are closed days of a schedule, but for those `left_out`.

    `days` are those of some years, as core/public_holidays gave them in that `edition`: a page that offers
    slots reads them here and never waits for the library.
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="public_holidays")
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    region = models.CharField(max_length=20, blank=True, help_text="ISO 3166-2 subdivision, without country")
    left_out = models.JSONField(default=list, blank=True)  # names of days that are worked all the same
    days = models.JSONField(default=dict, blank=True)  # {"2026": [["2026-12-25", "Christmas Day", ""], …]}
    edition = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["country", "region"]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "country", "region"], name="public_holidays_once")
        ]
