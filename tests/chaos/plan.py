"""What a round does, decided by its seed: who is killed when, what breaks when, and everybody's dice.

The plan is the seed's; the times are the machine's. A process that is slower today dies at another statement,
so a seed brings back the load and the faults, not the very same course.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MARGIN = 1.0
"""Seconds at the beginning in which nothing is killed yet."""


class What(StrEnum):
    """What goes wrong."""

    WORKER = "a worker is killed"
    WORKERS = "all workers are killed"
    WEB = "the web server is killed"
    DATABASE = "the database is killed"  # the postmaster, by SIGKILL
    DATABASE_STOPS = "the database stops at once"  # SIGQUIT: an immediate shutdown
    REQUESTS = "requests to calendars break"
    LETTERS = "the mail server refuses and hangs up"


@dataclass(frozen=True)
class Trouble:
    """`at`: seconds from the beginning. `lasts`: seconds until it is over, or what was killed is back."""

    at: float
    what: What
    which: int = 0
    lasts: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A round. `visitors` and `owners` are seeds of their dice."""

    seed: int
    seconds: float
    troubles: Sequence[Trouble]
    visitors: Sequence[int]
    owners: Sequence[int]


def plan(seed: int, *, seconds: float, workers: int, visitors: int, owners: int) -> Plan:
    """The round of this seed."""
    dice = random.Random(seed)
    often = {
        What.WORKER: seconds / 8,
        What.WORKERS: seconds / 30,
        What.WEB: seconds / 20,
        What.DATABASE: seconds / 40,
        What.DATABASE_STOPS: seconds / 40,
        What.REQUESTS: seconds / 12,
        What.LETTERS: seconds / 15,
    }
    troubles = [
        Trouble(
            at=dice.uniform(MARGIN, max(seconds - 1, MARGIN)),
            what=what,
            which=dice.randrange(workers),
            lasts=dice.uniform(4, 8) if what in (What.REQUESTS, What.LETTERS) else dice.uniform(0.1, 3),
        )
        for what, times in often.items()
        for _ in range(max(1, round(times)))
    ]
    return Plan(
        seed=seed,
        seconds=seconds,
        troubles=sorted(troubles, key=lambda one: one.at),
        visitors=[dice.randrange(2**32) for _ in range(visitors)],
        owners=[dice.randrange(2**32) for _ in range(owners)],
    )
