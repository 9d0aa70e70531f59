"""Periodic tasks run as often as they say: the sixth field of a cron line is the seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import croniter
import pytest
from django.utils import timezone
from procrastinate.contrib.django import app

from genie.core.limits import limits_of
from genie.store.models import Turn
from genie.worker import tasks


@pytest.mark.parametrize(
    ("task", "seconds"),
    [
        (tasks.sweep_all, 1),
        (tasks.rescue_stalled, 5),
        (tasks.clean_queue, 3600),
        (tasks.forget, 3600),
        (tasks.renew_holidays, 24 * 3600),
    ],
)
def test_it_is_due_again_after(task: object, seconds: int) -> None:
    name = getattr(task, "name")  # noqa: B009
    (periodic,) = [each for each in app.periodic_registry.periodic_tasks.values() if each.task.name == name]
    for minute in (0, 1):
        due = croniter.croniter(periodic.cron, datetime(2026, 3, 2, 9, minute, tzinfo=UTC).timestamp())
        first = due.get_next(float)
        assert due.get_next(float) - first == seconds


@pytest.mark.django_db
def test_what_visitors_did_is_forgotten_when_no_limit_looks_back_to_it(settings) -> None:
    settings.GENIE_LIMITS_PER_ADDRESS = limits_of(["10/10m", "30/2d"])
    now = timezone.now()
    for hours in (1, 47, 49):
        Turn.objects.create(whose="k", at=now - timedelta(hours=hours))
    tasks.forget(timestamp=int(now.timestamp()))
    assert Turn.objects.count() == 2
