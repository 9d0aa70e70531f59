"""Answer what became of the installation: it was moved, a backup was restored, or this is a copy."""

from __future__ import annotations

import logging
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from django.db import transaction
from django.db.models import F

from genie.flows.read_anew import read_anew
from genie.flows.recognise import WAIT, raise_turn
from genie.store.locks import installation_lock
from genie.store.models import (
    Channel,
    Connection,
    EventLink,
    Incident,
    Installation,
    Message,
    RegistrationLink,
    RemoteCalendar,
    RemoteKey,
)
from genie.store.record_file import Recorded, read_record
from genie.store.sealed import seal

log = logging.getLogger(__name__)

NOT_SENT = "Not sent: it was owed in a backup or a copy, and may have been sent by the original."
A_COPY = (
    "This is a copy of another installation, which goes on with this account. To use it here as well, "
    "re-authorize it."
)


class Answer(StrEnum):
    """What a person says; each lets the installation go on."""

    MOVED = "moved"
    """The same data at another place: nothing else changes."""
    RESTORED = "restored"
    """The data of an earlier day: calendars are read in full, and what changed there since comes in without
    telling customers. Letters owed then are dropped."""
    COPY = "copy"
    """The original goes on elsewhere: all ties to calendars are cut here, without a request to any."""


def answer_doubt(*, file: Path, answer: Answer, now: datetime) -> bool:
    """False: nothing is in doubt (any more). Sends nothing itself; call it outside a transaction.

    The installation gets a new name, so another one on the same database is in doubt from then on. Raises
    locks.Busy, OSError where the file cannot be written.
    """
    with installation_lock(wait_seconds=WAIT):
        there = read_record(file)
        if not there.doubt:
            return False
        with transaction.atomic():
            if answer is Answer.RESTORED:
                _take_over(now)
            elif answer is Answer.COPY:
                _let_go(now)
            if answer is not Answer.MOVED:
                _drop_letters(there, now)
            row = Installation.objects.filter(id=Installation.ONLY).first() or Installation()
            row.name = uuid4()
            row.turn = max(row.turn, there.record.turn if there.record else 0)
            row.save()
        raise_turn(row, file)
    log.warning("the installation goes on: %s", answer)
    return True


def _take_over(now: datetime) -> None:
    ids = list(RemoteCalendar.objects.order_by("id").values_list("id", flat=True))
    RemoteCalendar.objects.update(quiet_since=now)
    read_anew(calendar_ids=ids, now=now)


def _let_go(now: datetime) -> None:
    Channel.objects.all().delete()  # the original listens to them
    Incident.objects.filter(decision="").delete()
    EventLink.objects.exclude(state=EventLink.State.ENDED).update(
        state=EventLink.State.ENDED, reason="", next_attempt=None, version=F("version") + 1
    )
    Connection.objects.exclude(state=Connection.State.ENDED).update(
        state=Connection.State.ENDED, ended_at=now, epoch=F("epoch") + 1
    )
    RegistrationLink.objects.filter(used_at=None, revoked_at=None).update(revoked_at=now)
    RemoteKey.objects.update(
        secret=seal({}),
        secret_version=F("secret_version") + 1,
        state=RemoteKey.State.NEEDS_REAUTHORIZATION,
        trouble=A_COPY,
    )


def _drop_letters(there: Recorded, now: datetime) -> None:
    """What was owed before it was noticed; who books meanwhile gets their letters."""
    owed = Message.objects.filter(state=Message.State.OWED, created_at__lte=there.since or now)
    owed.update(state=Message.State.DROPPED, reason=NOT_SENT, claimed_at=None)
