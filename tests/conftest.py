"""What every test may use: a PostgreSQL of its own session, real CalDAV and mail servers, a real browser."""

from __future__ import annotations

import atexit
import base64
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator

import django
import pytest
from django.db import connection

from run import postgres

pytest_plugins = ["tests.outside", "tests.serving", "tests.google_sandbox", "tests.microsoft_sandbox"]

# The environment is complete before Django reads it. A session gets a cluster of its own, started when the
# first test asks for the database, unless DATABASE_URL names one.
GIVEN = dict(os.environ)
CLUSTER = None
if not os.environ.get("DATABASE_URL"):
    CLUSTER = postgres.temporary()
    atexit.register(postgres.remove, CLUSTER)
    os.environ["DATABASE_URL"] = CLUSTER.url()
os.environ["DJANGO_SETTINGS_MODULE"] = "genie.config.settings"
os.environ["GENIE_TESTING"] = "1"
os.environ["GENIE_STATIC_ROOT"] = tempfile.mkdtemp(prefix="genie-static-")
atexit.register(shutil.rmtree, os.environ["GENIE_STATIC_ROOT"], ignore_errors=True)
os.environ["GENIE_SECRET_KEY"] = secrets.token_urlsafe(32)
os.environ["GENIE_ENCRYPTION_KEYS"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
for name in (
    "GENIE_DEBUG",
    "GENIE_PUBLIC_URL",
    "GENIE_ALLOWED_HOSTS",
    "GENIE_BEHIND_PROXY",
    "GENIE_TRUSTED_PROXIES",
    "GENIE_LIMITS_PER_ADDRESS",
    "GENIE_LIMITS_PER_EMAIL",
    "GENIE_APPOINTMENTS_PER_EMAIL",
    "GENIE_HOLDS_PER_ADDRESS",
    "GENIE_PRIVATE_NETWORKS",
    "GENIE_PUSH",
    "GENIE_EMAIL_URL",
    "GENIE_MAIL_FROM",
):
    os.environ.pop(name, None)

django.setup()


def pytest_configure(config: pytest.Config) -> None:
    """With `pytest -n` this process only hands out tests; those that run them start from what it was given.

    They would else inherit our settings, and pytest-django would read them before this file makes new ones.
    """
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        for name in set(os.environ) - set(GIVEN):
            del os.environ[name]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> Iterator[None]:
    """pytest-django calls this before it makes the test database: now a server is needed."""
    if CLUSTER is not None:
        CLUSTER.start()
    yield
    if CLUSTER is not None:
        postgres.remove(CLUSTER)


@pytest.fixture(autouse=True)
def no_jobs_from_before(request: pytest.FixtureRequest) -> None:
    """Django's flush between transactional tests leaves the queue's tables alone; jobs must not leak."""
    mark = request.node.get_closest_marker("django_db")
    if (mark and mark.kwargs.get("transaction")) or "transactional_db" in request.fixturenames:
        request.getfixturevalue("transactional_db")
        with connection.cursor() as cursor:  # never TRUNCATE: a live worker's row hangs on these tables
            cursor.execute("DELETE FROM procrastinate_jobs")
