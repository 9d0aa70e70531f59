"""Is this the database that this installation worked on last? By two names and two counters (decision 0093).

The database and a file beside it carry the installation's name and a turn that is raised every minute, in
the database first. A restored backup lags behind; a copy has no file, or one of another place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Doubt(StrEnum):
    """Why nothing is sent until a person has said what happened."""

    OLDER = "older"
    """The database lags behind the file: a backup was restored."""
    NO_RECORD = "no_record"
    """It was used before, but there is no file: restored elsewhere, moved, or copied."""
    ANOTHER = "another"
    """The file is that of another installation."""
    ELSEWHERE = "elsewhere"
    """The file lags behind: another installation works on this database, or the file is an old one."""
    MOVED = "moved"
    """Both agree, but on another machine or in another folder than before: moved, or copied whole."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows. `turn` counts up."""

    name: str
    turn: int


@dataclass(frozen=True, slots=True)
class Record(Known):
    """What the file knows. `place` tells machine and folder from others."""

    place: str


def doubt_of(row: Known | None, record: Record | None, *, place: str, used: bool) -> Doubt | None:
    """None: it is what it was, or new. `used`: the database holds appointments or linked calendars.

    Between the two writes of a raise the database is one turn ahead.
    """
    if record is None:
        return None if row is None else Doubt.NO_RECORD
    if row is None:  # a fresh database beside an old file; or a backup from before there was such a row
        return Doubt.OLDER if used else None
    if row.name != record.name:
        return Doubt.ANOTHER
    if row.turn < record.turn:
        return Doubt.OLDER
    if row.turn > record.turn + 1:
        return Doubt.ELSEWHERE
    return None if record.place == place else Doubt.MOVED
