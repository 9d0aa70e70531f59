"""Questions asked all day long, of which only the moment and a number differ: Django words them once.

To word a query over several tables costs Django more than PostgreSQL needs to answer it, and the worker asks
the same dozen every second.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from genie.store.prepared import ask

_THEN = datetime(2000, 1, 1, tzinfo=UTC)
"""Each moment in such a question is so much before or after the one it is asked at."""
_NUMBER = -71_010_001
"""Stands where the number goes: no row has it."""

Wording = Callable[..., QuerySet[Any, Any]]


def asked(wording: Wording, *, now: datetime, number: int = 0, given: tuple[Hashable, ...] = ()) -> list[Any]:
    """The values that `wording(now, number, *given)` chooses: a queryset of one column.

    `wording` is a function of its arguments alone, uses no other moment than `now` plus or minus a constant,
    and `number` as it is.
    """
    statement = _worded(wording, given)
    if statement is None:
        return []
    sql, values = statement
    later = now - _THEN
    return [row[0] for row in ask(sql, [_moved(value, later, number) for value in values])]


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
