"""Questions asked all day long, of which only the moment and a number differ: Django words them once.

To word a query over several tables costs Django more than PostgreSQL needs to answer it, and the worker asks
the same two dozen every second.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models import query as querysets
from django.db.transaction import TransactionManagementError

from genie.store.prepared import ask

_THEN = datetime(2000, 1, 1, tzinfo=UTC)
"""Each moment in such a question is so much before or after the one it is asked at."""
_NUMBER = -71_010_001
"""Stands where the number goes: no row has it."""
_ID = UUID("00000000-0071-0100-0100-000000000000")
"""Stands where a row's id goes, where ids are no numbers."""

Wording = Callable[..., QuerySet[Any, Any]]
Row = TypeVar("Row", bound=Model)


def asked(
    wording: Wording, *, now: datetime = _THEN, number: int = 0, given: tuple[Hashable, ...] = ()
) -> list[Any]:
    """The values that `wording(now, number, *given)` chooses: a queryset of one column.

    `wording` is a function of its arguments alone, uses no other moment than `now` plus or minus a constant,
    and `number` as it is.
    """
    return [row[0] for row in asked_for(wording, now=now, number=number, given=given)]


def asked_for(
    wording: Wording, *, now: datetime = _THEN, number: int = 0, given: tuple[Hashable, ...] = ()
) -> Sequence[tuple[Any, ...]]:
    """As `asked`, of several columns that are kept as they are read: no JSON."""
    statement = _worded(wording, given)
    if statement is None:
        return []
    sql, values = statement
    later = now - _THEN
    return ask(sql, [_moved(value, later, number) for value in values])


def get(wording: Callable[[Any], QuerySet[Row]], key: int | UUID) -> Row:
    """The one row that `wording(key)` names, with what it selects besides: as `QuerySet.get`.

    Raises DoesNotExist, and what `rows` raises.
    """
    found = rows(wording, key)
    if not found:
        raise wording(key).model.DoesNotExist(f"There is no row {key}.")  # type: ignore[attr-defined]
    (row,) = found
    return row


def rows(wording: Callable[[Any], QuerySet[Row]], key: int | UUID) -> list[Row]:
    """The rows that `wording(key)` names, with what it selects besides; annotations are not kept.

    `wording` is a function of its argument alone. Raises TransactionManagementError where it locks and no
    transaction is open.
    """
    place = _ID if isinstance(key, UUID) else _NUMBER
    reading = _reading(wording, place)
    if reading.locks and not connection.in_atomic_block:
        raise TransactionManagementError("A row is locked in a transaction only.")
    found = ask(reading.sql, [key if value == place else value for value in reading.values])
    return [reading.made(row) for row in found]


def _moved(value: Any, later: Any, number: int) -> Any:
    if isinstance(value, datetime):
        return value + later
    return number if value == _NUMBER and isinstance(value, int) else value


@lru_cache(maxsize=200)
def _worded(wording: Wording, given: tuple[Hashable, ...]) -> tuple[str, tuple[Any, ...]] | None:
    """None where Django knows without asking that there is nothing."""
    try:
        sql, values = wording(_THEN, _NUMBER, *given).query.sql_with_params()
    except EmptyResultSet:
        return None
    return sql, tuple(values)


@dataclass(frozen=True)
class _Reading:
    """A statement, and how Django makes rows of what it answers (`ModelIterable`, done once)."""

    sql: str
    values: Sequence[Any]
    locks: bool
    made: Callable[[Sequence[Any]], Any]


@lru_cache(maxsize=200)
def _reading(wording: Callable[[Any], QuerySet[Row]], place: int | UUID) -> _Reading:
    query = wording(place).query
    compiler: Any = query.get_compiler(connection=connection)
    sql, values = compiler.as_sql()
    select, tables = compiler.select, compiler.klass_info
    own = slice(tables["select_fields"][0], tables["select_fields"][-1] + 1)
    names = [column.target.attname for column, _, _ in select[own]]
    populators: Any = querysets.get_related_populators  # not as django-stubs have it
    related = populators(tables, select, connection.alias)
    converters = compiler.get_converters([column for column, _, _ in select])

    def made(row: Sequence[Any]) -> Any:
        (converted,) = compiler.apply_converters([row], converters)
        one = tables["model"].from_db(connection.alias, names, converted[own])
        for each in related:
            each.populate(converted, one)
        return one

    return _Reading(sql, tuple(values), query.select_for_update, made)
