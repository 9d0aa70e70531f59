"""Periodic tasks run as often as they say: the sixth field of a cron line is the seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import croniter
import pytest
from procrastinate.contrib.django import app

from genie.worker import tasks


@pytest.mark.parametrize(
    ("task", "seconds"), [(tasks.sweep_all, 1), (tasks.rescue_stalled, 5), (tasks.clean_queue, 3600)]
)
def test_it_is_due_again_after(task: object, seconds: int) -> None:
    name = getattr(task, "name")  # noqa: B009
    (periodic,) = [each for each in app.periodic_registry.periodic_tasks.values() if each.task.name == name]
    for minute in (0, 1):
        due = croniter.croniter(periodic.cron, datetime(2026, 3, 2, 9, minute, tzinfo=UTC).timestamp())
        first = due.get_next(float)
        assert due.get_next(float) - first == seconds
