"""New rows of several tables, and their wake-ups, in one statement: one round trip while a lock is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import Field, Model
from procrastinate.jobs import Job

from genie.store.jobs import to_defer


def insert_together(rows: Sequence[Model], *, wake: Sequence[Job] = ()) -> None:
    """Insert unsaved rows as they stand, without looking whether they are there already.

    A row may refer to one before it whose number the database gives, if that is the only one of its table;
    the numbers of such rows are known afterwards. Raises IntegrityError.
    """
    statement = _Statement()
    for model, alike in groupby(rows, key=type):
        statement.add(model, list(alike))
    asked = [*statement.numbers.values(), "procrastinate_defer_jobs_v1(%s::procrastinate_job_to_defer_v1[])"]
    sql = f"WITH {', '.join(statement.parts)} SELECT {', '.join(asked)}"
    with connection.cursor() as cursor:
        cursor.execute(sql, [*statement.values, to_defer(wake)])
        numbers = cursor.fetchone()
    given = dict(zip(statement.numbers, numbers, strict=False))
    for row in rows:
        row.pk = given.get(id(row), row.pk)
        row._state.adding, row._state.db = False, connection.alias
    for row in rows:
        for name in _references(row):
            setattr(row, name, getattr(row, name))


@dataclass(slots=True)
class _Statement:
    """An INSERT for each table, as parts of a WITH. `numbers`: what stands for a row's id (by `id()`)."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    numbers: dict[int, str] = field(default_factory=dict)

    def add(self, model: type[Model], rows: list[Model]) -> None:
        name = f"r{len(self.parts)}"
        numbered = model._meta.auto_field
        fields = [one for one in model._meta.concrete_fields if one is not numbered]
        lines = [f"({', '.join(self._mark(row, one) for one in fields)})" for row in rows]
        columns = ", ".join(connection.ops.quote_name(str(one.column)) for one in fields)
        table = connection.ops.quote_name(model._meta.db_table)
        # names of our own tables and columns; what comes from outside is a value
        insert = f"INSERT INTO {table} ({columns}) VALUES {', '.join(lines)} RETURNING id"  # noqa: S608
        self.parts.append(f"{name} AS ({insert})")
        if numbered is not None and len(rows) == 1:
            self.numbers[id(rows[0])] = f"(SELECT id FROM {name})"  # noqa: S608

    def _mark(self, row: Model, one: Field[Any, Any]) -> str:
        """The place of a value in the text; the value itself goes to `values`."""
        value = getattr(row, one.attname)
        if value is None and one.is_relation:
            number = self.numbers.get(id(row._state.fields_cache.get(one.name)))
            if number is not None:
                return number
        self.values.append(one.get_db_prep_save(value, connection))
        return "%s"


def _references(row: Model) -> list[str]:
    """What it refers to by an object that has a number by now, which its own column does not know yet."""
    return [
        one.name
        for one in row._meta.concrete_fields
        if one.is_relation and getattr(row, one.attname) is None and row._state.fields_cache.get(one.name)
    ]
