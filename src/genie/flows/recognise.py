"""Recognise the installation: is the database the one that was worked on last? If not, nothing is sent."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from genie.core.recognition import Doubt, Known, Record, doubt_of
from genie.store.locks import Busy, installation_lock
from genie.store.models import Appointment, Connection, Installation
from genie.store.record_file import Recorded, place_of, read_record, write_record

log = logging.getLogger(__name__)

WAIT = 10.0
"""Seconds for another process that is at it."""


def recognise(*, file: Path, now: datetime) -> Doubt | None:
    """Compare the database with its record, and raise the turn of both; or keep in the file that, and why,
    it is in doubt, until a person has answered (`answer_doubt`).

    Call it at a worker's start and every minute, outside a transaction. Raises OSError where the file cannot
    be written.
    """
    try:
        with installation_lock(wait_seconds=WAIT):
            return _recognise(file, now)
    except Busy:
        return read_record(file).doubt


def _recognise(file: Path, now: datetime) -> Doubt | None:
    there = read_record(file)
    if there.doubt:
        return there.doubt
    row = Installation.objects.filter(id=Installation.ONLY).first()
    place = place_of(file)
    known = None if row is None else Known(str(row.name), row.turn)
    doubt = doubt_of(known, there.record, place=place, used=_is_used())
    if doubt:
        write_record(file, Recorded(there.record, doubt, now))
        log.error("nothing is sent to calendars or by mail: the database may not be this installation's own")
        return doubt
    raise_turn(row or Installation(name=uuid4()), file)
    return None


def raise_turn(row: Installation, file: Path) -> None:
    """In the database first: a crash in between leaves it one ahead, which is no doubt."""
    row.turn += 1
    row.save()
    write_record(file, Recorded(Record(str(row.name), row.turn, place_of(file))))


def _is_used() -> bool:
    return Appointment.objects.exists() or Connection.objects.exists()
