"""`/metrics` for Prometheus: only with its token, in a fixed number of queries, and nobody's name in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from tests.web.tenants import tenant, with_team

from genie.flows.forget_counts import forget_counts
from genie.store.counts import quarter_of
from genie.store.models import EventLink, RemoteCalendar, SyncCount

pytestmark = pytest.mark.django_db
TOKEN = "let-me-see"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def switched_on(settings: Any) -> None:
    settings.GENIE_METRICS_TOKEN = TOKEN


def read() -> dict[tuple[str, ...], float]:
    """Name and labels' values → number."""
    answer = Client().get("/metrics", headers=SHOWN)
    assert answer.status_code == 200
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(answer.content.decode())
        for one in family.samples
    }


def test_without_a_token_set_there_is_no_such_page(settings: Any) -> None:
    settings.GENIE_METRICS_TOKEN = ""
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("shown", [None, "", TOKEN, "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}é"])
def test_only_who_shows_the_token_reads_it(shown: str | None) -> None:
    headers = {} if shown is None else {"Authorization": shown}
    with CaptureQueriesContext(connection) as asked:
        answer = Client().get("/metrics", headers=headers)
    assert (answer.status_code, answer.content, len(asked)) == (401, b"", 0)


def test_what_it_shows() -> None:
    acme = tenant("Acme")
    RemoteCalendar.objects.update(read_at=timezone.now())
    EventLink.objects.update(state="owes_push")
    EventLink.objects.update(owed_at=Now() - timedelta(minutes=30))
    for what, bucket, count in (("out", 0, 3), ("out", 11, 1), ("out_ms", 0, 5500), ("asked", 0, 9)):
        SyncCount.objects.create(
            calendar=acme.calendar,
            kind="memory",
            quarter=quarter_of(timezone.now() - timedelta(days=1)),
            what=what,
            bucket=bucket,
            count=count,
        )
    for _ in range(2):
        found = read()
        assert found["genie_sync_lag_seconds_bucket", "out", "memory", "0.5"] == 3
        assert found["genie_sync_lag_seconds_bucket", "out", "memory", "+Inf"] == 4
        assert found["genie_sync_lag_seconds_sum", "out", "memory"] == 5.5
        assert found["genie_sync_lag_seconds_count", "out", "memory"] == 4
        assert found["genie_provider_requests_total", "memory"] == 9
        forget_counts(now=timezone.now() + timedelta(days=2))  # sums never go back
        assert not SyncCount.objects.exists()
    assert found["genie_connections", "waiting"] == 1
    assert found["genie_links", "owes_push"] == 1 and found["genie_links", "parked"] == 0
    assert 1800 <= found[("genie_oldest_debt_seconds",)] < 1900
    assert found["genie_keys", "memory", "active"] == 1
    assert found["genie_calendars", "ok"] == 1
    assert found[("genie_messages_owed",)] == 1
    assert found[("genie_workers",)] == 0


def test_as_many_queries_for_many_companies_as_for_one() -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            read()
        return len(queries)

    tenant("Acme")
    one = asked()
    for number in range(3):
        with_team(tenant(f"Other{number}"))
    EventLink.objects.update(state="parked")
    assert asked() == one


def test_nobody_is_named() -> None:
    tenant("Acme")
    body = Client().get("/metrics", headers=SHOWN).content.decode().lower()
    assert "acme" not in body and "example" not in body
