"""A database for one process of the simulation: a throwaway server, the tables made, Django set up."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager

from run import postgres


@contextmanager
def own_database() -> Iterator[None]:
    """Nothing of genie may be imported before."""
    cluster = postgres.temporary()
    os.environ |= {
        "DATABASE_URL": cluster.url(),
        "DJANGO_SETTINGS_MODULE": "genie.config.settings",
        "GENIE_TESTING": "1",
        "GENIE_SECRET_KEY": "simulated" * 6,
        "GENIE_ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
    }
    cluster.start()
    try:
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield
    finally:
        from django.db import connection

        connection.close()
        postgres.remove(cluster)
