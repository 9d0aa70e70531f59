"""PostgreSQL advisory locks: what only one at a time may do, held while it talks to the provider.

One drain per calendar, one renewal per key, so many requests for one account, no taking back while somebody
grants. Session locks, since no transaction may be open during a request. Correctness of the drain does not
rest on its lock alone: every commit is compare-and-set as well (SYNC.md, *The queue and its edges*).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from math import ceil
from zlib import crc32

from django.db import OperationalError, connection, transaction

# first half of a lock's number; the second is a row's id, or stands for a kind
_CALENDARS = 7101
_KEYS = 7102
_GRANTS = 7103
_TURNS = 7104
_PLACES = 7105
_INSTALLATION = 7106

_ASIDE = 0.25
"""Seconds to wait for one place until the next one is tried."""


class Busy(Exception):
    """Another one holds it, and the wait is over."""


@contextmanager
def calendar_lock(calendar_id: int, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the calendar. Raises Busy when it is not free within `wait_seconds`."""
    with _held(_CALENDARS, calendar_id, wait_seconds):
        yield


@contextmanager
def installation_lock(*, wait_seconds: float) -> Iterator[None]:
    """Be the only one who compares the database with its record. Raises Busy."""
    with _held(_INSTALLATION, 0, wait_seconds):
        yield


@contextmanager
def key_lock(key_id: int, *, wait_seconds: float) -> Iterator[None]:
    """Be the only one who renews this key's secret. Raises Busy.

    Taken inside `calendar_lock`, never the other way about.
    """
    with _held(_KEYS, key_id, wait_seconds):
        yield


@contextmanager
def place(whose: str, *, most: int, wait_seconds: float) -> Iterator[None]:
    """Be one of at most so many under this name, over all workers and web processes. Raises Busy.

    Taken last of all, around one request: who holds a place waits for nothing of ours.
    """
    number = _free_place([_number(f"{whose} {place}") for place in range(most)], wait_seconds)
    try:
        yield
    finally:
        _release(_PLACES, number)


@contextmanager
def while_granting(kind: str, *, wait_seconds: float) -> Iterator[None]:
    """From before a grant is asked for until its key is kept: many at once, but nobody takes a grant of this
    kind back meanwhile. Raises Busy."""
    with _held(_GRANTS, _number(kind), wait_seconds, shared=True):
        yield


@contextmanager
def while_taking_back(kind: str, *, wait_seconds: float) -> Iterator[None]:
    """Each grant of this kind that was asked for has come to a key or to nothing, and no other is asked for
    meanwhile. Raises Busy."""
    with _held(_GRANTS, _number(kind), wait_seconds):
        yield


def _number(kind: str) -> int:
    """A lock's second half is a signed 32-bit number. Two kinds of one number only wait for each other."""
    return crc32(kind.encode()) - 2**31


@contextmanager
def _held(first: int, second: int, wait_seconds: float, *, shared: bool = False) -> Iterator[None]:
    suffix = "_shared" if shared else ""
    if not _take(first, second, wait_seconds, suffix):
        raise Busy(f"lock {first}/{second} is held by another")
    try:
        yield
    finally:
        _release(first, second, suffix)


def _free_place(numbers: list[int], wait_seconds: float) -> int:
    for number in numbers:
        if _take(_PLACES, number, 0):
            return number
    waits = ceil(wait_seconds / _ASIDE)
    for number in islice(cycle(numbers), waits):
        if _take(_PLACES, number, wait_seconds / waits):
            return number
    raise Busy(f"none of {len(numbers)} places is free")


def _take(first: int, second: int, wait_seconds: float, suffix: str = "") -> bool:
    if wait_seconds <= 0:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_try_advisory_lock{suffix}(%s, %s)", [first, second])
            return bool(cursor.fetchone()[0])
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # SET LOCAL ends with the transaction; the session lock outlives it. 0 would be for ever
            cursor.execute(f"SET LOCAL lock_timeout = {ceil(wait_seconds * 1000)}")
            cursor.execute(f"SELECT pg_advisory_lock{suffix}(%s, %s)", [first, second])
    except OperationalError:
        return False
    return True


def _release(first: int, second: int, suffix: str = "") -> None:
    if connection.connection is None or connection.connection.closed:
        return  # a lost connection has given its locks back already
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_unlock{suffix}(%s, %s)", [first, second])


def hold_turns(keys: Iterable[str]) -> None:
    """Be the only one who counts under these keys, until the caller's transaction ends."""
    numbers = sorted({_number(key) for key in keys})  # in this order, so that no two wait for each other
    if numbers:
        locks = ", ".join(["pg_advisory_xact_lock(%s, %s)"] * len(numbers))
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {locks}", [half for number in numbers for half in (_TURNS, number)])
