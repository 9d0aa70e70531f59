"""New rows of several tables, and their wake-ups, in one statement: one round trip while a lock is held."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, Model
from procrastinate.jobs import Job

from genie.store.prepared import ask


def insert_together(rows: Sequence[Model], *, wake: Sequence[Job] = ()) -> None:
    """Insert unsaved rows as they stand, without looking whether they are there already.

    A row whose number the database gives knows it afterwards if it is the only one of its table; a row after
    it may refer to it by the object. Raises IntegrityError.
    """
    tables: dict[type[Model], list[Model]] = {}
    for row in rows:
        tables.setdefault(type(row), []).append(row)
    single = tuple((model, len(alike) == 1) for model, alike in tables.items())
    values = {model._meta.db_table: [_values(row) for row in alike] for model, alike in tables.items()}
    jobs = [{"queue": job.queue, "task": job.task_name, "args": job.task_kwargs} for job in wake]
    text = json.dumps(values | {"jobs": jobs}, default=_plain)
    numbers = iter(ask(_statement(single), [text])[0])
    for model, alike in tables.items():
        if _is_numbered(model) and len(alike) == 1:
            alike[0].pk = next(numbers)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias
        for name, other in list(row._state.fields_cache.items()):
            setattr(row, name, other)  # its column learns the number


def _plain(value: datetime | UUID) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _is_numbered(model: type[Model]) -> bool:
    return model._meta.auto_field is not None


def _values(row: Model) -> dict[str, Any]:
    return {str(one.column): getattr(row, one.attname) for one in row._meta.concrete_fields}


@cache
def _statement(tables: tuple[tuple[type[Model], bool], ...]) -> str:
    """For a set of tables, and which of them get a single row. Its one value is all rows, as JSON."""
    numbered = [model for model, single in tables if single and _is_numbered(model)]
    parts = ["given AS (SELECT %s::jsonb AS rows)"]
    for model, _ in tables:
        fields = [one for one in model._meta.concrete_fields if one is not model._meta.auto_field]
        columns = ", ".join(f'"{one.column}"' for one in fields)
        chosen = ", ".join(_chosen(one, numbered) for one in fields)
        table = model._meta.db_table
        parts.append(
            f"{table}_new AS (INSERT INTO {table} ({columns}) SELECT {chosen} "  # noqa: S608 -- our own names
            f"FROM given, jsonb_populate_recordset(NULL::{table}, rows -> '{table}') given_row RETURNING id)"
        )
    wanted = [*(_number(model) for model in numbered), _DEFER]
    return f"WITH {', '.join(parts)} SELECT {', '.join(wanted)} FROM given"  # noqa: S608


def _chosen(one: Field[Any, Any], numbered: Sequence[type[Model]]) -> str:
    """An empty reference to another table of which a row is new is to that row."""
    column, other = f'given_row."{one.column}"', one.related_model
    if not other or other is one.model or other not in numbered:
        return column
    return f"coalesce({column}, {_number(other)})"


def _number(model: type[Model]) -> str:
    return f"(SELECT id FROM {model._meta.db_table}_new)"  # noqa: S608


_DEFER = """procrastinate_defer_jobs_v1(ARRAY(
    SELECT ROW(job.queue, job.task, 0, NULL, NULL, job.args, NULL)::procrastinate_job_to_defer_v1
    FROM jsonb_to_recordset(rows -> 'jobs') AS job(queue text, task text, args jsonb)
))"""
