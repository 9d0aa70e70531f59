"""`/healthz` says what is missing, and 200 only when nothing is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

pytestmark = pytest.mark.django_db


@pytest.fixture
def a_live_worker():
    heard_of(timezone.now())


def heard_of(at) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [at])


def test_all_of_it_serves(client, a_live_worker):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_without_a_worker_it_is_not_ready(client):
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["missing"] == {"worker": "none has been heard of lately"}


def test_a_worker_silent_for_long_does_not_count(client):
    heard_of(timezone.now() - timedelta(minutes=1))
    assert client.get("/healthz").status_code == 503


def test_a_migration_that_was_not_applied_is_named(client, a_live_worker):
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = "
            "(SELECT max(id) FROM django_migrations WHERE app = 'store')"
        )
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert list(answer.json()["missing"]) == ["migrations"]


def test_a_demo_server_that_does_not_listen_is_named(client, a_live_worker, settings, smtp_server):
    settings.GENIE_DEMO = {"mail": f"http://127.0.0.1:{smtp_server.port}", "caldav": "http://127.0.0.1:9"}
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["missing"] == {"demo caldav": "does not answer"}


def test_only_reading_is_allowed(client):
    assert client.post("/healthz").status_code == 405


def test_this_process_can_serve_without_a_worker(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_it_cannot_with_tables_of_another_version(client):
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = "
            "(SELECT max(id) FROM django_migrations WHERE app = 'store')"
        )
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert list(answer.json()["missing"]) == ["migrations"]
