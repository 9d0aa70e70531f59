"""The product as run for browser tests really serves, and its worker really works."""

from __future__ import annotations

import httpx
from procrastinate.contrib.django.models import ProcrastinateWorker


def test_pages_and_worker_serve_from_the_test_database(genie_server):
    assert httpx.get(f"{genie_server.base_url}/login").status_code == 200
    assert httpx.get(f"{genie_server.base_url}/static/build/dashboard.js").status_code == 200


def test_a_killed_worker_can_be_started_again(genie_server):
    genie_server.kill_worker()
    first = set(ProcrastinateWorker.objects.values_list("id", flat=True))
    assert first, "a killed worker cannot take its row away"
    ProcrastinateWorker.objects.all()._raw_delete("default")
    assert httpx.get(f"{genie_server.base_url}/healthz").status_code == 503
    genie_server.start_worker()
    genie_server.wait_until_healthy()
    assert not first & set(ProcrastinateWorker.objects.values_list("id", flat=True))
