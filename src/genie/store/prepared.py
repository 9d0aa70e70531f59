"""Statements that run again and again as they stand: PostgreSQL plans them once for each connection.

To plan a statement over many tables costs more than to run it. Django binds values on our side and so sends a
new text each time; here the server binds them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import count, islice
from typing import Any, TypeVar

import psycopg
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import JSONField, Model

Row = TypeVar("Row", bound=Model)


def ask(
    sql: str, values: Mapping[str, Any] | Sequence[Any], *, binary: bool = False
) -> list[tuple[Any, ...]]:
    """The rows that the statement answers, in Django's transaction, with Django's errors, and through what
    stands around each statement (`connection.execute_wrapper`). `binary`: PostgreSQL sends values unwritten,
    which is quicker for much of them, and reads JSON as psycopg does.

    Outside a transaction it only reads: a connection that turns out to be dead is made anew, once.
    """
    run: Callable[..., list[tuple[Any, ...]]] = partial(_ask, binary)
    for wrapper in reversed(connection.execute_wrappers):
        run = partial(wrapper, run)
    try:
        return run(sql, values, False, {"connection": connection, "cursor": None})
    except OperationalError:
        if not _may_be_stale():
            raise
        connection.close()
    return run(sql, values, False, {"connection": connection, "cursor": None})


def _may_be_stale() -> bool:
    """Is it a kept connection that this request had not used yet, and that the other end has closed?

    That takes the place of Django's own look before each first statement, which costs another statement.
    """
    kept: Any = connection  # these two are not in django-stubs
    unused = kept.health_check_enabled and not kept.health_check_done
    return unused and not kept.in_atomic_block and not kept.is_usable()


def plan_once(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let a new connection keep the first plan of each prepared statement; Django calls it.

    Left to itself PostgreSQL may plan anew each time, where it thinks that the values make a difference:
    for the slots of a page that took four times as long as running them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")


def _ask(
    binary: bool, sql: str, values: Any, _many: bool, _context: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    raw: psycopg.Connection[Any] = connection.connection
    raw.prepare_threshold = 0  # at first sight; cursors of Django's own prepare nothing all the same
    begun = time.monotonic()
    numbered, order = _numbered(sql)
    bound = [values[name] for name in order]
    with connection.wrap_database_errors, psycopg.RawCursor(raw) as cursor:
        rows: list[tuple[Any, ...]] = cursor.execute(numbered, bound, binary=binary).fetchall()
    connection.health_check_done = True  # type: ignore[attr-defined]
    if connection.queries_logged:
        connection.queries_log.append({"sql": sql, "time": f"{time.monotonic() - begun:.3f}"})
    return rows


@lru_cache(maxsize=256)  # psycopg would take a long statement apart each time
def _numbered(sql: str) -> tuple[bytes, Sequence[Any]]:
    """The statement with $1, $2 … as PostgreSQL wants it, and what each of these is in the values given."""
    names: list[str] = re.findall(r"%\((\w+)\)s", sql)
    if not names:
        places = count(1)
        text = re.sub("%s", lambda _: f"${next(places)}", sql)
        return text.encode(), range(next(places) - 1)
    order = list(dict.fromkeys(names))
    return re.sub(r"%\((\w+)\)s", lambda one: f"${order.index(one[1]) + 1}", sql).encode(), order


def columns_of(model: type[Model], name: str) -> str:
    """For a SELECT from the model's table under a name; `made_of` takes them in this order."""
    return ", ".join(f'{name}."{field.column}"' for field in model._meta.concrete_fields)


def made_of(model: type[Row], values: Sequence[Any]) -> Row:
    """The model's row as the ORM would have read it, from as many values as it has columns."""
    fields = model._meta.concrete_fields
    read = [
        json.loads(value) if isinstance(field, JSONField) and value is not None else value
        for field, value in zip(fields, values, strict=True)
    ]
    return model.from_db(connection.alias, [field.attname for field in fields], read)


def made_each(models: Sequence[type[Model]], values: Sequence[Any]) -> Iterator[Any]:
    """A row of each model, in the order in which their columns stand in `values`; None for one whose first
    column, its key, is NULL, since a LEFT JOIN found none."""
    rest = iter(values)
    for model in models:
        own = list(islice(rest, len(model._meta.concrete_fields)))
        yield None if own[0] is None else made_of(model, own)
