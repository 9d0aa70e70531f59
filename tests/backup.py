"""A backup of the product's tables inside the test database, restored as `pg_restore` would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import connection, transaction


class Backup:
    """All rows of the product, as they were when it was made."""

    def __init__(self) -> None:
        self._tables = [model._meta.db_table for model in apps.get_app_config("store").get_models()]
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS saved CASCADE")
            cursor.execute("CREATE SCHEMA saved")
            for table in self._tables:
                cursor.execute(f'CREATE TABLE saved."{table}" AS TABLE "{table}"')

    def restore(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL session_replication_role = replica"
            )  # no triggers, as a restore has none
            cursor.execute(f"TRUNCATE {', '.join(self._tables)} CASCADE")
            for table in self._tables:
                cursor.execute(f'INSERT INTO "{table}" SELECT * FROM saved."{table}"')

    def forget(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS saved CASCADE")


@contextmanager
def backup() -> Iterator[Backup]:
    made = Backup()
    try:
        yield made
    finally:
        made.forget()
