"""**Unlink Token**: end a module's link to its calendar. After it has answered, no request goes there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import F, QuerySet

from genie.flows.close_channels import close_channels
from genie.flows.decide import let_go
from genie.flows.forget_mirror import forget_mirror_if_unused
from genie.providers.registry import ProviderSettings
from genie.store import jobs
from genie.store.locks import Busy, calendar_lock
from genie.store.models import Connection, EventLink

WAIT = 25.0
"""Seconds to wait for a request under way: longer than a provider's own time limit."""


class Unlinked(StrEnum):
    DONE = "done"
    """Nothing flows any more, and no request is under way."""
    FINISHING = "finishing"
    """Nothing new is sent; one request that had begun before has not ended yet."""
    REMOVING = "removing"
    """Only the deletions of the copies are still sent; then the connection ends by itself."""


def unlink(
    *,
    company_id: int,
    connection_id: int,
    keep_copies: bool,
    settings: ProviderSettings,
    now: datetime,
    wait_seconds: float = WAIT,
) -> Unlinked:
    """End the link. `keep_copies` leaves the events on the calendar; otherwise those of visits still to come
    are removed (past ones stay) by the worker. Calling it again with `keep_copies` stops a removal.

    Waits for the calendar's lock and stops its channels, so call it outside a transaction. Raises
    Connection.DoesNotExist.
    """
    calendar_id, state = _decide(company_id, connection_id, keep_copies, now)
    if state == Connection.State.REMOVING:
        return Unlinked.REMOVING
    try:
        with calendar_lock(calendar_id, wait_seconds=wait_seconds):
            close_channels(calendar_id=calendar_id, settings=settings)
            forget_mirror_if_unused(calendar_id=calendar_id)
    except Busy:
        # its channels with it: whoever has the calendar asks nothing more about them
        forget_mirror_if_unused(calendar_id=calendar_id)
        return Unlinked.FINISHING
    return Unlinked.DONE


@transaction.atomic
def _decide(company_id: int, connection_id: int, keep_copies: bool, now: datetime) -> tuple[int, str]:
    connection = Connection.objects.select_for_update(of=("self",)).get(
        id=connection_id, module__company_id=company_id
    )
    if connection.state == Connection.State.ENDED:
        return connection.calendar_id, connection.state
    let_go(connection=connection, now=now)
    removing = not keep_copies and _owe_removal(connection, now)
    connection.state = Connection.State.REMOVING if removing else Connection.State.ENDED
    connection.epoch += 1  # what a drain began under the old epoch, it may not commit
    connection.ended_at = None if removing else now
    connection.save(update_fields=["state", "epoch", "ended_at"])
    ending = _living(connection).exclude(state=EventLink.State.OWES_PUSH) if removing else _living(connection)
    ending.update(state=EventLink.State.ENDED, reason="", next_attempt=None, version=F("version") + 1)
    if removing:
        jobs.wake_calendar(connection.calendar_id)
    return connection.calendar_id, connection.state


def _owe_removal(connection: Connection, now: datetime) -> bool:
    """The copies of visits still to come owe their removal; the rest is ended by the caller. Any at all?"""
    links = _living(connection)
    links.filter(appointment__end__lte=now).update(
        state=EventLink.State.ENDED, reason="", version=F("version") + 1
    )
    # never sent, so nothing of it is there
    links.filter(remote_id="", asked_at=None).update(
        state=EventLink.State.ENDED, reason="", version=F("version") + 1
    )
    return bool(
        links.update(
            state=EventLink.State.OWES_PUSH,
            reason="",
            next_attempt=None,
            attempts=0,
            stale_streak=0,
            version=F("version") + 1,
        )
    )


def _living(connection: Connection) -> QuerySet[EventLink]:
    return EventLink.objects.filter(connection=connection).exclude(state=EventLink.State.ENDED)
