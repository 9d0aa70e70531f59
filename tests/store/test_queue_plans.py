"""The queue's fetch function keeps the settings that our migration gives it."""

from __future__ import annotations

import pytest
from django.db import connection
from procrastinate.sql import queries

FETCH = "procrastinate_fetch_job_v2"


def test_the_queue_still_fetches_with_the_function_we_altered():
    assert f"{FETCH}(" in queries["fetch_job"], (
        f"procrastinate no longer fetches with {FETCH}: alter the new one as 0004_queue_plans does"
    )


@pytest.mark.django_db
def test_no_statistics_can_make_the_fetch_sort_every_waiting_job():
    with connection.cursor() as cursor:
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = %s", [FETCH])
        settings = [row[0] for row in cursor.fetchall()]
    assert settings == [["enable_sort=off", "plan_cache_mode=force_custom_plan"]]
