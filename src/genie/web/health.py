"""`GET /healthz`: does all of it serve? `GET /readyz`: can this process? 200, or 503 and what is missing."""

from __future__ import annotations

import functools
import socket
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from procrastinate.contrib.django.models import ProcrastinateWorker

from genie.store.queries.totals import SILENT_WORKER

NO_DATABASE = {"database": "does not answer"}


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    missing = what_is_missing(timezone.now())
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers, and its tables are those this process was made for. The worker does not count:
    bookings are taken without one, and what is owed waits."""
    try:
        missing = _tables()
    except DatabaseError:
        missing = NO_DATABASE
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503)
    return JsonResponse({"status": "ok"})


def what_is_missing(now: datetime) -> dict[str, str]:
    """What does not serve, each with a few words; empty when all of it does."""
    try:
        missing = _tables() or _worker(now)
    except DatabaseError:
        missing = NO_DATABASE
    return missing | _demo()


def _tables() -> dict[str, str]:
    applied = MigrationRecorder(connection).applied_migrations()
    if all(newest in applied for newest in _newest_migrations()):
        return {}
    return {"migrations": "not all are applied; run: manage.py migrate"}


@functools.cache
def _newest_migrations() -> list[tuple[str, str]]:
    return [(app, name) for app, name in MigrationLoader(None).graph.leaf_nodes()]


def _worker(now: datetime) -> dict[str, str]:
    if ProcrastinateWorker.objects.filter(last_heartbeat__gte=now - SILENT_WORKER).exists():
        return {}
    return {"worker": "none has been heard of lately"}


def _demo() -> dict[str, str]:
    """The demo's servers, where there are some: does anybody listen?"""
    return {
        f"demo {name}": "does not answer"
        for name, address in settings.GENIE_DEMO.items()
        if address and not _listens(address)
    }


def _listens(address: str) -> bool:
    split = urlsplit(address)
    try:
        with socket.create_connection((split.hostname or "", split.port or 80), timeout=1):
            return True
    except OSError:
        return False


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
