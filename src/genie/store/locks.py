"""PostgreSQL advisory locks: one drain at a time per calendar, held while it talks to the provider.

Session locks, since no transaction may be open during a request. The lock keeps drains apart; correctness
does not rest on it alone, every commit is compare-and-set as well (SYNC.md, *The queue and its edges*).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

_CALENDARS = 7101  # first half of the lock's number; the second is the calendar's id


class Busy(Exception):
    """Another drain holds the calendar, and the wait is over."""


@contextmanager
def calendar_lock(calendar_id: int, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the calendar. Raises Busy when it is not free within `wait_seconds`."""
    if not _take(calendar_id, wait_seconds):
        raise Busy(f"calendar {calendar_id} is being worked on")
    try:
        yield
    finally:
        _release(calendar_id)


def _take(calendar_id: int, wait_seconds: float) -> bool:
    with connection.cursor() as cursor:
        if wait_seconds <= 0:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_CALENDARS, calendar_id])
            return bool(cursor.fetchone()[0])
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # SET LOCAL ends with the transaction; the session lock outlives it
            cursor.execute(f"SET LOCAL lock_timeout = {int(wait_seconds * 1000)}")
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_CALENDARS, calendar_id])
    except OperationalError:
        return False
    return True


def _release(calendar_id: int) -> None:
    if connection.connection is None or connection.connection.closed:
        return  # a lost connection has given its locks back already
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_CALENDARS, calendar_id])
