"""Play a script from an empty database, and say what it broke."""

from __future__ import annotations

import logging
import os
import random
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from unittest import mock

from django.db import connection
from tests.simulation.machine import Simulated, Step
from tests.simulation.script import Script, said
from tests.simulation.stages import SYSTEMS

from genie.store import models
from genie.store.models import Company


@dataclass(frozen=True)
class Violation:
    """What did not hold, after which step; `what` is alike for the same fault."""

    what: str
    after: str
    trace: str


def play(script: Script) -> Violation | None:
    """Play it to its end, when all faults stop and everything is checked. None: all held.

    What a program does once takes of the chance of the first world of a system; so that is one in which
    nothing happens.
    """
    if script.system not in _BEGUN:
        _BEGUN.add(script.system)
        play(replace(script, steps=()))
    forget_everything()
    with repeatable(script.seed):
        stage = SYSTEMS[script.system](script.seed, script.push)
        after = "the beginning"
        try:
            world = Simulated(
                stage,
                winner=script.winner,
                booked=script.booked,
                capacity=script.capacity,
                inbound=script.inbound,
            )
            for step in script.steps:
                after = said(step)
                world.play(step)
                world.holds_always()
            after = "the end"
            world.faults_stop()
        except Exception as fault:
            return Violation(_what(fault), after, traceback.format_exc())
        finally:
            stage.close()
    return None


def _what(fault: Exception) -> str:
    """The fault with its place, without what differs from one run to the next."""
    last = traceback.extract_tb(fault.__traceback__)
    ours = [frame for frame in last if "/tests/" in frame.filename or "/genie/" in frame.filename]
    place = ours[-1] if ours else last[-1]
    first_line = str(fault).partition("\n")[0][:160]
    return f"{type(fault).__name__} in {place.name}: {place.line} {first_line}"


def alike(one: Violation, other: Violation) -> bool:
    """Do two violations show the same fault? Its words may tell of other values."""
    return one.what.partition(": ")[0] == other.what.partition(": ")[0]


def shortened(script: Script, violation: Violation, *, tries: int = 150) -> Script:
    """A script with as few steps as a bounded search finds that breaks the same."""
    steps, size = list(script.steps), max(len(script.steps) // 2, 1)
    while tries > 0:
        for start in range(0, len(steps), size):
            fewer = steps[:start] + steps[start + size :]
            tries -= 1
            found = play(script.with_steps(fewer))
            if found and alike(found, violation):
                steps = fewer
                break
            if tries <= 0:
                break
        else:
            if size == 1:
                break
            size //= 2
    return script.with_steps(steps)


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Chance is the seed's: ids, tokens, and how long a retry waits."""
    dice = random.Random(seed)
    random.seed(seed)
    with (
        mock.patch.object(os, "urandom", dice.randbytes),
        mock.patch.object(random, "_urandom", dice.randbytes),
    ):
        yield


_BEGUN: set[str] = set()
_TABLES: list[str] = []


def forget_everything() -> None:
    """Empty every table of ours, and count from one again: in a set, numbers stand in the order of what they
    are. Deleting the few rows of a script is quicker than TRUNCATE of all tables."""
    if not _TABLES:
        _TABLES.extend(model._meta.db_table for model in _children_first())
        _TABLES.append("procrastinate_jobs")
    with connection.cursor() as cursor:
        cursor.execute(";".join(f"DELETE FROM {table}" for table in _TABLES))
        cursor.execute("SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'")


def _children_first() -> Sequence[type[models.Company]]:
    """Models in an order in which nothing is deleted that something still points at."""
    left = list(Company._meta.app_config.get_models())  # type: ignore[union-attr]
    ordered = []
    while left:
        free = [m for m in left if not any(_points_at(other, m) for other in left if other is not m)]
        assert free, "the tables point at each other in a circle"
        ordered += free
        left = [m for m in left if m not in free]
    return ordered


def _points_at(one: type[models.Company], other: type[models.Company]) -> bool:
    return any(f.is_relation and f.many_to_one and f.related_model is other for f in one._meta.get_fields())


def quietly() -> None:
    """The flows log each fault they meet; here there are thousands."""
    logging.disable(logging.CRITICAL)


__all__ = ["Step", "Violation", "play", "quietly", "shortened"]
